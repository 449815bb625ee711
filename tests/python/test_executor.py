"""furrow.Executor: what concurrent.futures promises, and what it adds."""
import asyncio
import concurrent.futures as futures
import concurrent.futures.process as process
import os
import signal
import sys
import threading
import time

import program
import pytest

import furrow


@pytest.fixture(scope="module")
def executor():
    with furrow.Executor(2) as made:
        yield made


def kill_at(bad, x):
    if x == bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return -x


class Meter:
    def __init__(self):
        self.reads = 0

    def read(self):
        self.reads += 1
        return self.reads


def test_submit_gives_futures_of_results_and_of_exceptions(executor):
    done = executor.submit(divmod, 17, 5)
    failed = executor.submit(lambda key: {}[key], "absent")
    assert isinstance(executor, futures.Executor) and isinstance(done, futures.Future)
    assert done.result(20) == (3, 2) and done.done() and not done.cancelled()
    assert isinstance(failed.exception(20), KeyError)
    assert "in <lambda>" in failed.exception().__cause__.tb
    assert executor.submit(dict, one=1, fn=2).result(20) == {"one": 1, "fn": 2}


def test_map_keeps_order_takes_several_iterables_and_stops_at_the_shortest(executor):
    assert list(executor.map(max, [1, 9, 4], (5, 5, 5, 5))) == [5, 9, 5]
    assert list(executor.map(str, range(300), chunksize=40)) == [str(x) for x in range(300)]
    with pytest.raises(ValueError, match="chunksize"):
        executor.map(str, [1], chunksize=0)


def test_map_has_a_time_limit_for_all_results(executor):
    results = executor.map(time.sleep, [0, 3], timeout=1)
    assert next(results) is None
    with pytest.raises(futures.TimeoutError):
        next(results)


def test_a_map_runs_to_its_end_though_nobody_takes_its_results(tmp_path):
    with furrow.Executor(2) as executor:
        executor.map(lambda n: (tmp_path / str(n)).touch(), range(1500))
    assert len(list(tmp_path.iterdir())) == 1500


@pytest.mark.parametrize("chunksize", [1, 10])
def test_an_item_whose_worker_died_fails_alone(executor, chunksize):
    calls = [executor.submit(kill_at, 7, x) for x in range(20)]
    assert [call.exception(20) is None for call in calls].count(False) == 1
    error = calls[7].exception()
    assert isinstance(error, furrow.WorkerDied) and isinstance(error, process.BrokenProcessPool)
    assert error.signal == signal.SIGKILL
    results = executor.map(kill_at, [3] * 6, range(6), chunksize=chunksize)
    assert [next(results) for _ in range(3)] == [0, -1, -2]
    with pytest.raises(furrow.WorkerDied):
        next(results)
    assert executor.submit(abs, -1).result(20) == 1


def test_sys_exit_in_a_call_is_its_exception_and_does_not_end_the_worker(executor):
    assert executor.submit(sys.exit, 3).exception(20).code == 3


def test_each_call_has_the_state_that_its_function_was_sent_with(executor):
    meter = Meter()
    assert [executor.submit(meter.read).result(20) for _ in range(6)] == [1] * 6
    with furrow.Pool(1) as pool:
        assert [pool.apply_async(meter.read).get(20) for _ in range(3)] == [1] * 3
    grow = [].append
    assert [executor.submit(grow, 1).result(20) for _ in range(2)] == [None, None]


def test_a_future_that_waits_can_be_cancelled_and_one_that_runs_cannot():
    with furrow.Executor(1) as executor:
        calls = [executor.submit(time.sleep, 0.2) for _ in range(30)]
        while not calls[0].running():
            time.sleep(0.005)
        assert not calls[0].cancel() and calls[-1].cancel()
        with pytest.raises(futures.CancelledError):
            calls[-1].result()
        executor.shutdown(wait=False, cancel_futures=True)
        done, waiting = futures.wait(calls, 30)
    assert not waiting and sum(call.cancelled() for call in calls) > 15


def test_a_shutdown_that_cancels_lets_idle_workers_begin():
    executor = furrow.Executor(2)
    calls = [executor.submit(abs, -x) for x in range(50)]
    executor.shutdown(cancel_futures=True)
    assert [call.result(0) for call in calls[:2]] == [0, 1] and all(call.done() for call in calls)


