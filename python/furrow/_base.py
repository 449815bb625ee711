"""The methods of multiprocessing.Pool over any kind of workers: what processes and threads have in common."""

import functools
import itertools
import threading
import warnings
from multiprocessing import util

from furrow._feeder import Feeder
from furrow._inherited import Own, known_as
from furrow._options import Options, whole
from furrow._results import ApplyResult, IMapIterator, IMapUnorderedIterator, MapResult

INIT, RUN, CLOSE, TERMINATE = "INIT", "RUN", "CLOSE", "TERMINATE"

MAP, ORDERED, UNORDERED = range(3)  # PendingMap::Kind
ITEM, STAR, WHOLE = range(3)        # Calling

_MOST = 2**40        # items in a chunk
_IN_FLIGHT = 100  # coroutines that a worker runs at once, unless chunksize is given
_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE; the module inspect is slow to import

# Iterables that give their next item at once.
_PROMPT = (list, tuple, range, dict, set, frozenset, str, bytes)


@known_as("Pool")
class BasePool(Own):
    """A derived class gives it workers, and makes the PendingMaps that they run.

    It is one of multiprocessing's pools for those that ask with isinstance(), and inherits nothing from it.
    """

    def __init__(self, processes, initializer, maxtasksperchild):
        self._state = INIT
        self._workers = None
        processes = whole("processes", processes)
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0):
            raise ValueError("maxtasksperchild must be a positive int or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._processes = processes
        self._pump = None
        self._relay = None  # of what tasks log and print
        self._news = (0,)   # whether there is any
        self._lock = threading.Lock()
        self._maps = itertools.count(1)

    def _run_with(self, workers):
        self._workers = workers
        self._helpers = []  # threads of the pool itself, and what else ends with it
        if self._relay is not None:
            self._relay.start()
            self._news = self._relay.news
            self._helpers.append(self._relay)
        self._terminate = util.Finalize(self, _end, args=(workers, self._helpers), exitpriority=15)
        self._state = RUN

    def _new_pending_map(self, kind, func, calling, chunksize, on_settled, options, items):
        """The PendingMap for one map, stream or call. kind: None for a call. items: all inputs of a map."""
        raise NotImplementedError

    def __del__(self, _warn=warnings.warn, _run=RUN):
        if self._state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    def __repr__(self):
        cls = type(self)
        return f"<{cls.__module__}.{cls.__qualname__} state={self._state} pool_size={self._processes}>"

    def __reduce__(self):
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def __enter__(self):
        self._check_running()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.terminate()

    def _check_running(self):
        if self._state != RUN:
            raise ValueError("Pool not running")

    # --- calls

    def apply(self, func, args=(), kwds={}, *, timeout=None, retries=0, seed=None):
        """func(*args, **kwds), in a worker."""
        return self._apply(func, args, kwds, None, None, Options(timeout, retries, seed=seed)).get()

    def apply_async(self, func, args=(), kwds={}, callback=None, error_callback=None, *, timeout=None, retries=0,
                    seed=None):
        """apply() without waiting; returns an AsyncResult."""
        options = Options(timeout, retries, seed=seed)
        return self._started(self._apply(func, args, kwds, callback, error_callback, options))

    def _apply(self, func, args, kwds, callback, error_callback, options):
        self._check_running()
        calling, value = (WHOLE, (tuple(args), dict(kwds))) if kwds else (STAR, tuple(args))
        result = ApplyResult(self, callback, error_callback)
        pending = self._new_pending_map(None, func, calling, 1, result._settle, options, [value])
        return self._submit(result, pending)

    # --- maps

    def map(self, func, iterable, chunksize=None, *, timeout=None, retries=0, on_error="raise", progress=False,
            seed=None, resume=None, trace=None):
        """[func(x) for x in iterable].

        timeout: seconds for each task; a task that takes longer is stopped and fails with TaskTimeout; in a thread it
        is asked to end (task_stop_requested()), and the map waits for it. retries: how often a task that failed, or
        whose worker died, is tried again. on_error: 'raise', or 'collect' to get failures in the results as
        furrow.Failure. progress: True for a bar, 'tqdm' or 'rich' for one of those, or a function called with (done,
        failed, total, elapsed). seed: for task_rng(). resume: a file that keeps results, or (file, key). trace: a
        file for the timeline.
        """
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._wait(self._map(func, iterable, ITEM, chunksize, None, None, options))

    def starmap(self, func, iterable, chunksize=None, *, timeout=None, retries=0, on_error="raise", progress=False,
                seed=None, resume=None, trace=None):
        """[func(*x) for x in iterable]."""
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._wait(self._map(func, iterable, STAR, chunksize, None, None, options))

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None, *, timeout=None,
                  retries=0, on_error="raise", progress=False, seed=None, resume=None, trace=None):
        """map() without waiting; returns a MapResult."""
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._started(self._map(func, iterable, ITEM, chunksize, callback, error_callback, options))

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None, *, timeout=None,
                      retries=0, on_error="raise", progress=False, seed=None, resume=None, trace=None):
        """starmap() without waiting; returns a MapResult."""
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._started(self._map(func, iterable, STAR, chunksize, callback, error_callback, options))

    def _wait(self, result):
        try:
            return result.get()
        except BaseException:
            if not result._pending.settled:  # interrupted: free the workers
                self._workers.cancel(result._pending)
            raise

    def _map(self, func, iterable, calling, chunksize, callback, error_callback, options):
        self._check_running()
        chunksize = checked_chunksize(chunksize)
        items = iterable if type(iterable) in (tuple, range) else list(iterable)  # a copy of what may change
        result = MapResult(self, callback, error_callback)
        pending = self._new_pending_map(MAP, func, calling, chunksize, result._settle, options, items)
        return self._submit(result, pending)

    def _submit(self, result, pending):
        result._pending = pending
        self._workers.submit(pending)
        return result

    def _started(self, result):
        self._ensure_pump()
        self._workers.nudge()
        return result

    # --- streams

    def imap(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise", progress=False,
             seed=None):
        """Like map(), but returns an iterator; inputs are drawn as results are taken."""
        options = Options(timeout, retries, on_error, progress, seed)
        return self._imap(ORDERED, func, iterable, chunksize, options, ITEM)

    def istarmap(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise", progress=False,
                 seed=None):
        """Like starmap(), but returns an iterator."""
        options = Options(timeout, retries, on_error, progress, seed)
        return self._imap(ORDERED, func, iterable, chunksize, options, STAR)

    def istarmap_unordered(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise",
                           progress=False, seed=None):
        """Like istarmap(), but results come in the order in which they are ready."""
        options = Options(timeout, retries, on_error, progress, seed)
        return self._imap(UNORDERED, func, iterable, chunksize, options, STAR)

    def imap_unordered(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise", progress=False,
                       seed=None):
        """Like imap(), but results come in the order in which they are ready."""
        options = Options(timeout, retries, on_error, progress, seed)
        return self._imap(UNORDERED, func, iterable, chunksize, options, ITEM)

    def _imap(self, kind, func, iterable, chunksize, options, calling):
        self._check_running()
        chunksize = checked_chunksize(chunksize)
        pending = self._new_pending_map(kind, func, calling, chunksize, None, options, None)
        result = (IMapIterator if kind == ORDERED else IMapUnorderedIterator)(self, pending)
        if options.progress:
            from furrow._progress import StreamProgress

            total = len(iterable) if hasattr(iterable, "__len__") else 0
            result._progress = StreamProgress(options.progress, pending, total)
        prompt = type(iterable) in _PROMPT
        if prompt:
            self._give_all(pending, iterable)
        self._workers.submit(pending)
        if not prompt:
            result._taken = Feeder(self._workers, pending, iterable, chunksize).taken
        return self._started(result)

    def _give_all(self, pending, iterable):
        pending.give(iterable if type(iterable) in (list, tuple) else list(iterable))
        pending.end_input()

    def _ensure_pump(self):
        pass

    def _next_stream(self, seed):
        """What keys the random numbers of the next map, together with the index of an item."""
        return (0, next(self._maps)) if seed is None else (seed, 0)

    # --- data that stay

    def scatter(self, data, parts=None):
        """Sends data to the workers, which keep them: returns a Partitioned, whose map() sends functions only.

        data: an array or a DataFrame, which is cut by its rows, or any iterable. parts: how many parts there are; None:
        one for each worker.

        >>> from furrow import Pool
        >>> with Pool(2) as pool, pool.scatter(range(1000)) as data:
        ...     data.map(lambda x: x % 7).map_parts(sum)
        [1494, 1503]
        """
        self._check_running()
        from furrow import _partitioned

        return _partitioned.scatter(self, data, parts, self._part_memory("scatter"))

    def partition(self, size, make, parts=None, *, retries=0, seed=None):
        """Makes data in the workers, which keep them: a Partitioned of make(0), make(1), ..., make(size - 1).

        parts: how many parts there are; None: one for each worker. retries: of a part as a whole.

        >>> from furrow import Pool
        >>> with Pool(2) as pool, pool.partition(3, lambda index: "ab" * index) as data:
        ...     data.map(len).gather()
        [0, 2, 4]
        """
        self._check_running()
        from furrow import _partitioned

        return _partitioned.partition(self, size, make, parts, retries, seed, self._part_memory("partition"))

    def _part_memory(self, call):
        """What keeps the parts."""
        from furrow._segments import Segment

        return Segment

    def statistics(self):
        """A PoolStatistics: how many tasks wait or run, have returned and have failed. From any thread, at any time.

        >>> from furrow import Pool
        >>> with Pool(2) as pool:
        ...     _ = pool.map(abs, range(100))
        ...     pool.statistics()
        PoolStatistics(workers=2, unfinished=0, completed=100, failed=0, workers_replaced=0)
        """
        from furrow._statistics import PoolStatistics

        return PoolStatistics(self._processes, *self._workers.statistics())

    # --- shutdown

    def close(self):
        """Accepts no further tasks; the workers end when all tasks are done."""
        if self._state == RUN:
            self._state = CLOSE

    def terminate(self):
        """Kills the workers. Results that are not ready raise PoolError."""
        self._state = TERMINATE
        self._terminate()

    def join(self):
        """Waits until the workers have ended. Call close() or terminate() first."""
        if self._state == RUN:
            raise ValueError("Pool is still running")
        if self._state not in (CLOSE, TERMINATE):
            raise ValueError("In unknown state")
        self._workers.finish()
        _end(self._workers, self._helpers)


def checked_chunksize(chunksize):
    if chunksize is None:
        return 0
    if whole("chunksize", chunksize) < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
    return min(int(chunksize), _MOST)


def is_coroutine_function(func):
    """Whether a call gives a coroutine to await: an async def function, method or __call__, perhaps in a partial."""
    while isinstance(func, functools.partial):
        func = func.func
    code = getattr(getattr(func, "__func__", func), "__code__", None)
    if code is None and not isinstance(func, type):
        code = getattr(getattr(type(func), "__call__", None), "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)


def together_chunksize(items, workers):
    """How many coroutines a worker awaits at once, unless chunksize is given."""
    return max(1, min(-(-items // workers), _IN_FLIGHT))


def _end(workers, helpers):
    """Ends the workers. Also runs when the program exits: no helper thread may be at work while Python shuts down."""
    workers.end()
    for each in helpers:
        if each is not threading.current_thread():
            each.join()
