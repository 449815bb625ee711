"""A Future of concurrent.futures that makes its condition when somebody waits for it.

The condition is most of what a Future costs, and nobody waits for most futures of a long list. Whoever waits, cancels
or adds a callback makes the condition first, and looks at the state then. The executor sets the state first, and looks
for a condition then. So one of the two sees what the other did.
"""

import threading
from concurrent import futures
from concurrent.futures._base import CANCELLED, FINISHED, PENDING, RUNNING


class Future(futures.Future):
    _made = None

    def __init__(self):
        self._state = PENDING
        self._result = None
        self._exception = None
        self._waiters = []
        self._done_callbacks = []

    @property
    def _condition(self):
        return self._made or self.__dict__.setdefault("_made", threading.Condition())

    def begin(self):
        """For the executor's thread: False if the future was cancelled; then whoever waits is woken."""
        if self._made is None:
            self._state = RUNNING
            if self._made is None:
                return True
            with self._made:
                if self._state != CANCELLED:
                    return True
        return self.set_running_or_notify_cancel()

    def finish(self, result, exception=None):
        """For the executor's thread, once the future runs."""
        self._result = result
        self._exception = exception
        self._state = FINISHED
        if self._made is not None:
            with self._made:
                for each in self._waiters:
                    each.add_exception(self) if exception else each.add_result(self)
                self._made.notify_all()
        if self._done_callbacks:
            self._invoke_callbacks()
