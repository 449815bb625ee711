"""The work of process_rows.cpp with Python's multiprocessing: prints the seconds that one run took."""

import multiprocessing
import sys
import time


def same(x):
    return x


def calls(workers):
    with multiprocessing.Pool(workers) as pool:
        pool.map(same, range(1000))
        began = time.perf_counter()
        pool.map(same, range(20_000), chunksize=1)
        return time.perf_counter() - began


def chunks(workers):
    with multiprocessing.Pool(workers) as pool:
        pool.map(same, range(1000))
        began = time.perf_counter()
        pool.map(same, range(1_000_000))
        return time.perf_counter() - began


def arrays(workers):
    import numpy

    two = [numpy.zeros(8 << 20), numpy.ones(8 << 20)]
    with multiprocessing.Pool(workers) as pool:
        pool.map(same, two, chunksize=1)
        began = time.perf_counter()
        pool.map(same, two, chunksize=1)
        return time.perf_counter() - began


def start(workers):
    began = time.perf_counter()
    with multiprocessing.Pool(workers) as pool:
        pool.map(same, [1, 2])
        return time.perf_counter() - began


if __name__ == "__main__":
    print(globals()[sys.argv[1]](int(sys.argv[2])))
