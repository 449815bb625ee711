"""Which parts of a script the ranks run, how its functions are found, and how it ends."""
import mpirun
import program
import pytest

RANKS = 3


def test_only_code_before_the_pool_runs_on_all_ranks(tmp_path):
    text = """
import os
from furrow import MPIPool
print("before", flush=True)
with MPIPool(1) as pool:
    print(pool.map(abs, range(-3, 0)), pool._processes)
print("after")
"""
    came = mpirun.lines(RANKS, text, tmp_path)
    assert sorted(came) == ["[3, 2, 1] 3", "after", "before", "before", "before"]


GUARDED = """
import multiprocessing, os, sys, time
from furrow import MPIPool

class Thing:
    def __init__(self, value):
        self.value = value

def double(thing):
    return Thing(2 * thing.value)

def where(_):
    time.sleep(0.02)
    return multiprocessing.current_process().name.rpartition("-")[0]

print("top", __name__ == "__main__", flush=True)

if __name__ == "__main__":
    print(sys.argv[1:], os.path.basename(sys.argv[0]), __file__ == sys.argv[0])
    with MPIPool(1) as pool:
        print([thing.value for thing in pool.map(double, map(Thing, range(4)))])
        print(sorted(set(pool.map(where, range(60), 1))))
        added = 5
        print(pool.map(lambda x: x + added, [1]))
"""


def test_other_ranks_import_a_script_that_the_module_runs(tmp_path):
    came = mpirun.lines(RANKS, GUARDED, tmp_path, "a", "b c", "-x", module=True)
    assert came.count("top True") == 1 and came.count("top False") == RANKS - 1
    assert [line for line in came if not line.startswith("top")] == [
        "['a', 'b c', '-x'] program_text.py True", "[0, 2, 4, 6]",
        "['MPIPoolWorker-0', 'MPIPoolWorker-1', 'MPIPoolWorker-2']", "[6]"]


def test_a_script_without_a_main_guard_works_both_ways(tmp_path):
    text = ("from furrow import MPIPool\ndef f(x):\n    return x + 1\n"
            "with MPIPool(1) as pool:\n    print(pool.map(f, range(4)))\n")
    assert mpirun.lines(RANKS, text, tmp_path) == mpirun.lines(RANKS, text, tmp_path, module=True) == ["[1, 2, 3, 4]"]


def test_functions_that_only_rank_0_has_are_sent(tmp_path):
    text = """
import os
from furrow import MPIPool
def f(x):
    return "old"
if os.environ["OMPI_COMM_WORLD_RANK"] == "1":
    def f(x):
        return "of rank 1"
with MPIPool(1) as pool:
    print(set(pool.map(f, range(50), 1)))
    def f(x):
        return "new"
    def g(x):
        return f(x)
    print(set(pool.map(g, range(50), 1)))
with MPIPool(1) as pool:
    print(set(pool.map(f, range(50), 1)))
"""
    assert mpirun.lines(RANKS, text, tmp_path) == ["{'old'}", "{'new'}", "{'new'}"]


def test_exceptions_come_back_with_their_traceback(tmp_path):
    text = """
from furrow import MPIPool
def fail(x):
    return 1 // x
with MPIPool(1, root_works=False) as pool:
    pool.map(fail, [0])
"""
    done = mpirun.run_text(RANKS, text, tmp_path)
    assert done.code == 1 and "return 1 // x" in done.err and done.err.count("ZeroDivisionError: ") == 2, str(done)


def test_all_ranks_end_with_the_program(tmp_path):
    # without a main guard every rank prints
    assert mpirun.lines(RANKS, "print('no pool')", tmp_path, module=True) == ["no pool"] * RANKS
    assert mpirun.run_text(RANKS, "import sys\nif __name__ == '__main__':\n    sys.exit(7)\n", tmp_path,
                           module=True).code == 7
    left_open = "from furrow import MPIPool\npool = MPIPool(1)\nprint(pool.apply(abs, (-1,)))\n"
    assert mpirun.lines(RANKS, left_open, tmp_path) == ["1"]


def test_atexit_handlers_run_on_all_ranks(tmp_path):
    text = "import atexit\nfrom furrow import MPIPool\natexit.register(print, 'bye')\nMPIPool(1).terminate()\n"
    assert mpirun.lines(RANKS, text, tmp_path) == ["bye"] * RANKS


def test_a_failed_import_on_other_ranks_is_reported(tmp_path):
    text = """
from furrow import MPIPool
if __name__ != "__main__":
    raise LookupError("not here")
with MPIPool(1) as pool:
    pool.map(abs, range(100), 1)
"""
    done = mpirun.run_text(RANKS, text, tmp_path, module=True)
    assert done.code == 1 and "PoolError: the script could not be imported" in done.err, str(done)
    assert "LookupError: not here" in done.err, str(done)


@pytest.mark.parametrize("script", ["no_such.py", "no/such"])
def test_a_script_that_is_missing_is_named(script, tmp_path):
    done = mpirun.run(1, "-m", "furrow", script, cwd=tmp_path)
    assert done.code == 2 and f"cannot read the script {script}" in done.text, str(done)


def test_a_pool_works_without_mpirun(tmp_path):
    import program

    for module in [], ["-m", "furrow"]:
        (tmp_path / "alone.py").write_text(GUARDED.replace("MPIPool(1)", "MPIPool(2)"))
        done = program.run(*module, tmp_path / "alone.py", "a", cwd=tmp_path, OMPI_ALLOW_RUN_AS_ROOT="1",
                           OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        assert done.code == 0 and "[0, 2, 4, 6]" in done.out and "['MPIPoolWorker-0']" in done.out, str(done)


def test_impossible_requests_are_refused(tmp_path):
    text = """
import furrow
from furrow import MPIPool
def refused(make):
    try:
        make()
    except (ValueError, furrow.PoolError) as error:
        return str(error)
def nested(x):
    return refused(lambda: MPIPool(1))
if __name__ == "__main__":
    print(refused(lambda: MPIPool(1, context="spawn")))
    print(refused(lambda: MPIPool(0)))
    pool = MPIPool(1)
    print(refused(lambda: MPIPool(1)))
    print(set(pool.map(nested, range(20), 1)))
    pool.terminate()
    again = MPIPool(2)
    print(again.map(abs, [-4]))
"""
    came = mpirun.lines(RANKS, text, tmp_path, module=True)
    assert "forks its workers, so it does not take context='spawn'" in came[0]
    assert "at least 1" in came[1]
    assert "another MPIPool is alive" in came[2]
    assert "a task cannot make an MPIPool" in came[3] and came[3].startswith("{")
    assert came[3].count("make a furrow.Pool") == 1
    assert came[4] == "[4]"


def test_there_are_as_many_workers_as_asked_for(tmp_path):
    text = """
import os
from furrow import MPIPool, cpu_count
def f(x):
    return x
if __name__ == "__main__":
    for options in (dict(processes=2), dict(processes=2, root_works=False), dict(maxtasksperchild=1, processes=1),
                    dict()):
        with MPIPool(**options) as pool:
            print(pool._processes, pool.map(f, range(20), 1) == list(range(20)))
        pool.join()
"""
    came = mpirun.lines(RANKS, text, tmp_path, module=True)
    assert came[:3] == ["6 True", "4 True", "3 True"] and came[3].endswith(" True") and int(came[3].split()[0]) >= RANKS


def test_an_initializer_runs_in_each_worker_of_each_pool(tmp_path):
    text = """
from furrow import MPIPool
import builtins
def begin(value):
    builtins.value = value
def look(_):
    return builtins.value
if __name__ == "__main__":
    for value in 1, 2:
        with MPIPool(2, begin, (value,)) as pool:
            print(set(pool.map(look, range(100), 1)))
"""
    for module in False, True:
        assert mpirun.lines(RANKS, text, tmp_path, module=module) == ["{1}", "{2}"]


def test_more_functions_than_a_rank_remembers_can_alternate(tmp_path):
    """The function of apply() is an old one that is used again and again."""
    text = """
from furrow import MPIPool
if __name__ == "__main__":
    with MPIPool(1) as pool:
        results = []
        for n in range(60):
            results.append(pool.map_async(lambda x, n=n: x + n, range(20), 1))
            assert pool.apply(abs, (-n,)) == n
        print(all(result.get(20) == [x + n for x in range(20)] for n, result in enumerate(results)))
"""
    assert mpirun.lines(RANKS, text, tmp_path, module=True) == ["True"]


def test_an_endless_input_is_drawn_only_as_needed(tmp_path):
    text = """
import itertools
from furrow import MPIPool
if __name__ == "__main__":
    with MPIPool(1) as pool:
        for chunksize in 1, 7:
            drawn = itertools.count()
            stream = pool.imap(abs, drawn, chunksize)
            for _ in range(20_001):
                last = next(stream)
            print(last, next(drawn) - last < 100_000)
"""
    assert mpirun.lines(RANKS, text, tmp_path, module=True) == ["20000 True"] * 2


@pytest.mark.parametrize("when", ["before", "after", "without finalizing"])
def test_mpi4py_works_in_the_same_program(when, tmp_path):
    pytest.importorskip("mpi4py", reason="needs python3-mpi4py")
    use = """
from mpi4py import MPI
print(MPI.COMM_WORLD.Get_size(), MPI.COMM_SELF.allreduce(3), MPI.Query_thread() == MPI.THREAD_MULTIPLE)
"""
    text = f"""
{use if when == "before" else "import mpi4py; mpi4py.rc.finalize = False" if when != "after" else ""}
from furrow import MPIPool
def f(x):
    return x + 1
with MPIPool(1) as pool:
    print(pool.map(f, range(4)))
{use if when != "before" else ""}
print("end")
"""
    came = mpirun.lines(RANKS, text, tmp_path)
    assert came.count(f"{RANKS} 3 True") == (RANKS if when == "before" else 1)
    assert came.count("[1, 2, 3, 4]") == 1 and came[-1] == "end"


def test_a_pool_after_mpi_finalize_is_refused(tmp_path):
    pytest.importorskip("mpi4py", reason="needs python3-mpi4py")
    text = """
import furrow
from furrow import MPIPool
pool = MPIPool(1)
print(pool.map(abs, [-1]))
pool.terminate()
from mpi4py import MPI
MPI.Finalize()
try:
    MPIPool(1)
except furrow.PoolError as error:
    print(error)
"""
    finalized = "MPI has been finalized: nothing can be sent to other ranks any more"
    assert mpirun.lines(RANKS, text, tmp_path) == ["[1]", finalized]


def test_a_missing_extension_says_what_to_install(tmp_path):
    from pathlib import Path

    import program

    package = tmp_path / "furrow"
    package.mkdir()
    for path in Path(program.MODULE, "furrow").iterdir():
        if path.name.endswith((".py", ".so")) and not path.name.startswith("_mpi."):
            (package / path.name).symlink_to(path.resolve())
    text = "import furrow\nprint(furrow.__file__, furrow.Pool(1).apply(abs, (-1,)))\nfurrow.MPIPool()\n"
    (tmp_path / "script.py").write_text(text)
    for arguments in [tmp_path / "script.py"], ["-m", "furrow", tmp_path / "script.py"]:
        done = program.run(*arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path))
        assert done.code == 1 and "ImportError: furrow.MPIPool needs MPI" in done.err, str(done)
        assert "libopenmpi-dev" in done.err, str(done)
    assert f"{package}/__init__.py 1" in program.run(tmp_path / "script.py", cwd=tmp_path, PYTHONPATH=str(tmp_path)).out


