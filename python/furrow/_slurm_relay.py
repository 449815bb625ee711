"""What workers on other nodes log and print, in the program (_relay.py does the same for workers here).

    in a worker: Outlet.send() -> on its node: a Relay that the agent empties -> the agent's pipe -> here: SlurmRelay
"""

import _thread
import collections
import threading
import traceback

_NEW, _READING = 1, 2


class SlurmRelay:
    """Has the interface of a Relay for its pool, which puts the messages in. Thread-safe, also for receivers."""

    def __init__(self):
        self.news = memoryview(bytearray(2)).cast("H")
        self._came = collections.deque()
        self._receivers = {}
        self._reading = threading.RLock()
        self._reader = None
        self._wake = threading.Event()
        self._ended = False
        self._running = _thread.allocate_lock()

    def receive(self, kind, receiver):
        self._receivers[kind] = receiver

    def put(self, message):
        """Only keeps it: the pool's own code runs at this moment."""
        self._came.append(message)
        self.news[0] |= _NEW
        self._wake.set()

    def start(self):
        self._running.acquire()
        _thread.start_new_thread(self._serve, ())

    def _serve(self):
        try:
            while not self._ended:
                self._wake.wait()
                self._wake.clear()
                self._read()
        finally:
            self._running.release()

    def show(self):
        """Hands out what has come, and waits while another thread does."""
        if self.news[0]:
            self._read()

    def _read(self):
        with self._reading:
            outer, self._reader = self._reader, _thread.get_ident()
            self.news[0] = _READING
            while self._came:
                message = self._came.popleft()
                try:
                    self._receivers[message[:1]](message[1:])
                except Exception:  # of the program's stream or handler: what comes next is for others
                    traceback.print_exc()
            self._reader = outer
            self.news[0] = (_READING if outer is not None else 0) | (_NEW if self._came else 0)

    def join(self):
        self._ended = True
        self._wake.set()
        if self._reader != _thread.get_ident():  # otherwise a receiver ends the pool
            with self._running:
                self._read()
