"""furrow.Executor: an executor of concurrent.futures over the worker processes of a Pool.

    submit() -> waiting -> drawn by the pool as its workers have room: running -> its result -> the Future is set

All calls go through one stream of the pool. A thread takes its results; when there has been nothing to do for a while,
the stream ends, and the thread sleeps. Futures that are cancelled while they wait are not drawn.
"""

import collections
import functools
import itertools
import logging
import multiprocessing
import os
import pickle
import threading
import time
import weakref
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool, _RemoteTraceback
from multiprocessing.pool import MaybeEncodingError, RemoteTraceback

from furrow import _failures, _furrow, _pickling, _worker
from furrow._base import ORDERED, STAR, TERMINATE, checked_chunksize
from furrow._future import Future
from furrow._options import Options, whole
from furrow._pool import Pool

_IDLE_S = 0.1  # after so long without calls, the stream ends
_ANY = 2**62   # results may wait to be taken

_at_work = weakref.WeakSet()  # the _Calls whose threads run
_exiting = False


class BrokenPool(_failures.PoolError, BrokenProcessPool):
    """The workers of an Executor cannot go on: their initializer raises, or no process can be started."""


class WorkerDied(_failures.WorkerDied, BrokenProcessPool):
    """The worker died while it ran this call. The executor goes on."""


class _LoggedInitializer(functools.partial):
    """Logs what it raises, as the workers of ProcessPoolExecutor do. A partial: so the initializer is found in it."""

    def __call__(self, *arguments):
        try:
            super().__call__(*arguments)
        except BaseException:
            logging.getLogger("concurrent.futures").critical("Exception in initializer:", exc_info=True)
            raise


class Executor(futures.Executor):
    """An executor of concurrent.futures, in place of ProcessPoolExecutor.

    A call whose worker dies fails alone, and the executor goes on. Functions may be lambdas and closures. The workers
    start with the first call. The arguments are those of ProcessPoolExecutor; serializer and threads_per_worker are
    those of furrow.Pool.

    >>> with Executor(2) as executor:
    ...     executor.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, max_workers=None, mp_context=None, initializer=None, initargs=(), *, max_tasks_per_child=None,
                 serializer=None, threads_per_worker=None):
        if max_workers is None:
            max_workers = _furrow.cpu_count()
        if whole("max_workers", max_workers) <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None and not isinstance(max_tasks_per_child, int):
            raise TypeError("max_tasks_per_child must be an integer")
        if max_tasks_per_child is not None and max_tasks_per_child <= 0:
            raise ValueError("max_tasks_per_child must be >= 1")
        self._max_workers = max_workers
        self._mp_context = mp_context = mp_context or multiprocessing.get_context()
        initializer = initializer and _LoggedInitializer(initializer)
        self._make_pool = lambda: Pool(max_workers, initializer, initargs, max_tasks_per_child, mp_context,
                                       serializer=serializer, threads_per_worker=threads_per_worker)
        self._calls = None
        self._lock = threading.Lock()
        self._shut_down = False

    def submit(self, fn, /, *args, **kwargs):
        """Starts fn(*args, **kwargs) in a worker; returns a Future."""
        future = Future()
        self._started().add((future, fn, args, kwargs))
        return future

    def map(self, fn, *iterables, timeout=None, chunksize=1):
        """Like map(fn, *iterables), with an iterator over the results in order.

        timeout: seconds from this call, after which the iterator raises TimeoutError. chunksize: how many calls go to
        a worker at a time.
        """
        if whole("chunksize", chunksize) < 1:
            raise ValueError("chunksize must be >= 1.")
        chunksize = checked_chunksize(chunksize)
        end = None if timeout is None else time.monotonic() + timeout
        calls = self._started()
        return _results(calls.pool, calls.map(fn, list(zip(*iterables)), chunksize), end)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Accepts no further calls. wait: waits for those that there are. cancel_futures: drops those not begun."""
        with self._lock:
            self._shut_down = True
            calls = self._calls
        if calls:
            calls.close(cancel_futures)
            if wait:
                calls.join()

    def terminate(self):
        """Kills the workers. Calls that are not ready fail with PoolError."""
        self.shutdown(wait=False, cancel_futures=True)
        if self._calls:
            self._calls.drop_waiting()
            self._calls.pool.terminate()

    def _started(self):
        calls = self._calls
        if calls is None or self._shut_down or calls.broken or _exiting:
            with self._lock:
                if self._shut_down:
                    raise RuntimeError("cannot schedule new futures after shutdown")
                if _exiting:
                    raise RuntimeError("cannot schedule new futures after interpreter shutdown")
                if self._broken:
                    raise BrokenPool(self._broken)
                if self._calls is None:
                    self._calls = _Calls(self._make_pool())
                    weakref.finalize(self, self._calls.close).atexit = False
                calls = self._calls
        return calls

    # --- names of ProcessPoolExecutor that programs use

    @property
    def _broken(self):
        return self._calls.broken if self._calls else False

    @property
    def _processes(self):
        return {each.pid: each for each in self._calls.pool._pool} if self._calls else {}

    @property
    def _executor_manager_thread(self):
        return self._calls.thread if self._calls else None


