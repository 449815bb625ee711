"""What workers on other nodes log and print, in the program (_relay.py does the same for workers here).

    in a worker: Outlet.send() -> on its node: a Relay that the agent empties -> the agent's pipe -> here: SlurmRelay
"""

import collections
import threading

from furrow._relay import CAME, BaseRelay


class SlurmRelay(BaseRelay):
    """Its pool puts the messages in."""

    def __init__(self):
        super().__init__(bytearray(2))
        self._messages = collections.deque()
        self._wake = threading.Event()
        self._ended = False

    def put(self, message):
        """Only keeps it: the pool's own code runs at this moment."""
        self._messages.append(message)
        self._memory[CAME] = 1
        self._wake.set()

    def _wait(self):
        self._wake.wait()
        self._wake.clear()
        return not self._ended

    def _next(self):
        if not self._messages:
            return None
        message = self._messages.popleft()
        return message[:1], lambda: message[1:]

    def _end(self):
        self._ended = True
        self._wake.set()

    def _close(self):
        self._read()
