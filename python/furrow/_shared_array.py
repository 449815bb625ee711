"""Arrays that the program and all its workers share."""

import math
import mmap
import os
import weakref

import numpy

from furrow._options import whole

# (computer, pid, descriptor, inode) -> Segment, in this process
_known: "weakref.WeakValueDictionary" = weakref.WeakValueDictionary()


class Segment:
    """Shared memory without a name, which lives as long as an array uses it."""

    def __init__(self, size, where=None):
        self.fd = os.memfd_create("furrow-array") if where is None else _open(*where)
        if where is None:
            os.ftruncate(self.fd, size)
        self.memory = mmap.mmap(self.fd, size)
        self.size = size
        self.key = where or (_computer(), os.getpid(), self.fd, os.fstat(self.fd).st_ino)
        self.start = numpy.frombuffer(self.memory, dtype=numpy.uint8).__array_interface__["data"][0]
        _known[self.key] = self

    def __del__(self):
        if hasattr(self, "fd"):
            os.close(self.fd)


def _computer():
    """An id of this computer since it was switched on."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def _open(computer, pid, fd, inode):
    if computer != _computer():
        raise RuntimeError("a shared array is memory of one computer, and this is another: send a plain array, such as "
                           "numpy.array(shared)")
    try:
        own = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
    except OSError as problem:
        raise RuntimeError("the process that made this shared array has ended, or has freed it") from problem
    if os.fstat(own).st_ino != inode:
        os.close(own)
        raise RuntimeError("the process that made this shared array has freed it")
    return own


class SharedArray(numpy.ndarray):
    """A numpy array whose elements all processes share; it is sent as a name, not as a copy."""

    def __array_finalize__(self, source):
        self._segment = getattr(source, "_segment", None)

    def __reduce_ex__(self, protocol):
        segment = self._segment
        if segment is not None:
            offset = self.__array_interface__["data"][0] - segment.start
            if 0 <= offset <= segment.size and not self.dtype.hasobject and _inside(self, offset, segment.size):
                return _rebuild, (segment.key, segment.size, self.shape, self.dtype, offset, self.strides)
        return self.view(numpy.ndarray).__reduce_ex__(protocol)


def _inside(array, offset, size):
    """Whether the elements are in the segment. An array that was computed from a shared one is not."""
    low = high = offset
    for length, stride in zip(array.shape, array.strides):
        if length == 0:
            return True
        low += min(0, stride * (length - 1))
        high += max(0, stride * (length - 1))
    return low >= 0 and high + array.itemsize <= size


def _rebuild(key, size, shape, dtype, offset, strides):
    segment = _known.get(key) or Segment(size, key)
    return _array(segment, shape, dtype, offset, strides)


def _array(segment, shape, dtype, offset=0, strides=None):
    array = numpy.ndarray.__new__(SharedArray, shape, dtype, segment.memory, offset, strides)
    array._segment = segment
    return array


def shared_array(shape, dtype=float):
    """A numpy array of zeros that the program and the workers of all its pools see and may write to.

    When it, or a slice of it, is sent to a task or returned by one, that is the same memory and not a copy. There is
    no lock: two tasks should not write the same element.

    >>> from furrow import Pool, shared_array
    >>> image = shared_array((4, 3))
    >>> def draw(row):
    ...     image[row] = row
    >>> with Pool() as pool:
    ...     _ = pool.map(draw, range(4))
    >>> image[:, 0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    dtype = numpy.dtype(dtype)
    if dtype.hasobject:
        raise TypeError("shared_array: elements are numbers and plain records; objects live in one process")
    dimensions = tuple(whole("a length in the shape", each) for each in ((shape,) if numpy.ndim(shape) == 0 else shape))
    if min(dimensions, default=0) < 0:
        raise ValueError(f"shared_array: lengths are 0 or more, not {shape!r}")
    return _array(Segment(max(math.prod(dimensions) * dtype.itemsize, 1)), dimensions, dtype)
