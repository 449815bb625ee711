"""Tasks that are asked to end: task_stop_requested(), and the time limits of threads."""
import asyncio
import threading
import time

import furrow
import pools
import program
import pytest


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["fork", "spawn", "threads"])
def pool(request):
    return pools.get(request.param)


@pytest.fixture
def threads():
    return pools.get("threads")


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def patient(seconds=20):
    """Whether the task that calls it was asked to end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if furrow.task_stop_requested():
            return True
        time.sleep(0.005)
    return False


def test_a_task_of_a_dropped_iterator_ends_itself(pool, tmp_path):
    def task(name):
        (tmp_path / name).touch()
        if patient():
            (tmp_path / f"{name} ended").touch()

    results = pool.imap(task, ["a"])
    wait_until((tmp_path / "a").exists)
    time.sleep(0.05)  # so that the task has asked
    del results
    wait_until((tmp_path / "a ended").exists)
    assert pool.map(abs, [-1, 2]) == [1, 2]


def test_other_tasks_are_not_asked(pool):
    assert pool.map(lambda x: furrow.task_stop_requested(), range(50)) == [False] * 50
    results = pool.imap(lambda x: patient(), range(1))
    time.sleep(0.05)  # so that the task has asked
    del results
    assert pool.map(lambda x: patient(0.01), range(4), chunksize=1) == [False] * 4


def test_nothing_asks_outside_of_tasks():
    assert furrow.task_stop_requested() is False


def test_a_thread_that_looks_ends_in_time_and_has_failed(threads):
    def task(x):
        return patient() if x == 1 else x

    came = threads.map(task, range(3), timeout=0.1, on_error="collect")
    assert (came[0], came[2]) == (0, 2) and type(came[1].error) is furrow.TaskTimeout
    assert (str(came[1].error), came[1].error.index, came[1].error.timeout) == (
        "task 1: the task took longer than 0.1 s", 1, 0.1)


@pytest.mark.parametrize("call", [
    lambda pool, task: pool.map(task, [0], timeout=0.02),
    lambda pool, task: pool.starmap(task, [(0,)], timeout=0.02),
    lambda pool, task: pool.apply(task, (0,), timeout=0.02),
    lambda pool, task: pool.apply_async(task, (0,), timeout=0.02).get(20),
    lambda pool, task: pool.map_async(task, [0], timeout=0.02).get(20),
    lambda pool, task: next(pool.imap(task, [0], timeout=0.02)),
    lambda pool, task: next(pool.imap_unordered(task, [0], timeout=0.02)),
    lambda pool, task: next(pool.istarmap(task, [(0,)], timeout=0.02)),
], ids=["map", "starmap", "apply", "apply_async", "map_async", "imap", "imap_unordered", "istarmap"])
def test_every_call_on_threads_has_a_time_limit(threads, call):
    with pytest.raises(furrow.TaskTimeout, match="took longer than 0.02 s"):
        call(threads, lambda x: patient())
    assert threads.map(abs, [-1], timeout=20) == [1]


def test_a_thread_that_does_not_look_has_failed_when_it_ends(threads):
    ended = []

    def task(x):
        time.sleep(0.1)
        ended.append(x)

    with pytest.raises(furrow.TaskTimeout):
        threads.map(task, [0], timeout=0.02)
    assert ended == [0]


def test_what_a_late_thread_raises_is_the_cause(threads):
    def task(x):
        patient()
        raise KeyError(x)

    with pytest.raises(furrow.TaskTimeout) as failed:
        threads.map(task, ["x"], timeout=0.02)
    assert isinstance(failed.value.__cause__, KeyError)


def test_a_late_thread_is_tried_again(threads):
    attempts = []

    def task(x):
        attempts.append(x)
        return patient() if len(attempts) < 3 else "in time"

    assert threads.map(task, [0], timeout=0.05, retries=2) == ["in time"]
    assert len(attempts) == 3


def test_coroutines_on_threads_are_stopped_in_time(threads):
    async def task(x):
        await asyncio.sleep(20 if x == 1 else 0)
        return x

    came = threads.map(task, range(3), timeout=0.1, on_error="collect")
    assert (came[0], came[2]) == (0, 2) and type(came[1].error) is furrow.TaskTimeout


def test_a_terminated_thread_pool_asks_its_tasks():
    begun, asked = threading.Event(), []

    def task(x):
        begun.set()
        asked.append(patient())

    pool = furrow.ThreadPool(1)
    result = pool.map_async(task, range(5))
    assert begun.wait(20)
    pool.terminate()
    pool.join()
    assert asked == [True]
    with pytest.raises(furrow.PoolError, match="terminated"):
        result.get(20)


def test_a_task_in_a_task_is_asked_with_it(threads):
    with furrow.ThreadPool(1) as inner:
        def task(x):
            return inner.map(lambda y: patient(), [0])

        with pytest.raises(furrow.TaskTimeout):
            threads.map(task, [0], timeout=0.05)


def test_threads_in_a_worker_are_asked_with_its_task(tmp_path):
    def task(name):
        with furrow.ThreadPool(1) as inner:
            (tmp_path / name).touch()
            if inner.map(lambda x: patient(), [0]) == [True]:
                (tmp_path / f"{name} ended").touch()

    results = pools.get("fork").imap(task, ["a"])
    wait_until((tmp_path / "a").exists)
    time.sleep(0.05)  # so that the thread has asked
    del results
    wait_until((tmp_path / "a ended").exists)


def test_a_pool_that_waits_for_late_threads_says_so_once(tmp_path):
    done = program.run_text("""
import time
import furrow

with furrow.ThreadPool(2) as pool:
    came = pool.map(lambda x: time.sleep(3.2), range(2), timeout=0.1, on_error="collect")
    print([type(each.error).__name__ for each in came])
""", cwd=tmp_path)
    assert (done.code, done.out) == (0, "['TaskTimeout', 'TaskTimeout']\n"), str(done)
    assert done.err == ("furrow: a task runs for 2 s beyond its time limit of 0.1 s, and the ThreadPool waits for it: "
                        "let it look at task_stop_requested(), or use furrow.Pool, which can end it\n"), str(done)
