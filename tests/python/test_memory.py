"""The memory for large results: it is bounded, and a large number of results does not run out of mappings."""
import gc
import os
import time
import weakref
from pathlib import Path

import furrow
import pytest

numpy = pytest.importorskip("numpy")

MIB = 1 << 20


def large(mib):
    return numpy.ones(mib * MIB // 8)


def kept():
    """Bytes in the memory files that this process holds open."""
    sizes = {}
    for each in Path("/proc/self/fd").iterdir():
        try:
            if os.readlink(each).startswith("/memfd:"):
                status = os.stat(each)
                sizes[status.st_ino] = status.st_blocks * 512
        except OSError:
            pass
    return sum(sizes.values())


def mappings():
    return Path("/proc/self/maps").read_text().count("\n")


@pytest.fixture(params=["fork", "spawn"])
def pool(request):
    with furrow.Pool(2, context=request.param) as pool:
        pool.map(abs, range(10))
        yield pool


def test_little_is_kept_after_the_arrays_are_gone(pool):
    before = kept()
    arrays = [large(26), large(32), large(38)]
    results = pool.map(numpy.negative, arrays, 1)
    assert all(array[-1] == -1 for array in results)
    stream = list(pool.imap(large, [20, 3, 26], 1))
    assert [array.nbytes // MIB for array in stream] == [20, 3, 26]
    del results, stream, arrays
    gc.collect()
    most = 3 * 25 * MIB  # for each worker, and for what they are sent
    for _ in range(600):
        if kept() - before >= most:  # workers give memory back when they have rested
            time.sleep(0.05)
    assert kept() - before < most
    assert pool.map(numpy.sum, [large(26)], 1) == [26 * MIB // 8]


def test_a_failed_map_keeps_nothing_of_its_caller(pool):
    def fail(iterable):
        array = large(1)
        try:
            pool.map(len, iterable)
        except TypeError:
            return weakref.ref(array)

    def broken():
        yield []
        raise TypeError

    kept_arrays = [fail([1]), fail(broken())]
    gc.collect()
    assert [each() for each in kept_arrays] == [None, None]


def test_results_that_are_held_outlast_what_is_given_back(pool):
    before = kept()  # other tests of this process may have pools, too
    held = pool.map(large, [3, 1, 5, 0, 26], 1)
    for _ in range(2):
        pool.map(large, [4, 1, 26], 1)
    pool.close()
    pool.join()
    assert [array.nbytes // MIB for array in held] == [3, 1, 5, 0, 26] and all((array == 1).all() for array in held)
    assert kept() - before < 40 * MIB


def test_nothing_is_kept_when_the_pool_has_ended():
    before = kept()
    pool = furrow.Pool(2)
    with pool:
        pool.map(large, [9, 9, 5], 1)
        pool.map_async(large, [9] * 20)
    pool.join()
    gc.collect()
    assert kept() - before < 8 * MIB


def test_many_results_need_few_mappings(pool):
    before = mappings()
    results = pool.map(lambda x: numpy.full(5000, x), range(800))
    assert [array[-1] for array in results] == list(range(800))
    assert mappings() - before < 60
