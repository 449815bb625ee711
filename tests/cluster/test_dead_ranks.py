"""A rank that dies under srun ends its job step, so that the other ranks do not wait for it forever."""
import os
import signal
import sys
from pathlib import Path

import engine
import pytest

from running import Running, marked_processes, wait_until

BIN = Path(engine.FURROW).resolve().parent
MODULE = Path(engine.MODULE)

SCRIPT = """
import os, sys, time
from furrow import MPIPool

def slowly(item):
    open("begun", "w").close()
    time.sleep(0.02)
    while os.path.exists("wait"):
        time.sleep(0.02)
    return item

if __name__ == "__main__":
    with MPIPool(1) as pool:
        pool.map(slowly, range(int(sys.argv[1])), 1)
    sys.exit(int(sys.argv[2]))
"""
SNAKEFILE = """
rule all:
    input: expand("out/{n}", n=range(1000))
rule one:
    output: "out/{n}"
    shell: "touch begun; sleep 0.3; echo > {output}"
"""

# Programs for the ranks: LONG ones, and SHORT ones that end by themselves once there is no file "wait", each
# with its exit code.
LONG = {
    "pool": [BIN / "rank_program"],
    "python": [sys.executable, "script.py", 100000, 0],
    "python_module": [sys.executable, "-m", "furrow", "script.py", 100000, 0],
    "map": [engine.FURROW, "map", "-j2", "touch begun; sleep 0.3 #", ":::", *range(1000)],
    "run": [engine.FURROW, "run"],
}
SHORT = {
    "pool": ([BIN / "rank_program", 3], 3),
    "python": ([sys.executable, "script.py", 20, 3], 3),
    "python_module": ([sys.executable, "-m", "furrow", "script.py", 20, 3], 3),
    "map": ([engine.FURROW, "map", "-j2", "touch begun; while [ -e wait ]; do sleep 0.02; done; exit {}", ":::",
             0, 0, 0, 0, 1], 1),
}


@pytest.fixture
def ranks(folder):
    """Starts a program on two nodes, one rank on each."""
    if not (BIN / "rank_program").exists():
        pytest.skip("furrow was built without MPI (Debian: libopenmpi-dev)")
    if "pmix" not in folder.slurm.ask("srun", "--mpi=list").stdout:
        pytest.skip("this Slurm has no PMIx: srun --mpi=list does not name it")
    (folder / "script.py").write_text(SCRIPT)
    folder.write("Snakefile", SNAKEFILE)

    def start(program):
        if str(program[0]) == sys.executable and not any((MODULE / "furrow").glob("_mpi*.so")):
            pytest.skip("furrow._mpi was not built")
        return Running(map(str, program), folder.path, folder.environment(PYTHONPATH=str(MODULE)), folder.mark,
                       program=["srun", "--mpi=pmix", "--nodes=2", "--ntasks=2"])

    return start


def status(pid):
    """The name and the parent of a process."""
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return fields["Name"].strip(), int(fields["PPid"])


def rank_process(run, rank):
    """(the task that Slurm knows, the program): the same process if there is no supervisor."""
    found = {}
    for pid in marked_processes(run.mark):
        try:
            if f"SLURM_PROCID={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found[pid] = status(pid)
        except OSError:
            pass  # it has ended in the meantime
    task = next(pid for pid, (_, parent) in found.items() if status(parent)[0] == "slurmstepd")
    if found[task][0] != "furrow-keeper":
        return task, task
    return task, next(pid for pid, (_, parent) in found.items() if parent == task)


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("what", LONG)
def test_a_killed_rank_ends_the_job_step(what, victim, ranks):
    run = ranks(LONG[what])
    run.wait_for_file("begun")
    os.kill(rank_process(run, victim)[1], signal.SIGKILL)
    assert run.wait(20) != 0
    run.wait_for_nothing_left(5)
    assert f"furrow: rank {victim} on n{victim + 1} died by signal 9 (Killed): job step " in run.text()


def test_a_rank_that_exits_without_finalizing_ends_the_job_step(ranks):
    run = ranks([BIN / "rank_program", "exit"])
    assert run.wait(20) != 0
    run.wait_for_nothing_left(5)
    assert "furrow: rank 0 on n1 ended with exit code 3 without finalizing MPI: job step " in run.text()


@pytest.mark.parametrize("what", SHORT)
def test_ranks_that_end_normally_clean_up_and_print_nothing(what, ranks, folder):
    program, code = SHORT[what]
    folder.write("wait", "")
    run = ranks(program)
    run.wait_for_file("begun")
    task, rank = rank_process(run, 1)
    assert task != rank and status(task)[0] == "furrow-keeper"
    (folder / "wait").unlink()
    assert run.wait(20) == code, run.text()
    assert not run.left()
    assert "furrow: rank" not in run.text()


@pytest.mark.parametrize("kill_bad_exit", [None, "1"])
def test_a_script_with_threads_gets_a_warning(kill_bad_exit, ranks, folder, monkeypatch):
    if kill_bad_exit:
        monkeypatch.setenv("SLURM_KILL_BAD_EXIT", kill_bad_exit)
    (folder / "threads.py").write_text("import threading, time\n"
                                       "threading.Thread(target=time.sleep, args=(1,)).start()\n" + SCRIPT)
    run = ranks([sys.executable, "threads.py", 20, 3])
    assert run.wait(20) == 3, run.text()
    warnings = run.text().count("RuntimeWarning: if a rank dies, the others will wait for it")
    assert warnings == (0 if kill_bad_exit else 1), run.text()
    assert ("threads.py:15: RuntimeWarning" in run.text()) == (not kill_bad_exit), "the line that makes the pool"


def test_a_cancelled_job_step_blames_no_rank(ranks, folder):
    run = ranks(LONG["pool"])
    run.wait_for_file("begun")
    step = wait_until(lambda: [each for each in folder.slurm.ask("squeue", "-hs", "-o", "%i").stdout.split()
                               if "." in each], 20, "the step is known")
    folder.slurm.ask("scancel", *step)
    assert run.wait(20) != 0
    run.wait_for_nothing_left(5)
    assert "furrow: rank" not in run.text()
