"""What the asynchronous methods of a Pool return: a result to wait for, or an iterator over results.

A thread that waits here drives the pool meanwhile (docs/design/python.md), so it must not hold a lock that a callback
of the same pool needs.
"""

import functools
import sys
import threading
import time
import types
from multiprocessing import TimeoutError

from furrow._inherited import Own, known_as


@known_as("ApplyResult")
class ApplyResult(Own):
    """One result, which may not be ready yet.

    >>> from furrow import Pool
    >>> with Pool(2) as pool:
    ...     result = pool.apply_async(pow, (2, 10))
    ...     result.get(timeout=10)
    1024
    """

    def __init__(self, pool, callback=None, error_callback=None):
        self._pool = pool  # kept alive while the result is awaited
        self._workers = pool._workers
        self._relay = pool._relay
        self._news = pool._news
        self._pending = None
        self._callback = callback
        self._error_callback = error_callback
        self._settling = None  # the thread that runs the callbacks
        self._success = None
        self._value = None

    def ready(self):
        """Whether the call has completed."""
        return self._pending.settled

    def successful(self):
        """Whether the call completed without raising. Raises ValueError if it is not ready."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        self._fetch()
        return self._success

    def wait(self, timeout=None):
        """Waits until the result is ready, or for timeout seconds."""
        if self._settling == threading.get_ident():
            return
        self._workers.wait(self._pending, -1 if timeout is None else max(timeout, 0))
        if self._news[0]:
            self._relay.show()

    def get(self, timeout=None):
        """The result; raises what the call raised, or multiprocessing.TimeoutError."""
        self.wait(timeout)
        if not self._pending.settled and self._settling is None:
            raise _timed_out()
        self._fetch()
        if self._success:
            return self._value
        raise self._value

    def _fetch(self):
        # A pool that was terminated settles its maps without calling _settle().
        if self._success is None and self._pending.settled:
            self._success, self._value = False, self._pending.error
            self._pool = None

    def _settle(self, error, results):
        """Called by the pool when all results are there."""
        self._success = error is None
        self._value = self._from(results) if self._success else error
        self._pool = None
        self._settling = threading.get_ident()
        callback = self._callback if self._success else self._error_callback
        if callback and self._news[0]:
            self._relay.show()
        self._callback = self._error_callback = None
        try:
            if callback:
                callback(self._value)
        finally:
            self._settling = None

    def _from(self, results):
        return results[0]

    __class_getitem__ = classmethod(types.GenericAlias)


AsyncResult = ApplyResult


@known_as("MapResult")
class MapResult(ApplyResult):
    """The list of a map's results, which may not be ready yet."""

    @property
    def _number_left(self):
        """How many tasks are not done; programs follow a map by this name."""
        return 0 if self._pending.settled else self._pending.total - self._pending.done

    def _from(self, results):
        return results


@known_as("IMapIterator")
class IMapIterator(Own):
    """Iterates over results in the order of the inputs."""

    def __init__(self, pool, pending):
        self._pool = pool
        self._workers = pool._workers
        self._relay = pool._relay
        self._news = pool._news
        self._pending = pending
        self._taken = None     # called after an item was taken, so that more inputs are drawn
        self._progress = None  # updated whenever an item is taken

    def __iter__(self):
        return self

    def next(self, timeout=None):
        """The next result. Raises multiprocessing.TimeoutError if it is not ready after timeout seconds."""
        item = self._pending.take() or self._wait(timeout)
        if self._news[0]:
            self._relay.show()
        if item is None:
            self._pool = None
            if self._progress:
                self._progress.finish()
            raise StopIteration
        if self._taken:
            self._taken()
        if self._progress:
            self._progress.tick()
        raised, value = item
        if raised:
            if isinstance(value, StopIteration):  # which would end the caller's loop, as if this were the last item
                raise RuntimeError("a task raised StopIteration") from value
            raise value
        return value

    __next__ = next

    def _wait(self, timeout):
        """The next item; None after the last."""
        deadline = None if timeout is None else time.monotonic() + max(timeout, 0)
        while True:
            left = -1 if deadline is None else max(deadline - time.monotonic(), 0)
            if self._progress:
                self._progress.tick()
                left = 0.1 if left < 0 else min(left, 0.1)
            try:
                came = self._workers.wait_for_item(self._pending, left)
            except KeyboardInterrupt:
                self._workers.cancel(self._pending)  # the traceback may keep this iterator alive, as in a notebook
                raise
            item = self._pending.take()
            if item is not None or self._pending.exhausted:
                return item
            if not came and deadline is not None and time.monotonic() >= deadline:
                raise _timed_out()

    def __del__(self):
        pending, workers = getattr(self, "_pending", None), getattr(self, "_workers", None)
        if pending is not None and not pending.settled:
            workers.cancel(pending)


@known_as("IMapUnorderedIterator")
class IMapUnorderedIterator(IMapIterator):
    """Iterates over results as they are ready."""


def _timed_out():
    """A TimeoutError, which is multiprocess's too: programs that have come from there catch that."""
    theirs = sys.modules.get("multiprocess")
    return TimeoutError() if theirs is None else _of_both(theirs.TimeoutError)()


@functools.lru_cache(maxsize=None)
def _of_both(theirs):
    return type("TimeoutError", (TimeoutError, theirs), {"__reduce__": lambda self: (_timed_out, ())})
