"""What the asynchronous methods of a Pool give: a result to wait for, or an iterator over results.

Whoever waits here works for the pool meanwhile (docs/design/python.md); so do not hold locks that callbacks of
the same pool want.
"""

import threading
import time
import types
from multiprocessing import TimeoutError


class ApplyResult:
    """One result that may not be there yet.

    >>> from furrow import Pool
    >>> with Pool(2) as pool:
    ...     result = pool.apply_async(pow, (2, 10))
    ...     result.get(timeout=10)
    1024
    """

    def __init__(self, pool, callback=None, error_callback=None):
        self._pool = pool  # which lives as long as somebody waits for it
        self._crew = pool._crew
        self._job = None
        self._callback = callback
        self._error_callback = error_callback
        self._settling = None  # the thread that runs the callbacks
        self._success = None
        self._value = None

    def ready(self):
        """Whether the call has completed."""
        return self._job.settled

    def successful(self):
        """Whether it completed without raising. Raises ValueError where it is not ready."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        self._fetch()
        return self._success

    def wait(self, timeout=None):
        """Waits until the result is there, or for TIMEOUT seconds."""
        if self._settling == threading.get_ident():
            return
        self._crew.wait(self._job, -1 if timeout is None else max(timeout, 0))

    def get(self, timeout=None):
        """The result; raises what the call raised, or multiprocessing.TimeoutError."""
        self.wait(timeout)
        if not self._job.settled and self._settling is None:
            raise TimeoutError
        self._fetch()
        if self._success:
            return self._value
        raise self._value

    def _fetch(self):
        # A pool that was terminated settles its jobs without telling.
        if self._success is None and self._job.settled:
            self._success, self._value = False, self._job.error
            self._pool = None

    def _settle(self, error, results):
        """Called by the crew when all is there."""
        self._success = error is None
        self._value = self._from(results) if self._success else error
        self._pool = None
        self._settling = threading.get_ident()
        callback = self._callback if self._success else self._error_callback
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


class MapResult(ApplyResult):
    """The list of a map's results, which may not be there yet."""

    def _from(self, results):
        return results


class IMapIterator:
    """Iterates over results as they come, in the order of the inputs (imap) or not (imap_unordered)."""

    def __init__(self, pool, job):
        self._pool = pool
        self._crew = pool._crew
        self._job = job
        self._taken = None     # called when an item was taken: there is room for more
        self._progress = None  # looked at by whoever takes

    def __iter__(self):
        return self

    def next(self, timeout=None):
        """The next result. Raises multiprocessing.TimeoutError where it is not there after TIMEOUT seconds."""
        item = self._job.take() or self._wait(timeout)
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
                came = self._crew.wait_for_item(self._job, left)
            except KeyboardInterrupt:
                self._crew.cancel(self._job)  # what was raised may keep this iterator for long, as in a notebook
                raise
            item = self._job.take()
            if item is not None or self._job.exhausted:
                return item
            if not came and deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError

    def __del__(self):
        job, crew = getattr(self, "_job", None), getattr(self, "_crew", None)
        if job is not None and not job.settled:
            crew.cancel(job)


IMapUnorderedIterator = IMapIterator