ALONE = """
from furrow import MPIPool
print("before", flush=True)
with MPIPool(1) as pool:
    print(pool.map(abs, [-1]))
"""


@pytest.mark.parametrize("module", [[], ["-m", "furrow"]])
def test_ranks_of_another_mpi_are_refused(module, tmp_path):
    (tmp_path / "script.py").write_text(ALONE)
    for rank in "0", "2":
        came = program.run(*module, "script.py", cwd=tmp_path, PMI_SIZE="3", PMI_RANK=rank)
        assert came.code != 0 and came.out == "before\n" and "MPICH" in came.err and "OpenMPI" in came.err, str(came)


def test_a_single_rank_of_another_mpi_works(tmp_path):
    (tmp_path / "script.py").write_text(ALONE)
    came = program.run("script.py", cwd=tmp_path, PMI_SIZE="1", PMI_RANK="0")
    assert (came.code, came.out) == (0, "before\n[1]\n"), str(came)


def test_data_cannot_be_kept_on_ranks(tmp_path):
    assert mpirun.lines(2, """
from furrow import MPIPool, PoolError

with MPIPool(1) as pool:
    for call in (lambda: pool.scatter([1, 2]), lambda: pool.partition(2, abs)):
        try:
            call()
        except PoolError as problem:
            print(problem)
""", tmp_path) == [f"an MPIPool has no {call}(), which keeps data on one computer: let each task load its part of the "
                   "data, or use a furrow.Pool" for call in ("scatter", "partition")]
