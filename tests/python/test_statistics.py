"""What pool.statistics() counts."""
import os
import signal
import subprocess
import sys
import threading
import time

import engine
import furrow
import pools
import pytest


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["fork", "spawn", "threads"])
def pool(request):
    made = pools.fresh(request.param)
    yield made
    made.terminate()
    made.join()


def only_even(x):
    if x % 2:
        raise ValueError("odd")
    return x


def wait_for(path):
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.005)


def expect(pool, completed, failed):
    now = pool.statistics()
    assert now == (pool._processes, 0, completed, failed, 0)
    assert (now.workers, now.unfinished, now.completed, now.failed, now.workers_replaced) == now


def test_items_of_maps_and_streams_and_calls_are_counted(pool):
    expect(pool, 0, 0)
    pool.map(abs, range(100))
    expect(pool, 100, 0)
    pool.map(only_even, range(10), retries=2, on_error="collect")  # a retry is no task
    expect(pool, 105, 5)
    with pytest.raises(ValueError, match="odd"):
        pool.map(only_even, range(10))
    expect(pool, 110, 10)
    assert sum(1 for each in pool.imap(only_even, iter(range(10)), on_error="collect") if type(each) is int) == 5
    expect(pool, 115, 15)
    pool.apply(abs, (-1,))
    expect(pool, 116, 15)


def test_an_input_that_raises_is_no_task(pool):
    def inputs():
        yield 1
        raise KeyError("input")

    with pytest.raises(KeyError):
        list(pool.imap(abs, inputs()))
    expect(pool, 1, 0)


def test_what_waits_and_runs_is_unfinished(pool, tmp_path):
    def held(x):
        (tmp_path / "begun").touch()
        wait_for(tmp_path / "may end")

    result = pool.map_async(held, range(30), chunksize=1)
    wait_for(tmp_path / "begun")
    now = pool.statistics()
    assert (now.unfinished, now.completed, now.failed) == (30, 0, 0)
    (tmp_path / "may end").touch()
    result.get(20)
    expect(pool, 30, 0)


def test_what_is_cancelled_counts_as_neither(pool):
    def endless():
        while True:
            yield 1

    results = pool.imap(abs, endless())
    assert next(results) == 1
    del results
    pool.apply(abs, (1,))
    now = pool.statistics()
    assert (now.unfinished, now.failed) == (0, 0) and now.completed >= 2


def test_what_is_left_when_the_pool_is_terminated_counts_as_neither(pool, tmp_path):
    def held(x):
        (tmp_path / "begun").touch()
        while not furrow.task_stop_requested():
            time.sleep(0.005)

    pool.map(abs, range(7))
    result = pool.map_async(held, range(30))
    wait_for(tmp_path / "begun")
    pool.terminate()
    with pytest.raises(furrow.PoolError):
        result.get(20)
    expect(pool, 7, 0)


@pytest.mark.skipif(pools.OVER_MPI, reason="the same workers")
@pytest.mark.parametrize("kind", ["fork", "spawn"])
def test_workers_that_were_replaced_are_counted(kind):
    with pools.fresh(kind) as pool:
        came = pool.map(lambda x: os.kill(os.getpid(), signal.SIGKILL) if x in (3, 5) else x, range(10),
                        on_error="collect")
        assert [type(came[at].error) for at in (3, 5)] == 2 * [furrow.WorkerDied]
        assert pool.statistics() == (2, 0, 8, 2, 2)


def test_results_from_a_resume_file_are_no_tasks_of_this_pool(tmp_path):
    with pools.fresh("fork") as pool:
        for _ in range(2):
            pool.map(only_even, range(10), on_error="collect", resume=str(tmp_path / "results"))
        assert pool.statistics()[1:] == (0, 5, 10, 0)


def test_any_thread_may_ask_while_a_map_runs(pool):
    seen = []
    thread = threading.Thread(target=lambda: [seen.append(pool.statistics()) or time.sleep(0.001) for _ in range(100)])
    thread.start()
    for _ in range(20):
        pool.map(abs, range(1000))
    thread.join()
    completed = [each.completed for each in seen]
    assert completed == sorted(completed) and all(each.failed == 0 for each in seen)
    expect(pool, 20_000, 0)


@pytest.mark.skipif(pools.OVER_MPI, reason="it is about threads")
def test_a_function_for_the_progress_may_ask_while_other_threads_do():
    program = """
import faulthandler, threading, time, furrow
faulthandler.dump_traceback_later(20, exit=True)

def shown(*update):
    time.sleep(0.1)
    pool.statistics()

def look():
    while not over:
        pool.statistics()

over = False
with furrow.ThreadPool(2) as pool:
    thread = threading.Thread(target=look)
    thread.start()
    pool.map(time.sleep, [0.05] * 10, progress=shown)
    over = True
    thread.join()
print("over")
"""
    environment = {**os.environ, "PYTHONPATH": str(engine.MODULE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "over\n", done.stderr
