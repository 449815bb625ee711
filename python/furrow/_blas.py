"""Keeps BLAS and OpenMP in the workers from using more threads than the worker's share of the cores.

Libraries that are already loaded get a call; those that a task loads later read the environment. If one of the
variables is set, the user has decided, and nothing is done.
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


def decided():
    return any(name in os.environ for name in VARIABLES)


def setters():
    """The functions that set the number of threads of the libraries loaded in this process."""
    return [found for path in _loaded() for found in _setters_of(path)]


def _loaded():
    try:
        with open("/proc/self/maps") as maps:
            lines = maps.read().splitlines()
    except OSError:
        return []
    paths = {line.split(None, 5)[5] for line in lines if ".so" in line and line.count(" ") >= 5}
    return [path for path in paths if any(part in os.path.basename(path) for part, _ in _LIBRARIES)]


def _setters_of(path):
    import ctypes

    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return
    name = os.path.basename(path)
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
    """Called in a worker. known: the result of setters()."""
    for variable in VARIABLES:
        os.environ.setdefault(variable, str(threads))
    for setter in known:
        setter(threads)
