"""Data that stay in the workers of a Pool from one map to the next: Pool.scatter(), and the Partitioned that it makes.

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
from furrow._base import checked_parts, is_coroutine_function
from furrow._failures import PoolError, WorkerDied

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

    def work(self, function, target):
        """What the pool calls with the number of each part."""
        return _OnPart(function, self.address(), target and target.address())

    def release(self):
        self._page[_IN_USE] = 0
        self._page.close()
        self._finish()

    def begins(self, part, item):
        _NUMBER.pack_into(self._page, _ITEMS + part * _NUMBER.size, item)

    def running(self, part):
        return _NUMBER.unpack_from(self._page, _ITEMS + part * _NUMBER.size)[0]

    def store(self, part, items, pool):
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
        if _is_array(items):
            items = items[:]
            items.flags.writeable = False  # as in the workers of other pools
        self._parts[part] = items

    def read(self, part, copied):
        return self._parts[part]

    def work(self, function, target):
        parts = self._parts

        def on_part(part):
            if target is None:
                return function(parts[part])
            target.store(part, [function(item) for item in parts[part]], None)

        return on_part

    def release(self):
        self._parts = ()


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
    """What the pool calls with the number of each part. target: gets the results of the items; None: function gets
    the part as a whole."""

    def __init__(self, function, source, target):
        self._function = function
        self._source = source
        self._target = target

    def __call__(self, part):
        source = _segment(self._source)
        if part not in source.held:
            source.held[part] = source.read(part)
        if self._target is None:
            return self._function(source.held[part])
        target = _segment(self._target)
        results = []
        for number, item in enumerate(source.held[part]):
            target.begins(part, number)
            results.append(self._function(item))
        target.write(part, *_pickling.dump_value(results))
        target.held[part] = results


# --- in the process that has the pool


def scatter(pool, data, parts, kind=Segment):
    parts = checked_parts(parts)
    is_array = _is_array(data)
    if getattr(data, "ndim", 1) == 2 and hasattr(data, "iloc"):
        raise TypeError("scatter() takes an array or an iterable, and the items of a DataFrame are its column names: "
                        "scatter df.to_numpy(), df.to_records(), or a list of parts of it")
    if not is_array and type(data) not in (list, tuple, range):
        data = list(data)
    if is_array and data.ndim == 0:
        raise ValueError("scatter() takes an array of at least one dimension")
    count = max(1, min(parts or pool._processes, len(data)))
    bounds = [len(data) * part // count for part in range(count + 1)]
    segment = kind.make(count)
    for part in range(count):
        segment.store(part, data[bounds[part] : bounds[part + 1]], pool)
    return Partitioned(pool, segment, bounds, is_array)


def _is_array(data):
    return type(data).__module__ == "numpy" and type(data).__name__ == "ndarray"


class Partitioned:
    """Data that the workers of a Pool keep: made by Pool.scatter().

    The memory is freed when the object goes, at the end of `with`, or by release(). Functions must not change the
    items: an array cannot be written to.

    >>> from furrow import Pool
    >>> with Pool(2) as pool, pool.scatter(range(1000)) as data:
    ...     roots = data.map(lambda x: x ** 0.5)         # stays in the workers
    ...     sum(roots.map_parts(len))
    1000
    """

    def __init__(self, pool, segment, bounds, is_array):
        self._pool = pool
        self._segment = segment
        self._bounds = bounds
        self._is_array = is_array
        self._release = weakref.finalize(self, _released, segment, os.getpid())
        self._release.atexit = False

    def __len__(self):
        return self._bounds[-1]

    @property
    def parts(self):
        """How many parts there are."""
        return self._segment.parts

    def map(self, func, *, retries=0):
        """func(item) for each item, as a Partitioned: the results stay in the workers."""
        target = self._segment.make(self.parts)
        made = Partitioned(self._pool, target, self._bounds, False)
        self._run(func, target, retries)
        return made

    def for_each(self, func, *, retries=0):
        """Calls func(item) for each item; what it returns is dropped."""
        self.map(_Dropping(func), retries=retries).release()

    def map_parts(self, func, *, retries=0):
        """[func(part) for each part]: a part is a list of consecutive items, or a slice of the array."""
        return self._run(func, None, retries)

    def gather(self):
        """All items, as a list or an array."""
        self._check()
        parts = [self._segment.read(part, copied=not self._is_array) for part in range(self.parts)]
        if self._is_array:
            import numpy

            return numpy.concatenate(parts)
        return [item for part in parts for item in part]

    def release(self):
        """Frees the memory. A worker frees its own when it next has nothing to do."""
        self._release()

    def __enter__(self):
        self._check()
        return self

    def __exit__(self, *problem):
        self.release()

    def __repr__(self):
        state = "" if self._release.alive else ", released"
        return f"<furrow.Partitioned: {len(self)} items in {self.parts} parts{state}>"

    def __reduce__(self):
        raise NotImplementedError("a Partitioned stays with its pool; tasks get its items by map()")

    def _check(self):
        if not self._release.alive:
            raise ValueError("these data were released")

    def _run(self, func, target, retries):
        self._check()
        if not callable(func) or is_coroutine_function(func):
            raise TypeError(f"func is a function or another callable that is no coroutine, not {func!r}")
        try:
            return self._pool.map(self._segment.work(func, target), range(self.parts), 1, retries=retries)
        except WorkerDied as problem:
            if target is not None:
                problem.index = self._bounds[problem.index] + target.running(problem.index)
            raise


class _Dropping:
    def __init__(self, function):
        self._function = function

    def __call__(self, item):
        self._function(item)


def _released(segment, pid):
    if os.getpid() == pid:
        segment.release()
