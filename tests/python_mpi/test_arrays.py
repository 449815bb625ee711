"""Large arrays cross between ranks as out-of-band buffers, and arrive unchanged."""
import mpirun
import pytest

pytest.importorskip("numpy")

HEAD = """
import builtins, os, sys
import numpy
from furrow import MPIPool, WorkerDied

def same(x):
    return x

def edit(array):
    before = float(array[0]), float(array[-1])
    array += 1
    return before, float(array[0])

def make(n):
    return numpy.full(100_000, n)
"""


@pytest.fixture(params=["root works", "root only dispatches"])
def lines(request, tmp_path):
    """Runs a body under `with MPIPool(...) as pool:`; returns the lines that it prints."""
    root_works = request.param == "root works"

    def of(body):
        text = "\n".join("    " + line for line in body.strip().splitlines())
        return mpirun.lines(3, f"{HEAD}\nwith MPIPool(1, root_works={root_works}) as pool:\n{text}\n", tmp_path,
                            timeout=100)

    return of


def test_arrays_of_64_mib_come_back(lines):
    assert lines("""
arrays = [numpy.random.rand(8 << 20) for _ in range(4)]
for _ in range(2):
    came = pool.map(same, arrays)
    print(all(numpy.array_equal(a, b) and b.flags.writeable for a, b in zip(arrays, came)))
""") == ["True", "True"]


def test_each_task_gets_its_own_copy_of_an_array(lines):
    assert lines("""
big = numpy.zeros(1_000_000)
print(set(pool.map(edit, [big] * 40)), set(pool.map(edit, [big] * 40, 3)), big.max())
other = numpy.full(1_000_000, 7.0)
print(set(pool.map(edit, [other] * 40)), set(pool.starmap(edit, [(other,)] * 5)))
""") == ["{((0.0, 0.0), 1.0)} {((0.0, 0.0), 1.0)} 0.0", "{((7.0, 7.0), 8.0)} {((7.0, 7.0), 8.0)}"]


def test_many_arrays_are_not_mixed_up(lines):
    assert lines("""
def right(arrays):
    return all((array == n).all() for n, array in enumerate(arrays))
kept = pool.map(make, range(60))
print(right(pool.map(same, kept)), right(pool.imap(same, (make(n) for n in range(200)))), right(kept))
applied = [pool.apply(same, (array,)) for array in kept]
print(pool.map(lambda a: float(a.max()), kept) == list(range(60)), right(applied))
mixed = pool.map(lambda x: (x, make(x), str(x), make(-x)), range(30))
print(all(x == n and str(n) == s and (a == n).all() and (b == -n).all() for n, (x, a, s, b) in enumerate(mixed)))
""") == ["True True True", "True True", "True"]


def test_large_values_of_other_types_come_back(lines):
    assert lines("""
values = [b"x" * 3_000_000, "y" * 3_000_000, list(range(200_000)), numpy.asfortranarray(numpy.random.rand(300, 400)),
          numpy.random.rand(500, 600)[::2, ::3], numpy.array(["a", "bc"] * 20_000), bytearray(5_000_000),
          numpy.zeros((0, 5))]
came = pool.map(same, values)
def equal(a, b):
    return type(a) is type(b) and (numpy.array_equal(a, b) if isinstance(a, numpy.ndarray) else a == b)
print(sum(map(equal, values, came)))
""") == ["8"]


def test_results_outlive_their_pool(lines):
    assert lines("""
came = pool.map(make, range(8))
pool.terminate()
with MPIPool(2) as again:
    more = again.map(make, range(100, 108))
    print([int(array[0]) for array in came], all((array == n).all() for n, array in enumerate(came)))
for array in came:
    array += 1
print([int(array[0]) for array in came + more])
""") == ["[0, 1, 2, 3, 4, 5, 6, 7] True", "[1, 2, 3, 4, 5, 6, 7, 8, 100, 101, 102, 103, 104, 105, 106, 107]"]


def test_a_task_may_keep_its_argument(lines):
    assert lines("""
def keep(array):
    builtins.kept = array

def look(_):
    return int(builtins.kept.min()), int(builtins.kept.max())

pool.map(keep, [numpy.full(100_000, 5)] * 30, 1)
pool.map(lambda a: None, [make(n) for n in range(60)])
print(set(pool.map(look, range(2), 1)))
""") == ["{(5, 5)}"]


def test_a_worker_that_dies_on_a_large_array_costs_one_item(lines):
    assert lines("""
def die(array):
    if array[0] == 7:
        os.kill(os.getpid(), 9)
    return array

for _ in range(3):
    came = pool.map(die, [make(n) for n in range(20)], on_error="collect")
    print([n for n, each in enumerate(came) if isinstance(getattr(each, "error", None), WorkerDied)],
          all((each == n).all() for n, each in enumerate(came) if n != 7))
""") == ["[7] True"] * 3


def test_memory_is_reused(lines):
    """Arrays that came and went a hundred times do not stay in memory a hundred times."""
    assert lines("""
def resident(_):
    return int(open("/proc/self/statm").read().split()[1]) * 4096
big = numpy.zeros(2_000_000)
for _ in range(20):
    pool.map(same, [big] * 2 + [numpy.zeros(2_000_000) for _ in range(4)], 1)
print(resident(0) < 1_200_000_000, max(pool.map(resident, range(8), 1)) < 1_200_000_000)
""") == ["True True"]


def test_little_is_kept_when_a_rank_has_had_nothing_to_do(lines):
    assert lines("""
import time
def kept(_):
    time.sleep(0.1)  # so that each worker gets one
    sizes = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("/memfd:"):
                status = os.stat(f"/proc/self/fd/{name}")
                sizes[status.st_ino] = status.st_blocks * 512
        except FileNotFoundError:
            pass
    return os.getpid(), sum(sizes.values())
for _ in range(3):
    pool.map(same, [numpy.zeros(8_000_000) for _ in range(3)], 1)
time.sleep(4)
found = dict(pool.map(kept, range(12), 1))
print(len(found) >= 2, max(found.values()) < 100_000_000 or found)
""") == ["True True"]