class _Calls:
    """The calls of one executor, and the thread that takes their results."""

    def __init__(self, pool):
        self.pool = pool
        self.broken = False
        self._workers = pool._workers
        self._waiting = collections.deque()  # (future, function, args, kwargs)
        self._running = {}                   # index in the stream -> future
        self._index = itertools.count()
        self._few = 2 * pool._processes      # while fewer calls run, a new one wakes the thread
        self._pumping = False                # the thread waits for results
        self._changed = False                # whether __main__ had changed
        self._checked = 0                    # for how many further calls that is known
        self._wake = threading.Event()
        self._closed = False
        self._maps = weakref.WeakSet()
        self._kept = {}                      # id of a function found by name -> (its pickle, the function)
        _at_work.add(self)
        self.thread = threading.Thread(target=self._run, name="furrow-executor", daemon=True)
        self.thread.start()

    def add(self, call):
        self._waiting.append(call)
        if not self._pumping:
            self._wake.set()
        elif len(self._running) < self._few:
            self._workers.nudge()

    def map(self, function, items, chunksize):
        """A stream that runs to its end, whether its results are taken or not."""
        pool = self.pool
        stream = pool._new_pending_map(ORDERED, function, STAR, chunksize, None, Options(ahead=_ANY), None)
        stream.give(items)
        stream.end_input()
        self._workers.submit(stream)
        pool._started(None)
        self._maps.add(stream)
        return stream

    def close(self, cancel=False):
        if cancel:  # not those that an idle worker is about to get
            self.drop_waiting(max(self.pool._processes - len(self._running), 0))
            for each in list(self._maps):
                each.drop_inputs()
        self._closed = True
        self._wake.set()

    def drop_waiting(self, kept=0):
        """Cancels the calls that wait, but for the first ones."""
        while len(self._waiting) > kept:
            try:
                future = self._waiting.pop()[0]
            except IndexError:  # another thread has taken it
                break
            if future.cancel():
                future.begin()

    def join(self):
        if threading.current_thread() is not self.thread:
            self.thread.join()

    # --- the thread

    def _run(self):
        try:
            while self._waiting or not self._closed:
                if self._waiting:
                    self._serve()
                else:
                    self._wake.wait()
                self._wake.clear()
        except BaseException as problem:
            self.broken = str(problem)
            self._fail_all(problem)
        finally:
            _at_work.discard(self)
            self.pool.close()
            self.pool.join()

    def _serve(self):
        """Runs a stream until there has been nothing to do for a while."""
        self._index = itertools.count()
        stream = self.pool._new_calls(self)
        self._workers.submit(stream)
        while not self._ended():
            if self._waiting or self._running:
                self._pumping = True
                self._workers.nudge()
                self._workers.wait_for_item(stream, -1 if self._running else 0.01)
                self._pumping = False
                if self.pool._news[0]:
                    self.pool._relay.show()
                for each in stream.take_all():
                    self._settle(*each)
                each = None
            elif not self._wake.wait(0 if self._closed else _IDLE_S) and not self._waiting:
                break
            self._wake.clear()
        stream.end_input()
        self._workers.nudge()

    def _ended(self):
        if self.pool._state == TERMINATE:
            raise _failures.PoolError("the pool was terminated")
        return self.broken and not self._running and not self._waiting

    def __next__(self):
        """The next call, if there is one: the pool draws it when a worker has room."""
        while self._waiting:
            try:
                future, function, args, kwargs = self._waiting.popleft()
            except IndexError:  # it has just been cancelled
                break
            if not future.begin():
                continue
            try:
                call = self._packed(function, args, kwargs)
            except BaseException as problem:
                future.finish(None, problem)
                continue
            self._running[next(self._index)] = future
            return call
        raise StopIteration

    def __iter__(self):
        return self

    def _packed(self, function, args, kwargs):
        main = self.pool._main
        if self._checked == 0:  # what was submitted before a look at __main__ needs no other
            self._changed = self._workers.names_matter = main.changed()
            self._checked = len(self._waiting) + 1
        self._checked -= 1
        made = None if self._changed else self._kept.get(id(function))
        if made:
            return made[0], args, kwargs, True
        made, named = _pickling.dump(function, main, self.pool._serializer)
        if named:
            self._kept[id(function)] = made, function
        return made, args, kwargs, named

    def _settle(self, index, raised, value):
        future = self._running.pop(index)
        if raised:
            future.finish(None, self._error(value))
        elif type(value) is _worker.Exited:
            future.finish(None, _failures.load(value.exception))
        else:
            future.finish(value)

    def _error(self, problem):
        if type(problem) is _failures.WorkerDied:
            return WorkerDied(str(problem), 0, problem.signal, problem.exitcode)
        if type(problem) is _failures.PoolError and self._workers.broken:
            self.broken = self._workers.broken
            return BrokenPool(str(problem))
        if type(problem) is MaybeEncodingError:
            problem = pickle.PicklingError(str(problem))
        if type(problem.__cause__) is RemoteTraceback:
            problem.__cause__ = _RemoteTraceback(problem.__cause__.tb)
        return problem

    def _fail_all(self, problem):
        while self._waiting:
            future = self._waiting.popleft()[0]
            if future.begin():
                future.finish(None, problem)
        while self._running:
            self._running.popitem()[1].finish(None, problem)


def _results(pool, stream, end):
    """Yields the results of a map; drops what is not begun if it is closed early."""
    try:
        while True:
            item = stream.take()
            if item is None:
                if stream.exhausted:
                    break
                if not pool._workers.wait_for_item(stream, -1 if end is None else max(end - time.monotonic(), 0)):
                    raise futures.TimeoutError
                continue
            if pool._news[0]:
                pool._relay.show()
            raised, value = item[0], [item[1]]
            del item  # the iterator keeps no result
            if raised:
                raise value.pop()
            yield value.pop()
    finally:
        stream.drop_inputs()
    if stream.dropped:
        raise futures.CancelledError


def _finish():
    """At the end of the program: waits for all calls, as concurrent.futures does."""
    global _exiting
    _exiting = True
    for each in list(_at_work):
        each.close()
    for each in list(_at_work):
        each.join()


def _in_child():
    for each in list(_at_work):
        each.broken = "this Executor was made before a fork, and only the process that made it can use it"
    _at_work.clear()


threading._register_atexit(_finish)
os.register_at_fork(after_in_child=_in_child)
