"""The methods of multiprocessing.Pool over any crew: what processes and threads have in common."""

import threading
import warnings
from multiprocessing import util

from furrow._feeder import Feeder
from furrow._options import Options
from furrow._results import ApplyResult, IMapIterator, MapResult

INIT, RUN, CLOSE, TERMINATE = "INIT", "RUN", "CLOSE", "TERMINATE"

MAP, ORDERED, UNORDERED = range(3)  # Job::Kind
ITEM, STAR, WHOLE = range(3)        # Calling

# Iterables whose next item never has to be waited for.
_PROMPT = (list, tuple, range, dict, set, frozenset, str, bytes)


class BasePool:
    """What derives from it has a crew, and makes jobs for it."""

    def __init__(self, processes, initializer, maxtasksperchild):
        self._state = INIT
        self._crew = None
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0):
            raise ValueError("maxtasksperchild must be a positive int or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._processes = processes
        self._pump = None
        self._lock = threading.Lock()

    def _run_with(self, crew):
        self._crew = crew
        self._helpers = []  # threads that work for the crew
        self._terminate = util.Finalize(self, _end, args=(crew, self._helpers), exitpriority=15)
        self._state = RUN

    def _new_job(self, kind, func, calling, chunksize, on_settled, options, items):
        """KIND: None for a single call. ITEMS: all of a map's inputs."""
        raise NotImplementedError

    def __del__(self, _warn=warnings.warn, RUN=RUN):
        if self._state == RUN:
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

    # Calls.

    def apply(self, func, args=(), kwds={}, *, timeout=None, retries=0, seed=None):
        """func(*args, **kwds), in a worker."""
        return self._apply(func, args, kwds, None, None, Options(timeout, retries, seed=seed)).get()

    def apply_async(self, func, args=(), kwds={}, callback=None, error_callback=None, *, timeout=None, retries=0,
                    seed=None):
        """The same without waiting: gives an AsyncResult."""
        return self._started(self._apply(func, args, kwds, callback, error_callback, Options(timeout, retries, seed=seed)))

    def _apply(self, func, args, kwds, callback, error_callback, options):
        self._check_running()
        calling, value = (WHOLE, (tuple(args), dict(kwds))) if kwds else (STAR, tuple(args))
        result = ApplyResult(self, callback, error_callback)
        job = self._new_job(None, func, calling, 1, result._settle, options, [value])
        return self._submit(result, job)

    # Maps.

    def map(self, func, iterable, chunksize=None, *, timeout=None, retries=0, on_error="raise", progress=False,
            seed=None, resume=None, trace=None):
        """[func(x) for x in iterable].

        timeout: seconds for each task; one that takes longer is stopped, and fails with TaskTimeout. retries: further
        attempts at an item that failed or whose worker died. on_error: 'raise', or 'collect': failures stand in the
        results as furrow.Failure. progress: True for a bar, or a function (done, failed, total, elapsed). seed: of
        task_rng(). resume: a file that keeps results, or (file, key). trace: a file for the timeline.
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
        """map() without waiting: gives a MapResult."""
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._started(self._map(func, iterable, ITEM, chunksize, callback, error_callback, options))

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None, *, timeout=None,
                      retries=0, on_error="raise", progress=False, seed=None, resume=None, trace=None):
        """starmap() without waiting."""
        options = Options(timeout, retries, on_error, progress, seed, resume, trace)
        return self._started(self._map(func, iterable, STAR, chunksize, callback, error_callback, options))

    def _wait(self, result):
        try:
            return result.get()
        except BaseException:
            if not result._job.settled:  # an interrupt: the workers are to be free again
                self._crew.cancel(result._job)
            raise

    def _map(self, func, iterable, calling, chunksize, callback, error_callback, options):
        self._check_running()
        _check_chunksize(chunksize)
        items = iterable if type(iterable) in (tuple, range) else list(iterable)  # nobody else changes it meanwhile
        result = MapResult(self, callback, error_callback)
        job = self._new_job(MAP, func, calling, chunksize or 0, result._settle, options, items)
        return self._submit(result, job)

    def _submit(self, result, job):
        result._job = job
        self._crew.submit(job)
        return result

    def _started(self, result):
        self._ensure_pump()
        self._crew.nudge()
        return result

    # Streams.

    def imap(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise", progress=False,
             seed=None):
        """Like map(), but gives an iterator; inputs are drawn as results are taken."""
        return self._imap(ORDERED, func, iterable, chunksize, Options(timeout, retries, on_error, progress, seed))

    def imap_unordered(self, func, iterable, chunksize=1, *, timeout=None, retries=0, on_error="raise", progress=False,
                       seed=None):
        """Like imap(), with results in the order in which they come."""
        return self._imap(UNORDERED, func, iterable, chunksize, Options(timeout, retries, on_error, progress, seed))

    def _imap(self, kind, func, iterable, chunksize, options):
        self._check_running()
        _check_chunksize(chunksize)
        job = self._new_job(kind, func, ITEM, chunksize, None, options, None)
        result = IMapIterator(self, job)
        if options.progress:
            from furrow._progress import StreamProgress

            result._progress = StreamProgress(options.progress, job, len(iterable) if hasattr(iterable, "__len__") else 0)
        prompt = type(iterable) in _PROMPT
        if prompt:
            self._give_all(job, iterable)
        self._crew.submit(job)
        if not prompt:
            result._taken = Feeder(self._crew, job, iterable, chunksize).taken
        return self._started(result)

    def _give_all(self, job, iterable):
        job.give(iterable if type(iterable) in (list, tuple) else list(iterable))
        job.end_input()

    def _ensure_pump(self):
        pass

    # The end.

    def close(self):
        """No more tasks; the workers end when all are done."""
        if self._state == RUN:
            self._state = CLOSE

    def terminate(self):
        """Ends the workers at once. Results that are not there yet raise PoolError."""
        self._state = TERMINATE
        self._terminate()

    def join(self):
        """Waits until the workers have ended; after close() or terminate()."""
        if self._state == RUN:
            raise ValueError("Pool is still running")
        if self._state not in (CLOSE, TERMINATE):
            raise ValueError("In unknown state")
        self._crew.finish()
        _end(self._crew, self._helpers)


def _check_chunksize(chunksize):
    if chunksize is not None and chunksize < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")


def _end(crew, helpers):
    """Also at the exit of the program: no helper may be in the midst of something when Python takes itself apart."""
    crew.end()
    for each in helpers:
        if each is not threading.current_thread():
            each.join()
