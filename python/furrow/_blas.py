"""Keeps BLAS and OpenMP in the workers from using more threads than the worker's share of the cores.

Libraries that are already loaded get a call; those that a task loads later read the environment. If one of the
variables is set, the user has decided, and no number is set.
"""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
             "NUMEXPR_NUM_THREADS")

# Part of a library's file name -> functions that set its number of threads; a library has one of them.
_LIBRARIES = (
    ("openblas", ("openblas_set_num_threads", "openblas_set_num_threads64_", "scipy_openblas_set_num_threads",
                  "scipy_openblas_set_num_threads64_")),
    ("blis", ("bli_thread_set_num_threads",)),
    ("mkl_rt", ("MKL_Set_Num_Threads",)),
    ("gomp", ("omp_set_num_threads",)),
    ("iomp", ("omp_set_num_threads",)),
    ("libomp", ("omp_set_num_threads",)),
    ("libblas", ("openblas_set_num_threads",)),
)


_HARD = 2  # omp_pause_hard


def decided():
    return any(name in os.environ for name in VARIABLES)


def before_fork(threads):
    """Makes the libraries that are loaded ready for a fork by this thread; returns what limit() needs in the worker.

    GNU's OpenMP keeps threads for each thread that has used it. A forked child does not have them, and would wait for
    them forever. So they end here; the next parallel region starts new ones. If they cannot end, the child gets one
    thread, which needs no others.
    """
    known = []
    for path in _loaded():
        library = _library(path)
        if library is None:
            continue
        name = os.path.basename(path)
        number = threads if "gomp" not in name or _paused(library) else 1
        if number:
            known += [(setter, number) for setter in _setters_of(library, name)]
    return known


def _paused(library):
    """Whether OpenMP (5.0: GCC 9 and later) has given its threads up."""
    import ctypes

    pause = getattr(library, "omp_pause_resource_all", None)
    if pause is None:
        return False
    pause.argtypes = [ctypes.c_int]
    pause.restype = ctypes.c_int
    return pause(_HARD) == 0


def _loaded():
    try:
        with open("/proc/self/maps") as maps:
            lines = maps.read().splitlines()
    except OSError:
        return []
    paths = {line.split(None, 5)[5] for line in lines if ".so" in line and line.count(" ") >= 5}
    return [path for path in paths if any(part in os.path.basename(path) for part, _ in _LIBRARIES)]


def _library(path):
    import ctypes

    try:
        return ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def _setters_of(library, name):
    import ctypes

    for part, functions in _LIBRARIES:
        if part in name:
            for function in functions:
                if hasattr(library, function):
                    setter = getattr(library, function)
                    setter.argtypes = [ctypes.c_int]
                    setter.restype = None
                    yield setter
                    break


def limit(threads, known):
    """Called in a worker. threads: for what is loaded later; None where a variable of the user's decides. known: what
    before_fork() returned."""
    if threads:
        for variable in VARIABLES:
            os.environ[variable] = str(threads)
    for setter, number in known:
        setter(number)
