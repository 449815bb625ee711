"""Data that stay in the workers of a Pool from one map to the next: a Partitioned, of Pool.scatter() and
Pool.partition(). _segments.py is the memory that they are in.

The parts begin where the blocks of a reduction do, which depend on the number of items alone. So map_reduce() joins the
same values in the same order for any number of parts and workers.
"""

import os
import weakref

from furrow import _global_rng, _rng
from furrow._base import is_coroutine_function
from furrow._failures import WorkerDied
from furrow._options import Options, whole
from furrow._segments import Indices, Segment

_BLOCKS = 4096         # of a reduction: as in detail/reduce.hpp
_MOST_PARTS = 2**22    # a segment has room for no more


def scatter(pool, data, parts, memory):
    parts = _checked_parts(parts)
    shape = _shape(data)
    if shape is list and type(data) not in (list, tuple, range):
        data = list(data)
    if shape == "array" and data.ndim == 0:
        raise ValueError("scatter() takes an array of at least one dimension")
    bounds = _bounds(len(data), parts or pool._processes)
    segment = memory.make(len(bounds) - 1)
    rows = data.iloc if shape == "frame" else data
    for part in range(segment.parts):
        items = rows[bounds[part] : bounds[part + 1]]
        if shape == "frame" and memory is Segment:
            items = items.copy()  # in one piece, which the workers see without a copy
        segment.store(part, items, pool)
    return Partitioned(pool, segment, bounds, shape)


def partition(pool, size, make, parts, retries, seed, memory):
    parts = _checked_parts(parts)
    if whole("size", size) < 0:
        raise ValueError(f"size is a whole number of 0 or more, not {size!r}")
    _check_function("make", make)
    bounds = _bounds(int(size), parts or pool._processes)
    made = Partitioned(pool, memory.make(len(bounds) - 1), bounds, list)
    made._run(_ItemTask(made, make, seed), Indices(bounds), made._segment, True, retries, seed)
    return made


def _checked_parts(parts):
    if parts is not None and not 1 <= whole("parts", parts) <= _MOST_PARTS:
        raise ValueError(f"parts is a whole number from 1 to {_MOST_PARTS}, not {parts!r}")
    return parts


def _shape(data):
    """What the parts are: lists, arrays, or frames of pandas."""
    kind = type(data)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return "array"
    return "frame" if getattr(data, "ndim", 1) == 2 and hasattr(data, "iloc") else list


