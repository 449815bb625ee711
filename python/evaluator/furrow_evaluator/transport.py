"""Frames between the evaluator and the engine: a 4-byte little-endian length, then that many bytes of JSON.

`_socket` instead of `socket`: the latter costs several milliseconds to import and adds nothing that is needed here.
"""

import _socket
import os
from collections import deque
from json import JSONEncoder
from json import loads as json_loads

kReadSize = 1 << 18
kFdBytes = 4
kMaxFds = 8
kMaxFrame = 0x7FFFFFFF
kAncillarySize = _socket.CMSG_SPACE(kMaxFds * kFdBytes)

dumps = JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False).encode


class EngineGone(Exception):
    """The socket has closed: nobody is left to answer."""


class Json(str):
    """Text that is JSON already, to be taken over as it is."""

    __slots__ = ()


kMayHoldJson = frozenset([dict, list, Json])


def encode(value):
    """JSON text of a value that may hold Json at any depth of its dicts and at the first level of its lists."""
    kind = type(value)
    if kind is Json:
        return value
    if kind is dict:
        if kMayHoldJson.isdisjoint(map(type, value.values())):
            return dumps(value)
        return "{" + ",".join([dumps(key) + ":" + encode(item) for key, item in value.items()]) + "}"
    if kind is list and value and type(value[0]) is Json:
        return "[" + ",".join(value) + "]"
    return dumps(value)


class Transport:
    """One end of the socket pair. Requests wait in order; answers to questions are taken out of turn."""

    def __init__(self, fd):
        self.socket_ = _socket.socket(fileno=fd)
        self.socket_.setblocking(True)
        self.buffer_ = bytearray()
        self.frames_ = deque()
        self.fds_ = deque()
        self.asked_ = 0

    def fileno(self):
        return self.socket_.fileno()

    def close(self):
        self.socket_.close()

    def has_frame(self):
        return bool(self.frames_)

    def next_request(self):
        """The next frame; waits for it. The main loop calls it only when the socket is readable or a frame is at hand."""
        while not self.frames_:
            self.read_some()
        return self.frames_.popleft()

    def read_some(self):
        """Reads once and splits off whole frames. The kernel ends a read behind bytes that carry descriptors, so these keep their order."""
        try:
            data, ancillary, _, _ = self.socket_.recvmsg(kReadSize, kAncillarySize, _socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            raise EngineGone from None
        for level, kind, content in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                for at in range(0, len(content) - len(content) % kFdBytes, kFdBytes):
                    self.fds_.append(int.from_bytes(content[at : at + kFdBytes], "little"))
        if not data:
            raise EngineGone
        buffer = self.buffer_
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            size = int.from_bytes(buffer[at : at + 4], "little")
            if len(buffer) - at - 4 < size:
                break
            text = buffer[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape")
            self.frames_.append(json_loads(text))
            at += 4 + size
        if at:
            del buffer[:at]

    def take_fds(self, count):
        if len(self.fds_) < count:
            raise ValueError("the request came without its descriptors")
        return [self.fds_.popleft() for _ in range(count)]

    def send(self, message):
        self.send_text(encode(message))

    def send_text(self, text):
        data = text.encode("utf-8", "surrogateescape")
        if len(data) > kMaxFrame:
            raise OverflowError("the answer is too large for one frame (%d bytes)" % len(data))
        try:
            if len(data) < kReadSize:
                self.socket_.sendall(len(data).to_bytes(4, "little") + data)
            else:
                self.socket_.sendall(len(data).to_bytes(4, "little"))
                self.socket_.sendall(data)
        except OSError:  # the engine has gone, or the user's code has closed all descriptors
            raise EngineGone from None

    def ask(self, what, **fields):
        """Asks the engine and waits; requests that are already on their way stay in line."""
        self.asked_ += 1
        number = self.asked_
        self.send({"ask": number, "what": what, **fields})
        seen = 0
        while True:
            for index in range(seen, len(self.frames_)):
                if self.frames_[index].get("answer") == number:
                    frame = self.frames_[index]
                    del self.frames_[index]
                    if "error" in frame:
                        raise AskFailed(frame["error"])
                    return frame.get("ok")
            seen = len(self.frames_)
            self.read_some()


class AskFailed(Exception):
    """The engine answered a question with an ERROR."""

    def __init__(self, error):
        super().__init__(error.get("message", "the engine gave no answer"))
        self.error = error


def close_quietly(fds):
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass
