"""furrow.Pool(backend="slurm"): workers that srun starts, in an allocation or in one of the pool's own."""
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import engine
import pytest

MODULE = Path(engine.MODULE)

pytestmark = pytest.mark.skipif(not any((MODULE / "furrow").glob("_furrow*.so")), reason="furrow's module is not built")

HEAD = """
import logging, os, signal, sys, time
from furrow import Pool, PoolError, WorkerDied

def node():
    return os.environ["SLURMD_NODENAME"]

def nap(seconds):
    time.sleep(seconds)
    return node()

def agents(which):
    "The agents on a node."
    def word(pid, name):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if b"_slurm_agent" in word(pid, "cmdline") and word(pid, "environ").find(which.encode()) >= 0:
                found.append(int(pid))
        except OSError:
            pass
    parents = {pid: int(word(pid, "stat").rsplit(b")", 1)[1].split()[1]) for pid in found}
    return [pid for pid in found if parents[pid] not in found and b"srun" not in word(pid, "cmdline")[:20]]

"""


@pytest.fixture
def python(slurm, tmp_path):
    """Runs code in a program of its own; code that fails fails the test. Afterwards nothing of it is left in Slurm."""
    def environment():
        return engine.environment(PYTHONPATH=str(MODULE), PYTHONDONTWRITEBYTECODE="1", **slurm.environment())

    def run(code, *before, code_of_exit=0):
        (tmp_path / "program.py").write_text(HEAD + textwrap.dedent(code))
        done = subprocess.run([*before, sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, env=environment())
        assert done.returncode == code_of_exit, done.stderr
        return done

    run.environment = environment
    yield run
    wait_until(lambda: not slurm.queue() and not steps(slurm))


def steps(slurm):
    """The agents that are left."""
    mark = f"SLURM_CONF={slurm.configuration}".encode()
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"_slurm_agent" in (process / "cmdline").read_bytes() and mark in (process / "environ").read_bytes():
                left.append(process.name)
        except OSError:
            pass
    return left


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_pool_gets_an_allocation_and_works_on_all_its_nodes(python):
    done = python("""
        class Point:
            def __init__(self, x): self.x = x

        with Pool(8, backend="slurm", slurm=["--partition=short", "--time=2"]) as pool:
            assert pool._processes == 8
            assert set(pool.map(lambda _: nap(0.05), range(40), 1)) == {"n1", "n2"}
            assert pool.map(lambda x: x * x, range(100_000)) == [x * x for x in range(100_000)]
            assert pool.map(lambda point: Point(point.x + 1), [Point(1)])[0].x == 2
            assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
            assert list(pool.imap(abs, iter([-1, -2, -3]))) == [1, 2, 3]
            assert sorted(pool.imap_unordered(abs, [-1, -2])) == [1, 2]
            assert pool.apply(sorted, ([2, 1],), {"reverse": True}) == [2, 1]
            assert pool.apply_async(len, ["abc"]).get() == 3
            seen = []
            pool.map(abs, range(50), progress=lambda *now: seen.append(now[:3]))
            assert seen[-1] == (50, 0, 50)
            from furrow import task_rng
            with Pool(2) as local:
                draw = lambda _: task_rng().random()
                assert pool.map(draw, range(20), seed=7) == local.map(draw, range(20), seed=7)
        """)
    assert "Granted job allocation" in done.stderr or done.stderr == ""


def test_large_arrays_travel_to_the_nodes_and_back(python):
    pytest.importorskip("numpy")
    python("""
        import numpy
        with Pool(4, backend="slurm") as pool:
            arrays = [numpy.full(1 << 20, number, float) for number in range(6)]
            for number, result in enumerate(pool.map(lambda array: array + 1, arrays, 1)):
                assert (result == number + 1).all()
            shared = arrays[5]
            assert pool.starmap(lambda array, number: array[number], [(shared, n) for n in range(9)], 1) == [5.0] * 9
        """)


def test_in_an_allocation_it_starts_steps_of_that_job(python, slurm):
    code = """
        job = os.environ["SLURM_JOB_ID"]
        with Pool(6, backend="slurm") as pool:
            assert set(pool.map(lambda _: (nap(0.05), os.environ["SLURM_JOB_ID"]), range(40), 1)) \\
                == {("n1", job), ("n2", job)}
        with Pool(backend="slurm", threads_per_worker=1) as pool:
            assert pool._processes >= 2
        """
    before = slurm.submissions()
    python(code, "salloc", "--quiet", "-N2", "-n8")
    assert slurm.submissions() == before + 1
    python(code, "salloc", "--quiet", "-N2", "-n8", "srun", "-N1", "-n1")  # as from a notebook in a step


def test_what_tasks_print_and_log_appears_in_the_program(python):
    done = python("""
        logging.basicConfig(stream=sys.stdout, format="%(name)s says %(message)s", level="INFO")

        def speak(number):
            print("printed by", number)
            logging.getLogger("task").info("number %d", number)
            os.write(1, b"to the descriptor\\n")

        with Pool(2, backend="slurm") as pool:
            pool.map(speak, [7])
            print("then this")
        """)
    assert done.stdout.splitlines() == ["printed by 7", "task says number 7", "then this"]
    assert "to the descriptor\n" in done.stderr


def test_failures_are_those_of_any_pool(python):
    python("""
        from furrow import TaskTimeout
        with Pool(4, backend="slurm") as pool:
            kill = lambda x: os.kill(os.getpid(), 9) if x == 3 else x
            got = pool.map(kill, range(6), 1, on_error="collect")
            assert [each for each in got if each is not got[3]] == [0, 1, 2, 4, 5]
            assert isinstance(got[3].error, WorkerDied) and got[3].error.signal == 9
            try:
                pool.map(lambda x: 1 // x, [1, 0])
            except ZeroDivisionError as problem:
                assert "1 // x" in str(problem.__cause__)
            else:
                assert False
            got = pool.map(nap, [0, 30], 1, timeout=0.3, on_error="collect")
            assert got[0].startswith("n") and isinstance(got[1].error, TaskTimeout)
            assert len(pool.map(nap, [0] * 9)) == 9

        with Pool(1, lambda: 1 // 0, backend="slurm") as pool:
            try:
                pool.apply(abs, [1])
            except PoolError as problem:
                assert "the initializer failed" in str(problem) and "ZeroDivisionError" in str(problem)
            else:
                assert False
        """)


def test_a_lost_node_costs_what_it_had_and_the_pool_goes_on(python):
    python("""
        with Pool(8, backend="slurm") as pool:
            running = pool.map_async(nap, [0.5] * 8, 1)
            again = pool.map_async(nap, [0.5] * 8, 1, retries=1)
            time.sleep(0.3)
            [agent] = agents("SLURMD_NODENAME=n2")
            os.kill(agent, signal.SIGKILL)
            try:
                running.get(30)
            except WorkerDied as problem:
                assert "node n2 is lost: srun exited with" in str(problem), problem
                assert "Killed" in str(problem), problem
            else:
                assert False
            assert len(again.get(30)) == 8
            assert set(pool.map(nap, [0.01] * 8, 1)) == {"n1"}
            [agent] = agents("SLURMD_NODENAME=n1")
            os.kill(agent, signal.SIGKILL)
            try:
                pool.map(nap, [0.01] * 8)
            except PoolError as problem:
                assert "node n1 is lost" in str(problem), problem
            else:
                assert False
        """)


def test_a_node_that_goes_down_does_not_end_the_allocation(python, slurm):
    done = python("""
        import subprocess
        with Pool(8, backend="slurm") as pool:
            running = pool.map_async(nap, [0.3] * 16, 1, retries=1)
            time.sleep(0.3)
            subprocess.run(["scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=test"], check=True)
            assert len(running.get(40)) == 16
            assert set(pool.map(nap, [0.01] * 8, 1)) == {"n1"}
        """)
    assert "Node failure on n2" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=["killed", "interrupted", "ended"])
