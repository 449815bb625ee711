"""Frames between the evaluator and the engine: a 4-byte little-endian length, then that many bytes of JSON.

`_socket` is used because importing `socket` takes several milliseconds and adds nothing that is needed here.
"""

import _socket
import os
import sys
from collections import deque
from json import JSONEncoder
from json import loads as json_loads

_READ_SIZE = 1 << 18
_FD_BYTES = 4
_MAX_FDS = 8
_MAX_FRAME = 0x7FFFFFFF
_ANCILLARY_SIZE = _socket.CMSG_SPACE(_MAX_FDS * _FD_BYTES)

dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False).encode


def _loads(text):
    try:
        return json_loads(text)
    except ValueError:
        if not hasattr(sys, "set_int_max_str_digits"):
            raise
    # An integer of a configuration that is longer than Python reads by default.
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json_loads(text)
    finally:
        sys.set_int_max_str_digits(limit)


class EngineGone(Exception):
    """The socket has been closed: the engine has gone."""


class Json(str):
    """Text that is JSON already and is sent as it is."""

    __slots__ = ()


class JsonTexts(list):
    """Texts that are JSON when they are joined. A large one is sent without being copied into a larger one."""

    __slots__ = ()


_MAY_HOLD_JSON = frozenset([dict, list, Json, JsonTexts])
_ARE_JSON = frozenset([Json, JsonTexts])


def json_texts(value):
    """JSON of a value that may hold such texts at any depth of its dicts and at the first level of its lists."""
    texts = []
    _collect(value, texts)
    return texts


def encode(value):
    return "".join(json_texts(value))


def _collect(value, texts):
    kind = type(value)
    if kind is Json:
        texts.append(value)
    elif kind is JsonTexts:
        texts += value
    elif kind is dict and not _MAY_HOLD_JSON.isdisjoint(map(type, value.values())):
        before = "{"
        for key, item in value.items():
            texts.append(f"{before}{dumps(key)}:")
            _collect(item, texts)
            before = ","
        texts.append("}")
    elif kind is list and value and type(value[0]) in _ARE_JSON:
        before = "["
        for item in value:
            texts.append(before)
            _collect(item, texts)
            before = ","
        texts.append("]")
    else:
        texts.append(dumps(value))


def _buffers(texts):
    """The texts as bytes: small ones joined, large ones as they are."""
    small = []
    for text in texts:
        if len(text) < _READ_SIZE:
            small.append(text)
            continue
        yield "".join(small).encode("utf-8", "surrogateescape")
        yield text.encode("utf-8", "surrogateescape")
        small = []
    yield "".join(small).encode("utf-8", "surrogateescape")


class Transport:
    """One end of the socket pair. Requests are queued in order; answers to questions overtake them."""

    def __init__(self, fd):
        self._socket = _socket.socket(fileno=fd)
        self._socket.setblocking(True)
        self._buffer = bytearray()
        self._frames = deque()
        self._fds = deque()
        self._asked = 0

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        self._socket.close()

    def has_frame(self):
        return bool(self._frames)

    def next_request(self):
        """The next frame, when there is one. The main loop calls this if a frame waits or the socket is readable."""
        while not self._frames:
            self._read_some()
        return self._frames.popleft()

    def _read_some(self):
        """Reads once and splits off whole frames.

        The kernel ends a read after bytes that carry descriptors, so descriptors keep their order.
        """
        try:
            data, ancillary, _, _ = self._socket.recvmsg(_READ_SIZE, _ANCILLARY_SIZE, _socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            raise EngineGone from None
        for level, kind, content in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                for at in range(0, len(content) - len(content) % _FD_BYTES, _FD_BYTES):
                    self._fds.append(int.from_bytes(content[at : at + _FD_BYTES], "little"))
        if not data:
            raise EngineGone
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            size = int.from_bytes(buffer[at : at + 4], "little")
            if len(buffer) - at - 4 < size:
                break
            text = buffer[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape")
            self._frames.append(_loads(text))
            at += 4 + size
        if at:
            del buffer[:at]

    def take_fds(self, count):
        if len(self._fds) < count:
            raise ValueError("the request came without its descriptors")
        return [self._fds.popleft() for _ in range(count)]

    def send(self, message):
        buffers = list(_buffers(json_texts(message)))
        size = sum(map(len, buffers))
        if size > _MAX_FRAME:
            raise OverflowError(f"the answer is too large for one frame ({size} bytes)")
        buffers[0] = size.to_bytes(4, "little") + buffers[0]
        try:
            for buffer in buffers:
                self._socket.sendall(buffer)
        except OSError:  # the engine has gone, or user code has closed all descriptors
            raise EngineGone from None

    def ask(self, what, **fields):
        """Asks the engine and waits for its answer; requests that arrive meanwhile stay in the queue."""
        self._asked += 1
        number = self._asked
        self.send({"ask": number, "what": what, **fields})
        seen = 0
        while True:
            for index in range(seen, len(self._frames)):
                if self._frames[index].get("answer") == number:
                    frame = self._frames[index]
                    del self._frames[index]
                    if "error" in frame:
                        raise AskFailed(frame["error"])
                    return frame.get("ok")
            seen = len(self._frames)
            self._read_some()


class AskFailed(Exception):
    """The engine has answered a question with an ERROR."""

    def __init__(self, error):
        super().__init__(error.get("message", "the engine gave no answer"))
        self.error = error


def close_quietly(fds):
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass
