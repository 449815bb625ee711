"""A fault in a task costs that task only: not the pool, not its rank, not the MPI job."""
import json
from pathlib import Path

import crashing
import faults
import mpirun
import pytest

SECONDS = 60  # for one fault with all methods
SQUARES = [x * x for x in crashing.INPUTS]
SINGLE = {"apply", "apply_async"}


@pytest.fixture(params=[1, 3])
def outcomes(request):
    """The outcomes of a fault for each method: (method, of the call, of a map after it)."""
    def of(fault):
        done = mpirun.run(request.param, Path(faults.__file__), fault, timeout=SECONDS)
        assert done.code == 0, str(done)
        came = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
        assert [each["method"] for each in came] == faults.METHODS, str(done)
        return [(each["method"], each["first"], each["after"]) for each in came]

    return of


@pytest.mark.parametrize("fault, signal, exitcode",
                         [("sigkill", 9, -9), ("sigsegv", 11, -11), ("os_exit", None, 3), ("sys_exit", None, 4)])
def test_a_worker_that_dies_costs_one_item(fault, signal, exitcode, outcomes):
    for method, first, after in outcomes(fault):
        index = 0 if method in SINGLE else crashing.BAD
        died = ("WorkerDied", index, signal, exitcode)
        assert (first["error"], first["index"], first["signal"], first["exitcode"]) == died, method
        assert f"task {index}: " in first["text"], method
        assert after == {"result": SQUARES}, method


@pytest.mark.parametrize("fault, base, text", [("unreadable_exception", "RemoteError", "Unreadable"),
                                               ("unpicklable_argument", "TypeError", "pickle"),
                                               ("unpicklable_result", "MaybeEncodingError", "lock"),
                                               ("raising_iterable", "LookupError", "the inputs end badly")])
def test_what_cannot_be_sent_raises(fault, base, text, outcomes):
    for method, first, after in outcomes(fault):
        assert base in first["bases"] and text in first["text"], method
        assert after == {"result": SQUARES}, method


def test_an_initializer_that_raises_ends_the_call(outcomes):
    for method, first, _ in outcomes("raising_initializer"):
        assert first["error"] == "PoolError" and "the initializer says no" in first["text"], method


def test_a_pool_of_processes_in_a_task_works(outcomes):
    expected = [sum(range(1, 5)) if x == crashing.BAD else x * x for x in crashing.INPUTS]
    for method, first, after in outcomes("nested_pool"):
        assert first == {"result": sorted(expected, key=repr) if method == "imap_unordered" else expected}, method
        assert after == {"result": SQUARES}, method
