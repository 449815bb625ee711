"""Random numbers for a task, which depend only on the seed, the map and the task's index."""

import contextvars

from furrow import _furrow


class Scope:
    """What keys the random numbers of a task in a thread or coroutine, and the thread's Attempt at it (_stopping.py).
    A worker's main thread has none."""

    __slots__ = ("seed", "number", "index", "attempt", "generator")

    def __init__(self, seed, number, index, attempt=None):
        self.seed, self.number, self.index, self.attempt = seed, number, index, attempt
        self.generator = None


scope = contextvars.ContextVar("furrow_scope", default=None)

_last = (None, None)  # the serial number of the worker's last task, and its generator


def task_rng():
    """The random generator of the task that calls it: a numpy Generator on Philox.

    With the same seed, a task gets the same numbers in every run, whichever worker runs it. Without seed=, the seed
    is 0 and each map of a pool has numbers of its own.

    >>> from furrow import Pool, task_rng
    >>> with Pool() as pool:
    ...     draws = pool.map(lambda x: task_rng().normal(), range(1000), seed=7)
    ...     draws == pool.map(lambda x: task_rng().normal(), range(1000), chunksize=10, seed=7)
    True
    """
    global _last
    own = scope.get()
    if own is not None:
        if own.generator is None:
            own.generator = _generator(own.seed, own.number, own.index)
        return own.generator
    where = _furrow.task_scope()
    if where is None:
        raise RuntimeError("task_rng() is for tasks of a furrow pool: there is no task here")
    serial, *address = where
    if _last[0] != serial:
        _last = (serial, _generator(*address))
    return _last[1]


def _generator(seed, number, index):
    import numpy

    key = numpy.array([seed, number], dtype=numpy.uint64)
    counter = numpy.array([0, 0, index, 0], dtype=numpy.uint64)
    return numpy.random.Generator(numpy.random.Philox(counter=counter, key=key))
