"""furrow.ThreadPool: worker threads."""

from furrow import _failures, _furrow, _threads
from furrow._base import ITEM, MAP, STAR, BasePool, is_coroutine_function, together_chunksize
from furrow._inherited import known_as


@known_as("ThreadPool")
class ThreadPool(BasePool):
    """A pool of threads, in place of multiprocessing.pool.ThreadPool: nothing is pickled, and tasks share the
    memory of the program. A thread cannot be stopped: a task whose time is over is asked to end, see
    task_stop_requested(), and has failed when it ends.

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

        self._run_with(_threads.WorkerThreads(self._processes, begin))
        self._pool = self._workers.threads

    def _part_memory(self, call):
        """Nothing is sent: the parts hold the program's own objects."""
        from furrow._segments import InProgram

        return InProgram

    def _new_pending_map(self, kind, func, calling, chunksize, on_settled, options, items):
        options.refuse(("resume", "trace"), "a ThreadPool")
        together = is_coroutine_function(func)
        if not chunksize:
            chunksize = together_chunksize(len(items), self._processes) if together and kind == MAP else 1
        ahead = max(1024, 8 * self._processes * chunksize)
        collect = _failures.Failure if options.on_error == "collect" else None
        pending = _threads.ThreadMap(MAP if kind is None else kind, _call(func, calling), chunksize, options.timeout,
                                     options.retries, collect, ahead, on_settled, self._next_stream(options.seed),
                                     together)
        if items is not None:
            pending.give(items)
            pending.end_input()
        if options.progress and kind == MAP:
            pending.show(options.progress)
        return pending

    def _repopulate_pool(self):
        pass


def _call(func, calling):
    if calling == ITEM:
        return func
    if calling == STAR:
        return lambda args: func(*args)
    return lambda whole: func(*whole[0], **whole[1])
