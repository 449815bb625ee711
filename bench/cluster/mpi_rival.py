"""The work of mpi_pool.cpp with mpi4py.futures: mpirun -n 3 python3 -m mpi4py.futures mpi_rival.py ROW COUNT."""
import statistics
import sys
import time

from mpi4py.futures import MPIPoolExecutor


def same(x):
    return x


def timed(executor, inputs, chunksize):
    began = time.perf_counter()
    results = list(executor.map(same, inputs, chunksize=chunksize))
    seconds = time.perf_counter() - began
    assert len(results) == len(inputs)
    return seconds


def main():
    row, count = sys.argv[1], int(sys.argv[2])
    with MPIPoolExecutor() as executor:
        if row == "arrays":
            import numpy

            inputs, chunksize = [numpy.full(8 << 20, 0.5) for _ in range(2)], 1
            timed(executor, inputs, chunksize)
            rounds = 5
        else:
            inputs, chunksize = range(count), 1 if row == "singly" else 1000
            timed(executor, range(1000), chunksize)
            rounds = 1
        print(statistics.median(timed(executor, inputs, chunksize) for _ in range(rounds)))


if __name__ == "__main__":
    main()
