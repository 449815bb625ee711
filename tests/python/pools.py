"""The pools that tests share, by kind. With FURROW_OVER_MPI=1, under mpirun, that is one over all ranks."""
import atexit
import os

import furrow

OVER_MPI = os.environ.get("FURROW_OVER_MPI") == "1"

MAKE = {
    "processes": lambda: furrow.Pool(2),
    "threads": lambda: furrow.ThreadPool(2),
    "fork": lambda: furrow.Pool(2, context="fork"),
    "spawn": lambda: furrow.Pool(2, context="spawn"),
    "ranks": lambda: furrow.MPIPool(2),
}

_shared = {}


def get(kind):
    """A pool for all tests; the first test that needs it makes it."""
    if kind not in _shared:
        _shared[kind] = MAKE[kind]()
    return _shared[kind]


def fresh(kind):
    """A pool that a test may end. There is only one over ranks at a time."""
    if kind == "ranks":
        _end(kind)
    return MAKE[kind]()


def _end(kind):
    pool = _shared.pop(kind, None)
    if pool:
        pool.terminate()
        pool.join()


atexit.register(lambda: [_end(kind) for kind in list(_shared)])