def test_steps_end_with_the_program(how, python, slurm, tmp_path):
    (tmp_path / "held.py").write_text(HEAD + textwrap.dedent("""
        pool = Pool(8, backend="slurm")
        pool.map(abs, range(8))
        print("ready", flush=True)
        pool.map(nap, [100] * 8, 1)
        """))
    program = subprocess.Popen([sys.executable, "held.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, env=python.environment())
    assert program.stdout.readline() == "ready\n"
    assert steps(slurm)
    program.send_signal(how)
    assert program.wait(20) == -how
    wait_until(lambda: not steps(slurm) and not slurm.queue(), 10)
    program.stdout.close()


def test_terminate_does_not_wait_for_running_tasks(python):
    python("""
        pool = Pool(8, backend="slurm")
        running = pool.map_async(nap, [100] * 8, 1)
        time.sleep(0.3)
        begun = time.monotonic()
        pool.terminate()
        pool.join()
        assert time.monotonic() - begun < 20
        try:
            running.get(1)
        except PoolError as problem:
            assert "terminated" in str(problem)
        """)


def test_refusals_come_with_slurms_own_words(python):
    python("""
        def refused(kind, *parts, **options):
            try:
                Pool(2, backend=options.pop("backend", "slurm"), **options)
            except kind as problem:
                assert all(part in str(problem) for part in parts), problem
            else:
                assert False, options

        refused(PoolError, "salloc exited with 1", "Invalid partition name", slurm=["--partition=nowhere"])
        refused(PoolError, "salloc exited with", "unrecognized option", slurm=["--nonsense"])
        refused(TypeError, "slurm is a list of options", slurm="--time=10")
        refused(ValueError, "does not take context", context="spawn")
        refused(ValueError, "backend is None or 'slurm'", backend="sge")
        refused(ValueError, "slurm=[...] is for", backend=None, slurm=[])
        os.environ["PATH"] = "/nowhere"
        refused(PoolError, "salloc, which is not on PATH")
        """)
    done = python("""
        try:
            Pool(2, backend="slurm", slurm=["--nonsense"])
        except PoolError as problem:
            assert "has no workers: srun exited with" in str(problem) and "nonsense" in str(problem), problem
        else:
            assert False
        """, "salloc", "--quiet", "-n2")
    assert "Traceback" not in done.stderr


def test_scatter_is_refused(python):
    python("""
        with Pool(1, backend="slurm") as pool:
            try:
                pool.scatter([1])
            except PoolError as problem:
                assert "has no scatter()" in str(problem)
            else:
                assert False
        """)
