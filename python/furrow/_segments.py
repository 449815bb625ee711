"""The memory of data that stay in the workers of a Pool (_partitioned.py).

The data are cut into parts. Each part is pickled once into a segment, a file of memory that all processes share:

    segment   page 0: a token; whether the segment is in use; for each part, the item that runs now
              part p, from (p + 1) << 40 on: place and size of its head | the pickle | its buffers | the head
    head      a pickle of [(place, size) of the pickle, of its first buffer, ...]

A worker opens a segment when it first gets a part of it, and keeps the part as objects; buffers of protocol 5, such as
arrays, are views of the segment. So any worker can take the place of one that has died. The workers write the results
of map() to a segment as well, and keep them.

Threads need no segment: they get the program's own objects (InProgram).
"""

import mmap
import os
import pickle
import struct
import weakref

from furrow import _pickling
from furrow._failures import PoolError

_TOKEN = 16
_IN_USE = _TOKEN  # the place of a byte
_ITEMS = 32       # from here on 8 bytes for each part
_REGION = 40      # bits of a place in a part
_ALIGNED = 64
_NUMBER = struct.Struct("<Q")
_HEAD = struct.Struct("<QQ")


class Segment:
    """Parts in shared memory: made by the process that has the pool, opened by its workers."""

    def __init__(self, file, parts):
        self.parts = parts
        self.held = {}  # in a worker: the parts that it keeps
        self._file = file
        self._page = mmap.mmap(file, _ITEMS + parts * _NUMBER.size)
        self._finish = weakref.finalize(self, os.close, file)
        self._finish.atexit = False

    @classmethod
    def make(cls, parts):
        file = os.memfd_create("furrow-partitioned", os.MFD_CLOEXEC)
        os.ftruncate(file, _begin(0))
        made = cls(file, parts)
        made._page[:_TOKEN] = os.urandom(_TOKEN)
        made._page[_IN_USE] = 1
        return made

    @classmethod
    def open(cls, pid, file, token, parts):
        try:
            file = os.open(f"/proc/{pid}/fd/{file}", os.O_RDWR | os.O_CLOEXEC)
        except OSError as problem:
            raise PoolError(f"a worker cannot open the memory of partitioned data: {problem}") from None
        opened = cls(file, parts)
        if opened.token != token:
            raise PoolError("these partitioned data were released")
        return opened

    def address(self):
        """The arguments of open()."""
        return os.getpid(), self._file, self.token, self.parts

    @property
    def token(self):
        return self._page[:_TOKEN]

    @property
    def is_in_use(self):
        return self._page[_IN_USE] == 1

    @staticmethod
    def work(task, source, target, keep):
        """What the pool calls with the number of each part: task(part, the items of SOURCE, begins). TARGET notes which
        item runs, if there is a TARGET. It keeps the results, or they are returned."""
        return _OnPart(task, source.address(), target and target.address(), keep)

    def release(self):
        self._page[_IN_USE] = 0
        self._page.close()
        self._finish()

    def begins(self, part, item):
        _NUMBER.pack_into(self._page, _ITEMS + part * _NUMBER.size, item)

    def running(self, part):
        return _NUMBER.unpack_from(self._page, _ITEMS + part * _NUMBER.size)[0]

    def store(self, part, items, pool):
        """In the process that has the pool."""
        self.write(part, *_pickling.dump_value(items, pool._main))

    def write(self, part, pickled, buffers):
        places, at = [], _ALIGNED
        for content in (pickled, *(each.raw() for each in buffers)):
            places.append((at, len(content)))
            at = self._put(part, at, content)
        head = pickle.dumps(places)
        self._put(part, at, head)
        self._put(part, 0, _HEAD.pack(at, len(head)))

    def _put(self, part, at, content):
        """Returns where the next content begins."""
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._file, rest, _begin(part) + at)
            at, rest = at + written, rest[written:]
        return -(-at // _ALIGNED) * _ALIGNED

    def read(self, part, copied=False):
        """The part as objects. Arrays in it are views that cannot be written to, or copies."""
        at, size = _HEAD.unpack(os.pread(self._file, _HEAD.size, _begin(part)))
        places = pickle.loads(os.pread(self._file, size, _begin(part) + at))
        memory = memoryview(mmap.mmap(self._file, at, prot=mmap.PROT_READ, offset=_begin(part)))
        pickled, *buffers = (memory[begin : begin + length] for begin, length in places)
        return pickle.loads(pickled, buffers=map(bytearray, buffers) if copied else buffers)


def _begin(part):
    return (part + 1) << _REGION


class InProgram:
    """Parts for the threads of this process, in place of a Segment."""

    def __init__(self, parts):
        self.parts = parts
        self._parts = [None] * parts

    make = classmethod(lambda cls, parts: cls(parts))

    def store(self, part, items, pool):
        if type(items).__module__ == "numpy":
            items = items[:]
            items.flags.writeable = False  # as in the workers of other pools
        self._parts[part] = items

    def read(self, part, copied=False):
        return self._parts[part]

    @staticmethod
    def work(task, source, target, keep):
        def on_part(part):
            results = task(part, source.read(part), None)
            if not keep:
                return results
            target._parts[part] = results

        return on_part

    def release(self):
        self._parts = ()


class Indices:
    """The source of items that do not exist yet: the parts hold their numbers."""

    def __init__(self, bounds):
        self._bounds = bounds

    def read(self, part):
        return range(self._bounds[part], self._bounds[part + 1])

    def address(self):
        return self


# --- in a worker

_opened = {}  # token -> Segment


def _segment(address):
    token = address[2]
    if token not in _opened:
        drop_released()
        _opened[token] = Segment.open(*address)
    return _opened[token]


def drop_released():
    """Frees what this worker keeps of data that were released."""
    for token, segment in list(_opened.items()):
        if not segment.is_in_use:
            del _opened[token]


class _OnPart:
    """What a worker does with the part that it gets the number of; Segment.work() explains the arguments."""

    def __init__(self, task, source, target, keep):
        self._task = task
        self._source = source
        self._target = target
        self._keep = keep

    def __call__(self, part):
        target = self._target and _segment(self._target)
        results = self._task(part, self._items(part), target and target.begins)
        if not self._keep:
            return results
        target.write(part, *_pickling.dump_value(results))
        target.held[part] = results

    def _items(self, part):
        if isinstance(self._source, Indices):
            return self._source.read(part)
        source = _segment(self._source)
        if part not in source.held:
            source.held[part] = source.read(part)
        return source.held[part]
