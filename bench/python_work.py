"""One row of python.py with one library, in a process of its own: python_work.py ROW LIBRARY WORKERS COUNT

Prints the seconds that one turn took, after one turn that warms the workers up.
"""
import gc
import os
import sys
import time
from pathlib import Path


def same(x):
    return x


def pick(array, index):
    return float(array[index])


class OldPool:
    """multiprocessing.Pool, and pools with the same interface."""

    def __init__(self, module, workers):
        self.pool = module.Pool(workers)

    def map(self, function, inputs, chunksize=None):
        return self.pool.map(function, inputs, chunksize)

    def starmap(self, function, inputs):
        return self.pool.starmap(function, inputs, 1)

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    """concurrent.futures and mpi4py.futures. Neither chooses a chunk size: they get the one of multiprocessing."""

    def __init__(self, kind, workers):
        self.executor, self.workers = kind(workers), workers

    def map(self, function, inputs, chunksize=None):
        return list(self.executor.map(function, inputs, chunksize=chunksize or -(-len(inputs) // (4 * self.workers))))

    def starmap(self, function, inputs):
        return list(self.executor.map(function, *zip(*inputs)))

    def close(self):
        self.executor.shutdown()


class Joblib:
    def __init__(self, workers):
        import joblib
        self.delayed = joblib.delayed
        self.parallels = {size: joblib.Parallel(workers, batch_size=size).__enter__() for size in ("auto", 1)}

    def map(self, function, inputs, chunksize=None):
        call = self.delayed(function)
        return self.parallels[chunksize or "auto"](call(x) for x in inputs)

    def starmap(self, function, inputs):
        call = self.delayed(function)
        return self.parallels[1](call(*x) for x in inputs)

    def close(self):
        self.parallels["auto"].__exit__(None, None, None)


def open_pool(library, workers):
    if library == "joblib":
        return Joblib(workers)
    if library == "concurrent.futures":
        from concurrent.futures import ProcessPoolExecutor
        return Executor(ProcessPoolExecutor, workers)
    if library == "mpi4py.futures":
        from mpi4py.futures import MPIPoolExecutor
        return Executor(MPIPoolExecutor, workers)
    return OldPool(__import__(library), workers)


def calls(pool, count):
    assert pool.map(same, range(count), 1)[-1] == count - 1


def chunks(pool, count):
    assert pool.map(same, range(count))[-1] == count - 1


def lambdas(pool, count):
    more = 1
    assert pool.map(lambda x: x + more, range(count))[-1] == count


def changed(item):
    return {**item, "number": item["number"] + 1}


def many_small(pool, function, items, count):
    """COUNT tasks, in maps of a few thousand as programs have them."""
    for _ in range(max(1, count // len(items))):
        came = pool.map(function, items)
    assert len(came) == len(items)


def texts(pool, count):
    """Short texts in and out."""
    many_small(pool, str.upper, [f"the text of item {i}" for i in range(3000)], count)


def dicts(pool, count):
    """Small dicts in and out."""
    many_small(pool, changed, [{"number": i, "name": f"item {i}", "weight": i / 2} for i in range(3000)], count)


def tuples(pool, count):
    """Small tuples in and out."""
    many_small(pool, same, [(i, f"item {i}", i / 2) for i in range(3000)], count)


class Item:
    def __init__(self, number):
        self.number, self.name, self.weight = number, f"item {number}", number / 2


def counted(item):
    item.number += 1
    return item


def objects(pool, count):
    """Small objects of a class in and out."""
    many_small(pool, counted, [Item(i) for i in range(3000)], count)


def submitted(executor, count):
    """Calls of an executor, one by one."""
    started = [executor.submit(same, number) for number in range(count)]
    assert [each.result() for each in started][-1] == count - 1


def calls_of_joblib(parallel, count):
    import joblib
    assert parallel(joblib.delayed(same)(number) for number in range(count))[-1] == count - 1


def arrays(pool, count):
    """Sends COUNT arrays of 64 MiB to tasks and back."""
    import numpy
    two = [numpy.full(8 << 20, float(i)) for i in range(count)]
    began = time.perf_counter()
    came = pool.map(same, two, 1)
    took = time.perf_counter() - began
    assert [array[-1] for array in came] == list(range(count))
    return took


def one_array(pool, count):
    """Sends one array of 100 MB to COUNT tasks that return a scalar."""
    import numpy
    array = numpy.arange(12_500_000, dtype=float)
    inputs = [(array, i) for i in range(count)]
    began = time.perf_counter()
    assert pool.starmap(pick, inputs) == list(range(count))
    return time.perf_counter() - began


def start(library, workers, count):
    """The time until the first results arrive."""
    began = time.perf_counter()
    pool = open_pool(library, workers)
    pool.map(same, range(count), 1)
    took = time.perf_counter() - began
    pool.close()
    return took


def start_of_joblib(library, workers, count):
    """The first call of joblib.Parallel, with the start of its workers."""
    import joblib  # noqa: F401
    __import__("furrow")
    began = time.perf_counter()
    with open_parallel(library, workers) as parallel:
        calls_of_joblib(parallel, count)
        return time.perf_counter() - began


def kept(library, workers, count):
    """MiB that the pool keeps for each worker a while after arrays() has dropped its arrays."""
    import numpy
    pool = open_pool(library, workers)
    pool.map(time.sleep, [0.05] * workers, 1)
    pool.map(same, [numpy.zeros(9)] * 9 * workers, 1)  # all of them import numpy
    before = memory()
    arrays(pool, count)
    gc.collect()
    time.sleep(3)
    more = memory() - before
    pool.close()
    return max(more, 0) / workers / (1 << 20)


def memory():
    """Bytes of this process and its children: of each its own, and shared memory once."""
    processes = [Path("/proc/self"), *(Path(f"/proc/{pid}") for pid in descendants(os.getpid()))]
    own = sum(int(line.split()[1]) << 10 for each in processes
              for line in (each / "smaps_rollup").read_text().splitlines() if line.startswith("Pss_Anon:"))
    opened = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]
    files = [os.stat(each) for each in opened if os.path.exists(each) and os.readlink(each).startswith("/memfd:")]
    return own + sum({status.st_ino: status.st_blocks << 9 for status in files}.values())


def descendants(pid):
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(each)
        yield from descendants(int(each))


def cores(library, workers, count):
    module = __import__(library)
    began = time.perf_counter()
    for _ in range(count):
        module.cpu_count()
    return time.perf_counter() - began


def open_executor(library, workers):
    if library == "furrow":
        from furrow import Executor
        return Executor(workers)
    from concurrent.futures import ProcessPoolExecutor
    return ProcessPoolExecutor(workers)


def open_parallel(library, workers):
    import joblib
    __import__("furrow")  # makes its backend known
    return joblib.Parallel(workers, backend="furrow" if library == "furrow" else "loky")


# Rows that open their pool themselves, and take one turn.
ALONE = ["start", "start_of_joblib", "kept", "cores"]
# Rows that do not take what open_pool() opens.
OPENERS = {"submitted": open_executor, "calls_of_joblib": open_parallel}


def turn(row, pool, count):
    began = time.perf_counter()
    return row(pool, count) or time.perf_counter() - began


def main(name, library, workers, count):
    row = globals()[name]
    if name in ALONE:
        return row(library, workers, count)
    if name in OPENERS:
        with OPENERS[name](library, workers) as pool:
            turn(row, pool, count)
            return turn(row, pool, count)
    pool = open_pool(library, workers)
    turn(row, pool, count)
    took = turn(row, pool, count)
    pool.close()
    return took


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
