"""Whatever goes wrong in a task, with whatever method: an error says so, the pool goes on, and nothing hangs."""
import json

import crashing
import program
import pytest

SECONDS = 20  # for one case; the slowest takes one second
METHODS = ["map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered", "apply", "apply_async"]
STARTS = ["fork", "spawn"]
SQUARES = [x * x for x in crashing.INPUTS]
SINGLE = {"apply", "apply_async"}  # here each item is a call of its own, without an index in a map


def run_case(fault, method, start):
    """The outcome of the call, and of a map after it."""
    done = program.run("crashing.py", fault, method, start, timeout=SECONDS)
    assert done.code == 0, str(done)
    came = json.loads(done.out.splitlines()[-1])
    return came["first"], came["after"], done


@pytest.fixture(params=STARTS)
def start(request):
    return request.param


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.mark.parametrize("fault, signal, exitcode", [("sigkill", 9, -9), ("sigsegv", 11, -11), ("os_exit", None, 3)])
def test_a_worker_that_dies_costs_one_item(fault, signal, exitcode, method, start):
    first, after, done = run_case(fault, method, start)
    assert first["error"] == "WorkerDied", str(done)
    assert first["signal"] == signal and first["exitcode"] == exitcode
    assert first["index"] == (0 if method in SINGLE else crashing.BAD)
    assert after == {"result": SQUARES}, str(done)


def test_sys_exit_ends_neither_the_pool_nor_the_program(method, start):
    first, after, done = run_case("sys_exit", method, start)
    assert first["error"] == "WorkerDied" and first["exitcode"] == 4, str(done)
    assert after == {"result": SQUARES}


def test_an_exception_that_cannot_be_unpickled_becomes_a_remote_error(method, start):
    first, after, done = run_case("unreadable_exception", method, start)
    assert "RemoteError" == first["error"] and "Unreadable" in first["text"], str(done)
    assert after == {"result": SQUARES}


def test_an_unpicklable_argument_raises(method, start):
    first, after, done = run_case("unpicklable_argument", method, start)
    assert "TypeError" in first["bases"] and "pickle" in first["text"], str(done)
    assert after == {"result": SQUARES}


def test_an_unpicklable_result_raises(method, start):
    first, after, done = run_case("unpicklable_result", method, start)
    assert "MaybeEncodingError" in first["bases"] and "lock" in first["text"], str(done)
    assert after == {"result": SQUARES}


def test_an_initializer_that_raises_ends_the_call(method, start):
    first, _, done = run_case("raising_initializer", method, start)
    assert first["error"] == "PoolError" and "the initializer says no" in first["text"], str(done)


def test_a_pool_in_a_task_works(method, start):
    first, after, done = run_case("nested_pool", method, start)
    expected = [sum(range(1, 5)) if x == crashing.BAD else x * x for x in crashing.INPUTS]
    assert first == {"result": sorted(expected, key=repr) if method == "imap_unordered" else expected}, str(done)
    assert after == {"result": SQUARES}


def test_an_exception_of_the_inputs_is_raised_by_the_call(method, start):
    first, after, done = run_case("raising_iterable", method, start)
    assert first["error"] == "LookupError" and first["text"] == "the inputs end badly", str(done)
    assert after == {"result": SQUARES}
