"""What workers send to their parent apart from results: the records of `logging` and, in a notebook, what tasks print.

    in a worker: Outlet.send() -> a socket -> in the parent: a Relay, whose receivers get each message once, in order

A worker sends before it reports the result of the task, so whoever has the result finds the message in the socket:
Relay.show() hands out what has come. A thread does the same while nobody takes results. What tasks that send nothing
cost is a look at two bytes.
"""

import _thread
import functools
import mmap
import os
import socket
import struct
import threading

_LONGEST = 1 << 16  # bytes of one message; more go into a file of memory, whose descriptor is sent
_NUMBER = struct.Struct("i")  # of a descriptor
CAME, BUSY = 0, 1  # places in the memory of a relay: there is something to read; it is being read


class BaseRelay:
    """Hands messages out, each once and in order, by a thread of its own or by show().

    Thread-safe, also for receivers that use the pool. A derived class says where messages come from.
    """

    def __init__(self, memory):
        """memory: in which whoever sends a message sets the byte CAME after that."""
        self._memory = memory
        self.news = memoryview(memory)[:2].cast("H")  # its one number is 0 while there is nothing to show
        self._receivers = {}
        self._reading = threading.RLock()
        self._reader = None  # the thread that hands messages out
        self._running = _thread.allocate_lock()

    def receive(self, kind, receiver):
        """receiver gets the bytes of each message of this kind, which is a byte."""
        self._receivers[kind] = receiver

    def start(self):
        self._running.acquire()
        # Some kernels know the cell of each thread of `threading`, and would print to the cell that has made the pool.
        _thread.start_new_thread(self._serve, ())

    def _serve(self):
        try:
            while self._wait():
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
            self._memory[BUSY] = 1
            self._memory[CAME] = 0
            try:
                while message := self._next():
                    self._deliver(*message)
            finally:
                self._reader = outer
                self._memory[BUSY] = outer is not None

    def _deliver(self, kind, content):
        try:
            self._receivers[kind](content())
        except Exception:  # of the program's stream or handler: what comes next is for others
            import traceback  # slow to import

            traceback.print_exc()

    def join(self):
        """Ends the relay when all that was sent has been handed out. The workers have ended."""
        self._end()
        if self._reader != _thread.get_ident():  # otherwise a receiver ends the pool
            with self._running, self._reading:
                self._close()

    def _wait(self):
        """Waits until something comes. False: nothing more will."""
        raise NotImplementedError

    def _next(self):
        """The next message, if it is there: its kind, and a function that returns its bytes."""
        raise NotImplementedError

    def _end(self):
        """_wait() is to return False once all has been handed out."""
        raise NotImplementedError

    def _close(self):
        """The thread has ended."""
        raise NotImplementedError


class Relay(BaseRelay):
    """The parent's end of a socket, made before its workers."""

    def __init__(self, inherited):
        """inherited: the workers are forked from this process. Otherwise they need descriptors()."""
        self._here, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in self._here, self._there:
            end.settimeout(None)  # the program may have set a default
        self._file = -1 if inherited else os.memfd_create("furrow-relay")
        if not inherited:
            os.ftruncate(self._file, mmap.PAGESIZE)
        super().__init__(mmap.mmap(self._file, mmap.PAGESIZE))
        self.outlet = Outlet(self._there, self._memory)
        self._ending = _thread.allocate_lock()
        self._pid = os.getpid()

    def descriptors(self):
        return self._there.fileno(), self._file

    def start(self):
        """Call it when the workers are there: they are not forked from a process with this thread."""
        if self._file >= 0:
            os.close(self._file)
        super().start()

    def join(self):
        if os.getpid() == self._pid:
            super().join()

    def _wait(self):
        return self._here.recv(1, socket.MSG_PEEK)  # nothing: all has ended

    def _next(self):
        try:
            message, extra, _, _ = self._here.recvmsg(1 + _LONGEST, socket.CMSG_LEN(_NUMBER.size),
                                                      socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
        except OSError:  # nothing there, or closed
            return None
        if not message:
            return None
        return message[:1], functools.partial(_content, extra[0][2]) if extra else lambda: message[1:]

    def _end(self):
        with self._ending:
            if self._there.fileno() >= 0:
                self._there.shutdown(socket.SHUT_WR)
                self._there.close()

    def _close(self):
        self._here.close()


class Outlet:
    """The workers' end. Thread-safe; also for processes that tasks fork."""

    def __init__(self, there, memory):
        self._there = there
        self._memory = memory

    @classmethod
    def inherited(cls, there, file):
        """In a process of its own, from the numbers of the descriptors."""
        memory = mmap.mmap(file, mmap.PAGESIZE)
        os.close(file)
        return cls(socket.socket(fileno=there), memory)

    def send(self, kind, data):
        try:
            if len(data) <= _LONGEST:
                self._there.send(kind + data)
            else:
                self._send_file(kind, data)
        except OSError:  # the pool has ended, and left a process of a task behind
            return
        self._memory[CAME] = 1

    def _send_file(self, kind, data):
        file = os.memfd_create("furrow-message", os.MFD_CLOEXEC)
        try:
            with open(file, "wb", closefd=False) as writing:
                writing.write(data)
            socket.send_fds(self._there, [kind], [file])
        finally:
            os.close(file)


def _content(descriptor):
    with open(_NUMBER.unpack(descriptor)[0], "rb") as reading:
        reading.seek(0)
        return reading.read()
