"""What a furrow.Pool has beyond multiprocessing's: arrays, options of a map, coroutines; also with spawned workers."""
import asyncio
import itertools
import json
import os
import time

import furrow
import pools
import pytest

numpy = pytest.importorskip("numpy")


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["fork", "spawn"])
def pool(request):
    return pools.get(request.param)


def test_arrays_come_back_as_they_were(pool):
    arrays = [numpy.random.rand(300_000), numpy.asfortranarray(numpy.random.rand(300, 400)), numpy.arange(10),
              numpy.random.rand(500, 600)[::2, ::3], numpy.zeros((0, 5)), numpy.array(["a", "bc"] * 20_000)]
    for _ in range(3):
        for sent, came in zip(arrays, pool.map(lambda x: x, arrays)):
            assert numpy.array_equal(sent, came) and came.dtype == sent.dtype and came.flags.writeable


def test_later_results_do_not_overwrite_earlier_ones(pool):
    kept = pool.map(lambda n: numpy.full(100_000, n), range(10))
    for _ in range(5):
        pool.map(lambda n: numpy.full(100_000, -n), range(10))
    assert [set(array) for array in kept] == [{n} for n in range(10)]


def test_results_outlive_their_pool():
    with furrow.Pool(1) as pool:
        array = pool.apply(numpy.arange, (100_000,))
    pool.join()
    del pool
    array += 1
    assert array[-1] == 100_000


def test_a_task_may_keep_its_argument():
    def keep(array):
        import builtins

        builtins.kept = array
        return int(array[0])

    def look(_):
        import builtins

        return int(builtins.kept.min()), int(builtins.kept.max())

    with furrow.Pool(1) as pool:
        assert pool.map(keep, [numpy.full(100_000, 5)]) == [5]
        pool.map(lambda a: None, [numpy.full(100_000, n) for n in range(10)])
        assert pool.apply(look, (0,)) == (5, 5)


def test_all_workers_see_shared_arrays(pool):
    shared = furrow.shared_array((4, 1000))

    def write(row):
        index, part = row
        part[:] = index

    pool.map(write, [(i, shared[i]) for i in range(4)])
    assert [set(row) for row in shared.tolist()] == [{float(i)} for i in range(4)]
    assert type(pool.apply(lambda a: a + 1, (shared,))) is numpy.ndarray  # a computed array is not shared
    with pytest.raises(TypeError, match="whole number"):
        furrow.shared_array(2.5)
    with pytest.raises(ValueError, match="0 or more"):
        furrow.shared_array((2, -1))
    shared[0, 0] = 9
    assert pool.apply(lambda a: float(a[0, 0]), (shared,)) == 9


def test_random_numbers_depend_on_the_seed_and_the_index(pool):
    def draw(_):
        return furrow.task_rng().random()

    expected = [numpy.random.Generator(numpy.random.Philox(key=[7, 0], counter=[0, 0, i, 0])).random()
                for i in range(20)]
    assert pool.map(draw, range(20), seed=7) == expected
    assert pool.map(draw, range(20), chunksize=7, seed=7) == expected
    assert list(pool.imap(draw, range(20), seed=7)) == expected
    with furrow.ThreadPool(2) as threads:
        assert threads.map(draw, range(20), seed=7) == expected
    calls = [pool.apply(draw, (0,)) for _ in range(5)]
    assert len(set(calls)) == 5
    assert pool.map(draw, range(5)) != pool.map(draw, range(5))


def test_a_retry_draws_the_same_numbers(pool, tmp_path):
    def draw(x):
        number = furrow.task_rng().random()
        with open(tmp_path / str(x), "a") as file:
            file.write(f"{number}\n")
        assert len((tmp_path / str(x)).read_text().split()) == 3

    pool.map(draw, range(3), retries=2, seed=1)
    assert all(len(set((tmp_path / str(x)).read_text().split())) == 1 for x in range(3))


def test_a_timeout_fails_only_the_slow_task(pool):
    def slow(x):
        time.sleep(30 if x == 2 else 0)
        return x

    came = pool.map(slow, range(5), timeout=0.3, on_error="collect")
    assert [x for x in came if x is not None and not isinstance(x, furrow.Failure)] == [0, 1, 3, 4]
    assert came[2].index == 2 and isinstance(came[2].error, furrow.TaskTimeout) and not came[2]


def test_a_task_whose_worker_died_is_retried(pool, tmp_path):
    def die_once(x):
        if x == 3 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), 9)
        return x

    assert pool.map(die_once, range(6), retries=1) == list(range(6))


def test_coroutines_of_a_worker_run_concurrently(pool):
    async def wait(x):
        await asyncio.sleep(0.2)
        if x == 7:
            raise ValueError(x)
        return x

    began = time.monotonic()
    came = pool.map(wait, range(40), on_error="collect")
    assert time.monotonic() - began < 40 * 0.2 / 2  # half the time that two workers would need one by one
    assert came[:7] + came[8:] == [*range(7), *range(8, 40)] and isinstance(came[7].error, ValueError)


