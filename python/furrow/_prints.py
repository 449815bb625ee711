"""In a notebook, shows what tasks print in the cell that runs at the time.

A kernel's streams work in the kernel's process only: what a forked copy writes to them is lost, or appears in the cell
that made the pool. So workers send their text to this process, a line at a time, and this process prints it.
"""

import os
import sys

KINDS = {"stdout": b"o", "stderr": b"e"}
_LONGEST = 1 << 14  # characters in one message


def streams():
    """The names of the streams that workers must not use; none outside of notebooks."""
    module = sys.modules.get("ipykernel.iostream")
    if module is None:
        return []
    return [name for name in KINDS if isinstance(getattr(sys, name), module.OutStream)]


def show(relay, names):
    """In the parent: prints what workers send for these streams."""
    for name in names:
        relay.receive(KINDS[name], _Printer(name))


def redirect(outlet, names):
    """In a worker: from now on these streams send what is written to them to the parent."""
    for name in names:
        sender = _Sender(outlet, KINDS[name])
        stream = getattr(sys, name)
        stream.write, stream.flush = sender.write, sender.flush  # handlers of `logging` keep the stream itself


class _Printer:
    def __init__(self, name):
        self._name = name

    def __call__(self, data):
        stream = getattr(sys, self._name)
        if stream is not None:
            stream.write(data.decode("utf-8", "surrogatepass"))


class _Sender:
    """Sends whole lines, so that those of several workers do not mix."""

    def __init__(self, outlet, kind):
        self._outlet = outlet
        self._kind = kind
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
            self._outlet.send(self._kind, part.encode("utf-8", "surrogatepass"))
