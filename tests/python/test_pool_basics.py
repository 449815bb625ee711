"""The methods of a Pool and a ThreadPool give what multiprocessing gives for the same call."""
import atexit
import functools
import multiprocessing.pool
import os
import signal
import threading
import time

import furrow
import pools
import pytest


def square(x):
    return x * x


def add(x, y=0):
    return x + y


@pytest.fixture(params=["ranks"] if pools.OVER_MPI else ["processes", "threads"])
def pool(request):
    return pools.get(request.param)


@pytest.fixture
def processes():
    return pools.get("ranks" if pools.OVER_MPI else "processes")


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 10000])
@pytest.mark.parametrize("chunksize", [None, 1, 3, 1000])
def test_map_keeps_the_order_of_its_inputs(pool, count, chunksize):
    assert pool.map(square, range(count), chunksize) == [x * x for x in range(count)]


@pytest.mark.parametrize("numbers", [range(10, -10, -3), range(2**63 - 2, 2**63 + 2), range(2**63 - 1, 2**63 - 10, -4),
                                     range(-2**63, -2**63 + 3), range(-2**70, -2**70 + 3)])
def test_ranges_count_as_python_counts(pool, numbers):
    assert pool.map(str, numbers) == pool.map(str, numbers, 2) == [str(x) for x in numbers]


def test_a_range_that_no_list_can_hold_is_refused(processes):
    with pytest.raises((MemoryError, OverflowError)):
        processes.map(abs, range(10**13))
    assert processes.map(abs, range(-2, 0)) == [2, 1]


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
def test_streams_give_all_results(pool, chunksize):
    expected = [x * x for x in range(500)]
    for inputs in (list(range(500)), range(500), iter(range(500))):
        assert list(pool.imap(square, inputs, chunksize)) == expected
    assert sorted(pool.imap_unordered(square, iter(range(500)), chunksize)) == expected


def test_starmap_and_apply_pass_arguments(pool):
    assert pool.starmap(add, [(1, 2), [3, 4], (5,)]) == [3, 7, 5]
    assert pool.apply(add, (1,), {"y": 2}) == 3
    assert pool.apply_async(add, (1,)).get() == 1
    assert pool.starmap_async(add, zip(range(3), range(3))).get() == [0, 2, 4]


@pytest.mark.parametrize("value", [None, True, False, 0, -1, 2**62, -2**63, 2**63, 2**200, 1.5, float("inf"), "",
                                   "text", "é\U0001f600",
                                   "\ud800", b"", b"bytes", (), (1, ("a", None)), ((((((1,),),),),),), [1, 2],
                                   {"a": [1]}, {1, 2},
                                   "long" * 50000, tuple(range(300)), bytearray(b"x" * 100000), 3 + 4j])
def test_values_come_back_as_they_were(processes, value):
    came = processes.map(lambda x: x, [value] * 3)
    assert came == [value] * 3 and {type(each) for each in came} == {type(value)}


def test_functions_without_a_name_can_be_mapped(processes):
    def outer(n):
        return lambda x: x + n

    for function in (lambda x: x + 1, outer(1), functools.partial(add, 1), (1).__add__):
        assert processes.map(function, [1, 2]) == [2, 3]