def test_threads_await_coroutines_as_processes_do(pool):
    class Adder:
        async def __call__(self, x):
            await asyncio.sleep(0)
            return x + 1

        async def method(self, x, y=1):
            if x == 3:
                raise KeyError(x)
            return x + y, furrow.task_rng().random()

    with furrow.ThreadPool(2) as threads:
        for kind in threads, pool:
            assert kind.map(Adder(), range(10)) == list(kind.imap(Adder(), range(10))) == list(range(1, 11))
            assert kind.apply(Adder().method, (1,), {"y": 5}, seed=2)[0] == 6
            assert isinstance(kind.map(Adder().method, [1, 3], on_error="collect")[1].error, KeyError)
        pairs = [(1, 1), (5, 6)]
        assert threads.starmap(Adder().method, pairs, seed=1) == pool.starmap(Adder().method, pairs, seed=1)


def test_what_ends_an_event_loop_fails_one_coroutine(pool):
    async def stop(x):
        if x == 1:
            raise SystemExit(3)
        if x == 2:
            raise asyncio.CancelledError
        return x

    with furrow.ThreadPool(1) as threads:
        for kind in threads, pool:
            came = kind.map(stop, range(4), 4, on_error="collect")
            assert came[0] == 0 and came[3] == 3
            assert "SystemExit" in str(came[1].error) and "CancelledError" in str(came[2].error)
            assert kind.map(stop, [5, 6]) == [5, 6]


def test_a_death_is_attributed_to_the_coroutine_that_caused_it(pool):
    async def die(x):
        await asyncio.sleep(0.01)
        if x == 5:
            os.kill(os.getpid(), 9)
        return x

    came = pool.map(die, range(12), on_error="collect")
    assert came[:5] + came[6:] == [*range(5), *range(6, 12)] and isinstance(came[5].error, furrow.WorkerDied)


def test_a_map_resumes_from_its_file(pool, tmp_path):
    ran = tmp_path / "ran"

    def task(x):
        with open(ran, "a") as file:
            file.write(f"{x}\n")
        if x == 7 and not (tmp_path / "fixed").exists():
            raise ValueError(x)
        return x * x

    with pytest.raises(ValueError):
        pool.map(task, range(10), resume=(tmp_path / "kept", "key"))
    (tmp_path / "fixed").touch()
    assert pool.map(task, range(10), resume=(tmp_path / "kept", "key")) == [x * x for x in range(10)]
    assert sorted(map(int, ran.read_text().split())) == [*range(8), 7, 8, 9]  # each once, and the failed one twice
    with pytest.raises(furrow.PoolError):
        pool.map(task, range(10), resume=(tmp_path / "kept", "another key"))


def test_a_trace_shows_the_chunks(pool, tmp_path):
    for _ in range(50):  # the report of a chunk comes after its last result
        pool.map(abs, range(100), 10, trace=tmp_path / "trace.json")
        events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
        chunks = 1 if pools.OVER_MPI else 10  # over MPI it shows what a rank got at once
        assert sum(event.get("ph") == "X" for event in events) >= chunks


def test_progress_is_reported(pool):
    updates = []
    pool.map(time.sleep, [0.05] * 8, 1, progress=lambda *update: updates.append(update))
    assert updates[-1][:3] == (8, 0, 8)
    updates.clear()
    assert len(list(pool.imap(abs, range(50), progress=lambda *update: updates.append(update)))) == 50
    assert updates[-1][:3] == (50, 0, 50)


def test_streams_draw_inputs_only_as_needed(pool):
    drawn = itertools.count()
    stream = pool.imap(abs, drawn)
    assert next(stream) == 0
    time.sleep(0.3)
    assert next(drawn) < 10_000


def test_threads_of_blas_are_limited():
    with furrow.Pool(2, threads_per_worker=1) as pool:
        assert pool.apply(lambda: os.environ["OMP_NUM_THREADS"]) == "1"
        controls = pytest.importorskip("threadpoolctl")
        found = pool.apply(lambda: [each["num_threads"] for each in controls.threadpool_info()])
        assert set(found) <= {1}


@pytest.mark.parametrize("options",
                         [{"timeout": 0}, {"timeout": -1}, {"retries": -1}, {"on_error": "no"}, {"seed": -1},
                          {"chunksize": 0}, {"retries": 2**31}])
def test_invalid_options_are_refused(pool, options):
    with pytest.raises(ValueError):
        pool.map(abs, [1], **options)


@pytest.mark.parametrize("options", [{"timeout": "3"}, {"retries": 1.5}, {"seed": 1.5}, {"seed": "a"},
                                     {"chunksize": 1.5}], ids=str)
def test_options_of_a_wrong_type_are_named(pool, options):
    with pytest.raises(TypeError, match=f"^{next(iter(options))} is a "):
        pool.map(abs, [1], **options)


def test_numbers_of_numpy_and_large_ones_are_options(pool):
    assert pool.map(abs, [-1] * 3, numpy.int64(2), retries=numpy.int8(1), seed=numpy.uint64(2**63)) == [1] * 3
    assert pool.map(abs, [-1] * 3, 2**70) == list(pool.imap(abs, [-1] * 3, 2**70)) == [1] * 3
