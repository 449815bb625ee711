"""furrow.ThreadPool: worker threads."""

from furrow import _furrow, _threads
from furrow._base import ITEM, MAP, STAR, BasePool


class ThreadPool(BasePool):
    """A pool of threads, in place of multiprocessing.pool.ThreadPool: nothing is pickled, and tasks share the
    memory of the program.

    >>> seen = []
    >>> with ThreadPool(4) as pool:
    ...     lengths = pool.map(len, ["a", "bc", "def"])
    ...     _ = pool.map(seen.append, lengths)
    >>> sorted(seen)
    [1, 2, 3]
    """

    def __init__(self, processes=None, initializer=None, initargs=()):
        if processes is None:
            processes = _furrow.cpu_count()
        super().__init__(processes, initializer, None)

        def begin():
            if initializer is not None:
                initializer(*initargs)

        self._run_with(_threads.ThreadCrew(processes, begin))
        self._pool = self._crew.threads

    def _new_job(self, kind, func, calling, chunksize, on_settled):
        if not chunksize:
            chunksize = 1
        ahead = max(1024, 8 * self._processes * chunksize)
        return _threads.ThreadJob(MAP if kind is None else kind, _call(func, calling), chunksize, 0, False, ahead,
                                  on_settled)

    def _repopulate_pool(self):
        pass


def _call(func, calling):
    if calling == ITEM:
        return func
    if calling == STAR:
        return lambda args: func(*args)
    return lambda whole: func(*whole[0], **whole[1])
