"""A Future of concurrent.futures that makes its condition when somebody waits for it.

The condition is most of what a Future costs, and nobody waits for most futures of a long list. Whoever waits, cancels
or adds a callback makes the condition, under a lock that all futures share. Under that lock the executor looks for a
condition: if there is none, it changes the state at once, which the next one to look then sees.
"""

import os
import threading
from concurrent import futures
from concurrent.futures._base import FINISHED, PENDING, RUNNING

_making = threading.RLock()  # held for moments, and nothing else is locked meanwhile
os.register_at_fork(after_in_child=_making._at_fork_reinit)


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
        if self._made is None:
            with _making:
                if self._made is None:
                    self._made = threading.Condition()
        return self._made

    def begin(self):
        """For the executor's thread: False if the future was cancelled; then whoever waits is woken."""
        with _making:
            if self._made is None:
                self._state = RUNNING
                return True
        return self.set_running_or_notify_cancel()

    def finish(self, result, exception=None):
        """For the executor's thread, once the future runs."""
        with _making:
            if self._made is None:
                self._result = result
                self._exception = exception
                self._state = FINISHED
                return
        if exception is None:
            self.set_result(result)
        else:
            self.set_exception(exception)
