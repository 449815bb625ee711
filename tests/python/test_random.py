"""The global generators of random and numpy.random in workers, with each way to start them."""
import pytest
from program import run_text

pytest.importorskip("numpy")

STARTS = ["fork", "spawn"]


def results(text, start, tmp_path):
    """What the program prints, line by line. Its tasks are in the file, for spawned workers."""
    came = run_text(f"START = {start!r}\n{text}", cwd=tmp_path)
    assert came.code == 0, str(came)
    return came.out.splitlines()


WITHOUT_SEED = """
import furrow, sys, time
{imports}

def draw(_):
    import numpy
    time.sleep(0.02)
    return int(numpy.random.randint(2**62))

if __name__ == "__main__":
    for _ in range(2):
        with furrow.Pool(2, context=START, maxtasksperchild={most}) as pool:
            print(*pool.map(draw, range(6), 1))
"""


@pytest.mark.parametrize("imports, most", [("import numpy", 2), ("import random", None)])
@pytest.mark.parametrize("start", STARTS)
def test_no_worker_repeats_the_numbers_of_another(start, imports, most, tmp_path):
    lines = results(WITHOUT_SEED.format(imports=imports, most=most), start, tmp_path)
    drawn = " ".join(lines).split()
    assert len(set(drawn)) == 12  # nor those of the worker that it replaces, nor those of the pool before


FIRST_OF_EACH = """
import furrow, multiprocessing, sys, time

def draw(_):
    import numpy
    time.sleep(0.2)
    return multiprocessing.current_process().name, float(numpy.random.rand())

if __name__ == "__main__":
    import numpy
    numpy.random.seed(int(sys.argv[1]) if sys.argv[1:] else 5)
    with furrow.Pool(2, context=START) as pool:
        print(sorted(pool.map(draw, range(2), 1)))
"""


@pytest.mark.parametrize("start", STARTS)
def test_a_seeded_program_has_the_same_numbers_in_each_run(start, tmp_path):
    first = results(FIRST_OF_EACH, start, tmp_path)
    assert results(FIRST_OF_EACH, start, tmp_path) == first
    assert results(FIRST_OF_EACH.replace("5)", "6)"), start, tmp_path) != first


WITH_SEED = """
import furrow, random, sys

def draw(item):
    import numpy
    return random.random(), random.gauss(0, 1), float(numpy.random.rand()), float(numpy.random.normal())

def numpy_is_loaded(_):
    return "numpy.random" in sys.modules

if __name__ == "__main__":
    seen = []
    for workers, chunksize in (1, 12), (2, 5):
        with furrow.Pool(workers, context=START) as pool:
            assert not any(pool.map(numpy_is_loaded, range(3), 1, seed=3))
            seen.append(pool.map(draw, range(12), chunksize, seed=3))
            assert pool.map(draw, range(12), chunksize, seed=3) == seen[-1]
            other = pool.map(draw, range(12), chunksize, seed=4)
            assert pool.apply(draw, (0,), seed=9) == pool.apply(draw, (1,), seed=9)
            free = pool.map(draw, range(12), 1) + pool.map(draw, range(12), 1)
    assert seen[0] == seen[1]
    drawn = [number for each in seen[0] + other + free for number in each]
    print(len(drawn), len(set(drawn)))
"""


@pytest.mark.parametrize("start", STARTS)
def test_a_task_of_a_map_with_a_seed_has_its_own_numbers(start, tmp_path):
    assert results(WITH_SEED, start, tmp_path) == ["192 192"]


def test_another_kind_of_generator_is_seeded_too(tmp_path):
    text = """
import furrow, numpy
numpy.random.set_bit_generator(numpy.random.PCG64(1))
with furrow.Pool(2) as pool:
    first = pool.map(lambda x: float(numpy.random.rand()), range(4), 1, seed=1)
    print(len(set(first)), pool.map(lambda x: float(numpy.random.rand()), range(4), 4, seed=1) == first)
"""
    import numpy

    if not hasattr(numpy.random, "set_bit_generator"):
        pytest.skip("this numpy has only one kind")
    assert results(text, "fork", tmp_path) == ["4 True"]
