"""In a notebook, shows what tasks print in the cell that runs at the time.

A kernel's streams work in the kernel's process only: what a forked copy writes to them is lost, or appears in the cell
that made the pool. So workers send their text to this process, a line at a time, and this process prints it.
"""

import _thread
import os
import socket
import sys

_NAMES = ("stdout", "stderr")
_LONGEST = 1 << 14  # characters in one message


def relay():
    """A Relay, started; None outside of notebooks."""
    module = sys.modules.get("ipykernel.iostream")
    if module is None:
        return None
    names = [name for name in _NAMES if isinstance(getattr(sys, name), module.OutStream)]
    return Relay(names) if names else None


class Relay:
    """Made in the parent and inherited by its workers. Thread-safe."""

    def __init__(self, names):
        self._names = names
        self._here, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._printing = _thread.allocate_lock()
        self._running = _thread.allocate_lock()
        self._running.acquire()
        # Some kernels know the cell of each thread of `threading`, and would print to the cell that has made the pool.
        _thread.start_new_thread(self._serve, ())

    # --- in the parent

    def _serve(self):
        try:
            while True:
                self._here.recv(1, socket.MSG_PEEK)  # waits until something comes
                if not self.show():
                    return
        finally:
            self._running.release()

    def show(self):
        """Prints what has come. False once the relay has ended."""
        with self._printing:
            while True:
                try:
                    message = self._here.recv(8 * _LONGEST, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return True
                except OSError:  # closed
                    return False
                if not message:
                    return False
                stream = getattr(sys, _NAMES[message[0] - ord("0")])
                if stream is not None:
                    stream.write(message[1:].decode("utf-8", "surrogatepass"))

    def join(self):
        """Ends the relay when all that was sent has been printed. The workers have ended."""
        if self._there.fileno() < 0:
            return
        self._there.shutdown(socket.SHUT_WR)
        self._there.close()
        self._running.acquire()
        with self._printing:
            self._here.close()

    # --- in a worker

    def redirect(self):
        """From now on the streams of this process send what is written to them to the parent."""
        self._here.close()
        for name in self._names:
            sender = _Sender(self._there, _NAMES.index(name))
            stream = getattr(sys, name)
            stream.write, stream.flush = sender.write, sender.flush  # handlers of `logging` keep the stream itself


class _Sender:
    """Sends whole lines, so that those of several workers do not mix."""

    def __init__(self, there, number):
        self._there = there
        self._head = b"%d" % number
        self._text = ""
        self._pid = os.getpid()

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self._pid:  # a copy made by the task; what its parent has yet to send is not its own
            self._text, self._pid = "", os.getpid()
        lines, newline, rest = (self._text + text).rpartition("\n")
        self._text = rest
        self._send(lines + newline)
        return len(text)

    def flush(self):
        text, self._text = self._text, ""
        self._send(text)

    def _send(self, text):
        for begin in range(0, len(text), _LONGEST):
            part = text[begin : begin + _LONGEST]
            self._there.send(self._head + part.encode("utf-8", "surrogatepass"))
