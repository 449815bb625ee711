"""How a task learns that it should end: its map was cancelled, or its time is over.

A worker process is told by its parent. A thread sees it for itself, in the Attempt of its task.
"""

import sys
import threading
import time

from furrow import _furrow, _rng

_GRACE_S = 2  # a task that runs for longer than that beyond its time is mentioned
_LOOK_S = 0.5


def task_stop_requested():
    """Whether the task that calls it should end: its map was cancelled, its time is over, or its pool was terminated.

    A task in a thread runs to its end, so a long one should ask now and then. A worker process is ended 2 s after its
    task was told so, and at once if the task has not asked before. False outside of tasks.

    >>> from time import sleep
    >>> from furrow import TaskTimeout, ThreadPool, task_stop_requested
    >>> def patient(x):
    ...     while not task_stop_requested():
    ...         sleep(0.001)
    >>> with ThreadPool(2) as pool:
    ...     results = pool.map(patient, range(2), timeout=0.01, on_error="collect")
    >>> isinstance(results[0].error, TaskTimeout)
    True
    """
    return _should_end(_rng.scope.get())


def _should_end(scope):
    attempt = scope and scope.attempt
    return attempt.should_end() if attempt else _furrow.stop_requested()


class Attempt:
    """One attempt at a task in a thread. pending: its map. outer: the scope in which the map was made."""

    __slots__ = ("timeout", "_pending", "_outer", "_deadline")

    def __init__(self, pending, outer, timeout):
        self.timeout = timeout
        self._pending = pending
        self._outer = outer
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def should_end(self):
        return self._pending.stopped or self.late() > 0 or _should_end(self._outer)

    def late(self):
        """How long its time is over, in seconds; 0 or less: it is not."""
        return 0 if self._deadline is None else time.monotonic() - self._deadline


class Overdue:
    """Says once, on standard error, that a pool waits for a task whose time is over. Its thread runs while there are
    tasks with a time limit."""

    def __init__(self):
        self._attempts = set()
        self._lock = threading.Lock()
        self._watches = self._has_said = False

    def watch(self, attempt):
        self._attempts.add(attempt)
        if not (self._watches or self._has_said):
            with self._lock:
                if not self._watches:
                    self._watches = True
                    threading.Thread(target=self._run, name="furrow-timeouts", daemon=True).start()

    def forget(self, attempt):
        self._attempts.discard(attempt)

    def _run(self):
        while self._goes_on():
            time.sleep(_LOOK_S)
            for each in list(self._attempts):
                if each.late() > _GRACE_S and not self._has_said:
                    self._has_said = True
                    sys.stderr.write(f"furrow: a task runs for {_GRACE_S} s beyond its time limit of {each.timeout:g} "
                                     "s, and the ThreadPool waits for it: let it look at task_stop_requested(), or "
                                     "use furrow.Pool, which can end it\n")

    def _goes_on(self):
        with self._lock:
            self._watches = bool(self._attempts) and not self._has_said
            return self._watches
