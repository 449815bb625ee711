"""Programs that have come from multiprocess: its exceptions, classes, pipes and processes, beside furrow's pools."""
import pickle
import time

import furrow
import pytest

multiprocess = pytest.importorskip("multiprocess")
pytest.importorskip("multiprocess.pool")

made = None


def keep(thing):
    global made
    made = thing


def send(x):
    made.send((x, multiprocess.current_process().name))


def put(x):
    made.put(x)


@pytest.mark.parametrize("make", [furrow.Pool, furrow.ThreadPool])
def test_a_timeout_is_multiprocesss_too(make):
    with make(1) as pool:
        result, results = pool.apply_async(time.sleep, (0.5,)), pool.imap(time.sleep, [0.5])
        for wait in (lambda: result.get(0.01), lambda: results.next(0.01)):
            with pytest.raises(multiprocess.TimeoutError) as late:
                wait()
            for each in (late.value, pickle.loads(pickle.dumps(late.value))):
                assert isinstance(each, furrow.TimeoutError) and isinstance(each, multiprocess.TimeoutError)


def test_pools_and_results_are_multiprocesss_for_isinstance():
    with furrow.Pool(1) as pool, furrow.ThreadPool(1) as threads:
        assert isinstance(pool, multiprocess.pool.Pool)
        assert isinstance(threads, multiprocess.pool.ThreadPool)
        assert isinstance(pool.apply_async(abs, (1,)), multiprocess.pool.AsyncResult)
        with pytest.raises(AttributeError, match="has no _handle_tasks"):
            pool._handle_tasks


@pytest.mark.parametrize("method, name", [("fork", "ForkPoolWorker-1"), ("spawn", "SpawnPoolWorker-1")])
def test_workers_send_through_its_pipes_and_have_its_names(method, name):
    context = multiprocess.get_context(method)
    here, there = context.Pipe()
    with furrow.Pool(1, keep, (there,), context=context) as pool:
        pool.map(send, [7])
        assert here.poll(20) and here.recv() == (7, name)


def test_a_queue_that_the_program_has_used_works_in_a_forked_worker():
    queue = multiprocess.get_context("fork").Queue()
    queue.put("before")
    assert queue.get(timeout=20) == "before"
    with furrow.Pool(1, keep, (queue,), context="fork") as pool:
        pool.map(put, ["in a worker"])
        assert queue.get(timeout=20) == "in a worker"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_initializers_use_its_managers(method):
    try:
        manager = multiprocess.get_context("fork").Manager()
    except TypeError:
        pytest.skip("this multiprocess is too old for this Python")
    with manager:
        found = manager.list()
        with furrow.Pool(1, found.append, ("begun",), context=method) as pool:
            pool.apply(abs, (1,))
        assert list(found) == ["begun"]
