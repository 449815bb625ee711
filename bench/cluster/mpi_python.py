"""The work of mpi_rival.py with furrow.MPIPool: mpirun -n 3 python3 mpi_python.py ROW COUNT."""
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "python"))

from furrow import MPIPool  # noqa: E402


def same(x):
    return x


def timed(pool, inputs, chunksize):
    began = time.perf_counter()
    results = pool.map(same, inputs, chunksize)
    seconds = time.perf_counter() - began
    assert len(results) == len(inputs)
    return seconds


def main():
    row, count = sys.argv[1], int(sys.argv[2])
    with MPIPool(1, root_works=False) as pool:
        if row == "arrays":
            import numpy

            inputs, chunksize = [numpy.full(8 << 20, 0.5) for _ in range(2)], 1
            timed(pool, inputs, chunksize)
            rounds = 5
        else:
            inputs, chunksize = range(count), 1 if row == "singly" else None
            timed(pool, range(1000), chunksize)
            rounds = 1
        print(statistics.median(timed(pool, inputs, chunksize) for _ in range(rounds)))


if __name__ == "__main__":
    main()