def test_exceptions_have_the_traceback_of_the_worker(processes):
    with pytest.raises(ZeroDivisionError) as caught:
        processes.map(lambda x: 1 // x, [1, 0, 2])
    assert type(caught.value.__cause__) is multiprocessing.pool.RemoteTraceback
    assert "1 // x" in str(caught.value.__cause__)


def test_the_failure_of_the_lowest_index_is_raised(processes):
    def fail(x):
        time.sleep(0.05 if x == 0 else 0)
        raise ValueError(x)

    for _ in range(3):
        with pytest.raises(ValueError, match="^0$"):
            processes.map(fail, range(8), 1)


def test_callbacks_run_while_no_thread_waits(pool):
    came, done = [], threading.Event()

    def callback(value):
        came.append(value)
        if len(came) == 2:
            done.set()

    pool.apply_async(square, (3,), callback=callback)
    pool.map_async(lambda x: 1 // x, [0], error_callback=callback)
    assert done.wait(10)
    assert sorted(map(str, came)) == ["9", "integer division or modulo by zero"]


def test_a_callback_may_use_the_pool(pool):
    came = []
    pool.apply_async(square, (3,), callback=lambda x: came.append(pool.apply_async(square, (x,)))).wait()
    assert came[0].get(10) == 81


def test_finished_results_of_a_chunk_survive_their_worker(processes, tmp_path):
    ran = tmp_path / "ran"

    def task(x):
        with open(ran, "a") as file:
            file.write(f"{x}\n")
        if x == 50:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    with pytest.raises(furrow.WorkerDied) as caught:
        processes.map(task, range(100), 100)
    assert caught.value.index == 50 and caught.value.signal == signal.SIGKILL
    assert sorted(map(int, ran.read_text().split())) == list(range(100))  # each once


def test_terminate_wakes_waiting_callers():
    pool = pools.fresh("ranks" if pools.OVER_MPI else "processes")
    result = pool.map_async(time.sleep, [60] * 4)
    stream = pool.imap(time.sleep, [60] * 4)
    pool.terminate()
    pool.join()
    with pytest.raises(furrow.PoolError):
        result.get(10)
    with pytest.raises(furrow.PoolError):
        next(stream)
    with pytest.raises(ValueError):
        pool.map(square, [1])


@pytest.mark.parametrize("kind", ["fork", "spawn", "threads"])
@pytest.mark.parametrize("wait", [
    lambda pool: pool.map(time.sleep, [60] * 2), lambda pool: pool.apply(time.sleep, (60,)),
    lambda pool: pool.map_async(time.sleep, [60] * 2).get(), lambda pool: list(pool.imap(time.sleep, [60] * 2))])
def test_terminate_in_another_thread_wakes_the_caller(kind, wait):
    pool = pools.fresh(kind)
    pool.map(square, range(2))
    timers = [threading.Timer(0.2, pool.terminate) for _ in range(2)]
    for each in timers:
        each.start()
    began = time.monotonic()
    with pytest.raises(furrow.PoolError):
        wait(pool)
    for each in timers:
        each.join()
    assert time.monotonic() - began < 30
    assert kind == "threads" or not any(worker.is_alive() for worker in pool._pool)


def test_arguments_of_a_wrong_type_are_named():
    for make in furrow.Pool, furrow.ThreadPool:
        for number in 2.0, "2":
            with pytest.raises(TypeError, match="processes"):
                make(number)
        with make(1) as pool:
            for call in pool.map, pool.imap, pool.imap_unordered, pool.map_async:
                with pytest.raises(TypeError, match="chunksize"):
                    call(square, [1], chunksize=1.5)


def test_the_error_in_a_forked_process_names_the_fork(processes):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            processes.map(square, [1])
        except furrow.PoolError as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert "made before a fork" in os.read(reading, 1000).decode()
    os.close(reading)


@pytest.mark.parametrize("kind", ["fork", "spawn"])
def test_functions_registered_in_a_worker_run_at_its_end(kind, tmp_path):
    with pools.fresh(kind) as pool:
        pool.map(mark_the_end, [str(tmp_path)] * 20, 1)
        pool.close()
        pool.join()
    marks = [path.read_text() for path in tmp_path.iterdir()]
    assert marks and set(marks) == {"ended"}


def mark_the_end(folder):
    path = os.path.join(folder, str(os.getpid()))
    if not os.path.exists(path):
        with open(path, "w") as file:
            file.write("began")
        atexit.register(lambda: open(path, "w").write("ended"))


# The pool's own thread waits for the workers if nobody has waited for a map for a while.
@pytest.mark.parametrize("pause_s", [0, 0.05])
def test_an_abandoned_stream_frees_its_workers(processes, pause_s):
    stream = processes.imap(time.sleep, [60] * 8)
    with pytest.raises(multiprocessing.TimeoutError):
        stream.next(0.05)
    time.sleep(pause_s)
    del stream
    began = time.monotonic()
    assert processes.map(square, range(4)) == [0, 1, 4, 9]
    assert time.monotonic() - began < 10