def test_shutdown_drops_what_a_map_has_not_begun():
    executor = furrow.Executor(1)
    results = executor.map(time.sleep, [0.1] * 50)
    next(results)
    executor.shutdown(cancel_futures=True)
    with pytest.raises(futures.CancelledError):
        list(results)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)


def test_callbacks_and_waiters_hear_of_each_call_once(executor):
    heard = []
    calls = [executor.submit(abs, x) for x in range(2000)]
    for call in calls:
        call.add_done_callback(heard.append)
    assert sorted(call.result() for call in futures.as_completed(calls, 30)) == list(range(2000))
    deadline = time.monotonic() + 20
    while len(heard) < 2000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(heard) == 2000 == len(set(heard))


def test_waiters_hear_once_of_calls_that_end_as_they_begin_to_wait(executor):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(60):
            calls = [executor.submit(abs, x) for x in range(200)]
            assert len(list(futures.as_completed(calls, 30))) == 200
            calls = [executor.submit(abs, x) for x in range(200)]
            assert not futures.wait(calls, 30).not_done
    finally:
        sys.setswitchinterval(before)


def test_many_threads_cancel_while_calls_begin(executor):
    ran, cancelled = [], []

    def use():
        calls = [executor.submit(abs, x) for x in range(200)]
        cancelled.extend(call for call in calls[::2] if call.cancel())
        ran.extend(call.result(30) for call in calls if not call.cancelled())

    threads = [threading.Thread(target=use) for _ in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert len(ran) + len(cancelled) == 800


def test_a_loop_of_asyncio_awaits_its_calls(executor):
    async def all_of_them():
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(executor, pow, x, 2) for x in range(50)))

    assert asyncio.run(all_of_them()) == [x * x for x in range(50)]


def test_an_initializer_that_fails_breaks_the_executor_and_says_why():
    with furrow.Executor(1, initializer=lambda: 1 / 0) as executor:
        problem = executor.submit(abs, 1).exception(30)
        assert isinstance(problem, process.BrokenProcessPool) and "ZeroDivisionError" in str(problem)
        with pytest.raises(process.BrokenProcessPool):
            [executor.submit(abs, 1).result(30) for _ in range(2)]


def test_a_spawned_worker_runs_the_initializer(tmp_path):
    done = program.run_text(
        "import furrow, multiprocessing, os\n"
        "def begin(text):\n    os.environ['BEGUN'] = text\n"
        "if __name__ == '__main__':\n"
        "    with furrow.Executor(1, multiprocessing.get_context('spawn'), begin, ('yes',)) as executor:\n"
        "        print(executor.submit(os.getenv, 'BEGUN').result())\n", cwd=tmp_path)
    assert done.out == "yes\n", str(done)


def test_a_program_that_ends_waits_for_its_calls(tmp_path):
    done = program.run_text("import furrow, time\nexecutor = furrow.Executor(1)\n"
                            "executor.submit(lambda: (time.sleep(0.3), print('late', flush=True)))\n", cwd=tmp_path)
    assert (done.out, done.code) == ("late\n", 0), str(done)


def test_a_forked_child_cannot_use_the_executor_and_hears_why(tmp_path):
    done = program.run_text("""
import furrow, os
executor = furrow.Executor(1)
executor.submit(abs, 1).result()
if os.fork() == 0:
    try:
        executor.submit(abs, 1)
    except RuntimeError as problem:
        print(problem, flush=True)
    os._exit(0)
os.wait()
""", cwd=tmp_path)
    assert "made before a fork" in done.out, str(done)


@pytest.mark.parametrize("words, error", [({"max_workers": 0}, ValueError), ({"max_workers": 1.5}, TypeError),
                                          ({"initializer": 3}, TypeError),
                                          ({"max_tasks_per_child": 0}, ValueError),
                                          ({"max_tasks_per_child": 1.5}, TypeError)])
def test_wrong_arguments_are_refused(words, error):
    with pytest.raises(error, match=next(iter(words))):
        furrow.Executor(**words)


def test_an_executor_that_is_dropped_finishes_its_calls():
    executor = furrow.Executor(2)
    calls = [executor.submit(abs, -x) for x in range(50)]
    thread = executor._executor_manager_thread
    del executor
    assert [call.result(20) for call in calls] == list(range(50))
    thread.join(20)
    assert not thread.is_alive()