def _bounds(size, parts):
    """Where the parts begin and end."""
    block = _block(size)
    blocks = -(-size // block)
    count = max(1, min(parts, blocks))
    return [min(blocks * part // count * block, size) for part in range(count + 1)]


def _block(size):
    return max(1, -(-size // _BLOCKS))


def _check_function(name, function):
    if not callable(function) or is_coroutine_function(function):
        raise TypeError(f"{name} is a function or another callable that is no coroutine, not {function!r}")


class Partitioned:
    """Data that the workers of a Pool keep: made by Pool.scatter() and Pool.partition().

    The memory is freed when the object goes, at the end of `with`, or by release(). Functions must not change the
    items: an array cannot be written to. retries: of a part as a whole. seed: for task_rng().

    >>> from furrow import Pool
    >>> with Pool(2) as pool, pool.scatter(range(1000)) as data:
    ...     roots = data.map(lambda x: x ** 0.5)         # stays in the workers
    ...     sum(roots.map_parts(len))
    1000
    """

    def __init__(self, pool, segment, bounds, shape):
        self._pool = pool
        self._segment = segment
        self._bounds = bounds
        self._shape = shape
        self._release = weakref.finalize(self, _released, segment, os.getpid())
        self._release.atexit = False

    def __len__(self):
        return self._bounds[-1]

    @property
    def parts(self):
        """How many parts there are."""
        return self._segment.parts

    def map(self, func, *, retries=0, seed=None):
        """func(item) for each item, as a Partitioned: the results stay in the workers."""
        self._check_items("map", func=func)
        made = Partitioned(self._pool, self._segment.make(self.parts), self._bounds, list)
        self._run(_ItemTask(self, func, seed), self._segment, made._segment, True, retries, seed)
        return made

    def for_each(self, func, *, retries=0, seed=None):
        """Calls func(item) for each item; what it returns is dropped."""
        self._check_items("for_each", func=func)
        self._run_noted(_Dropping(_ItemTask(self, func, seed)), retries, seed)

    def map_reduce(self, func, op, *, retries=0, seed=None):
        """op(op(func(first item), func(second item)), ...), joined in a fixed order, which depends on the number of
        items alone. So a sum of floats has the same bits for any number of parts and workers. op must be associative,
        but for such rounding.

        >>> from operator import add
        >>> from furrow import Pool
        >>> with Pool(2) as pool, pool.partition(1000, float) as data:
        ...     data.map_reduce(lambda x: x * x, add)
        332833500.0
        """
        self._check_items("map_reduce", func=func, op=op)
        block = _block(len(self))
        by_part = self._run_noted(_ItemTask(self, func, seed, op, block), retries, seed)
        sums = [each for part in by_part for each in part]
        if not sums:
            raise ValueError("map_reduce of no items has no value")
        return _join(sums, op)

    def map_parts(self, func, *, retries=0, seed=None):
        """[func(part) for each part]: a part is a list of consecutive items, or rows of the array or of the frame."""
        self._check()
        _check_function("func", func)
        return self._run(_PartTask(func, self._shape == "frame"), self._segment, None, False, retries, seed)

    def gather(self):
        """All items, as a list, an array or a frame."""
        self._check()
        parts = [self._segment.read(part, copied=self._shape is list) for part in range(self.parts)]
        if self._shape == "array":
            import numpy

            return numpy.concatenate(parts)
        if self._shape == "frame":
            import pandas

            return pandas.concat(parts)
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

    def _check_items(self, name, **functions):
        self._check()
        if self._shape == "frame":
            raise TypeError(f"{name}() takes items, and these data are a DataFrame: give its parts to map_parts(), or "
                            "scatter df.to_records() or df.to_numpy()")
        for each, function in functions.items():
            _check_function(each, function)

    def _run_noted(self, task, retries, seed):
        """What the task returns for each part, without a segment that keeps it."""
        notes = self._segment.make(self.parts)
        try:
            return self._run(task, self._segment, notes, False, retries, seed)
        finally:
            notes.release()

    def _run(self, task, source, target, keep, retries, seed):
        work = self._segment.work(task, source, target, keep)
        try:
            return self._pool.map(work, range(self.parts), 1, retries=retries, seed=seed)
        except WorkerDied as problem:
            if target is not None:
                problem.index = self._bounds[problem.index] + target.running(problem.index)
            raise


class _ItemTask:
    """func(item) for the items of a part, each with random numbers of its own. op: joins the results of each block."""

    def __init__(self, data, func, seed, op=None, block=1):
        self._func = func
        self._op = op
        self._block = block
        self._bounds = data._bounds
        self._stream = data._pool._next_stream(Options(seed=seed).seed)
        self._seeded = seed is not None

    def __call__(self, part, items, begins):
        outer = _rng.scope.get()
        scope = _rng.Scope(*self._stream, 0, outer and outer.attempt)
        before = _rng.scope.set(scope)
        results = []
        try:
            for number, item in enumerate(items):
                scope.index, scope.generator = self._bounds[part] + number, None
                if begins:  # in a worker process
                    begins(part, number)
                    if self._seeded:
                        _global_rng.seed_task(*self._stream, scope.index)
                self._add(results, number, self._func(item))
        finally:
            _rng.scope.reset(before)
        return results

    def _add(self, results, number, result):
        if self._op is None or number % self._block == 0:
            results.append(result)
        else:
            results[-1] = self._op(results[-1], result)


class _PartTask:
    def __init__(self, func, is_frame):
        self._func = func
        self._is_frame = is_frame

    def __call__(self, part, items, begins):
        # A new column of a frame's shallow copy does not get into the frame.
        return self._func(items.copy(deep=False) if self._is_frame else items)


class _Dropping:
    def __init__(self, task):
        self._task = task

    def __call__(self, *arguments):
        self._task(*arguments)


def _join(sums, op):
    """As a balanced tree: the first with the second, the third with the fourth, and so on level by level."""
    step = 1
    while step < len(sums):
        for at in range(0, len(sums) - step, 2 * step):
            sums[at] = op(sums[at], sums[at + step])
        step *= 2
    return sums[0]


def _released(segment, pid):
    if os.getpid() == pid:
        segment.release()
