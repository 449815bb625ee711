"""Ctrl-C ends the whole MPI job, whichever process gets the signal, and leaves nothing behind."""
import contextlib
import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import engine
import mpirun
import program
import pytest

SECONDS = 20  # before a test gives up; the promised time is printed with the measured one

BUSY = {"sleeping": "time.sleep(60)", "in Python": "while True: pass", "in C": "sum(range(10**12))"}


class MpiJob(program.Running):
    """A running MPI job. mpirun gives each rank a session of its own, so they are found by their command line."""

    def __init__(self, path, ranks):
        self.path = str(path)
        self.process = subprocess.Popen(mpirun.command(ranks, path), cwd=path.parent, env=program.environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, start_new_session=True)

    def pid_of(self, rank):
        """The pid that the rank has written to a file."""
        return int((Path(self.path).parent / f"rank.{rank}").read_text())

    def runs(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{pid}/stat") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return self.path.encode() in words and b"-n" not in words and state not in "ZX"


def started(folder, work, call="pool.map(work, range(8), 1)"):
    path = folder / "busy.py"
    path.write_text(f"""
import os, time
from furrow import MPIPool

def work(x):
    if x == 1:
        print("working", flush=True)
    {work}

with open("rank." + os.environ["OMPI_COMM_WORLD_RANK"], "w") as file:
    file.write(str(os.getpid()))
with MPIPool(1) as pool:
    try:
        {call}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        raise
""")
    job = MpiJob(path, 3)
    try:
        assert job.read_line() == "working"
        time.sleep(0.05)
        return job, job.pid_of(0)
    except BaseException:
        job.__exit__()
        raise


def content_of(path):
    """The content of a file, once it exists."""
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} is not there after {SECONDS} s"
        time.sleep(0.01)
    return path.read_text()


@pytest.mark.parametrize("work", BUSY)
def test_an_interrupt_of_mpirun_ends_everything(work, tmp_path, record_property):
    job, _ = started(tmp_path, BUSY[work])
    with job:
        assert len(job.members()) >= 3 * 3  # each rank, its template, its worker
        began = time.monotonic()
        os.kill(job.process.pid, signal.SIGINT)
        job.process.communicate(timeout=SECONDS)
        job.wait_until_alone(SECONDS)
        took = time.monotonic() - began
        print(f"ended after {took:.3f} s (promised: 1.5 s, of which mpirun waits one)")
        record_property("seconds", took)


CALLS = ["pool.map(work, range(8), 1)", "list(pool.imap(work, range(8)))", "pool.map_async(work, range(8), 1).get()"]
COMBINATIONS = list(itertools.product(CALLS, BUSY, ["rank 0", "all ranks"]))
# Each call, each kind of work and each receiver is there, but not all of their combinations.
FEW = COMBINATIONS[::4] + COMBINATIONS[9:10]


@pytest.mark.parametrize("call, work, who", COMBINATIONS if engine.LONG_TESTS else FEW)
def test_an_interrupt_of_the_program_ends_it_with_one_traceback(call, work, who, tmp_path, record_property):
    job, root = started(tmp_path, BUSY[work], call)
    with job:
        began = time.monotonic()
        for pid in [root] if who == "rank 0" else job.members():
            # The first signal may end the job before the last one is sent.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        job.wait_until_alone(SECONDS)
        took = time.monotonic() - began
        print(f"ended after {took:.3f} s (promised: 0.5 s; mpirun itself takes longer)")
        record_property("seconds", took)
        out, err = job.process.communicate(timeout=SECONDS)
    assert out == "interrupted\n" and err.count("Traceback (most recent call last)") == 1, err


@pytest.mark.parametrize("who", ["0", "1", "mpirun"])
def test_killing_a_rank_or_mpirun_leaves_no_process(who, tmp_path):
    job, _ = started(tmp_path, BUSY["in Python"])
    with job:
        os.kill(job.process.pid if who == "mpirun" else job.pid_of(who), signal.SIGKILL)
        took = job.wait_until_alone(SECONDS)
        print(f"ended after {took:.3f} s (promised: 2 s, of which mpirun waits one)")
        job.process.communicate(timeout=SECONDS)
    assert job.process.returncode != 0


def test_the_pool_is_usable_after_an_interrupt(tmp_path):
    # The ranks write files, since mpirun may forward what they print in any order.
    path = tmp_path / "goes_on.py"
    path.write_text("""
import os, time
from furrow import MPIPool
def write(name, text):
    with open(name + ".new", "w") as file:
        file.write(text)
    os.rename(name + ".new", name)
def busy(name):
    write(name, "")
    time.sleep(600)
write("rank." + os.environ["OMPI_COMM_WORLD_RANK"], str(os.getpid()))
with MPIPool(1) as pool:
    for turn, call in enumerate((lambda f, xs: pool.map(f, xs, 1), lambda f, xs: list(pool.imap(f, xs)),
                                 lambda f, xs: list(pool.imap_unordered(f, iter(xs))))):
        try:
            call(busy, [f"working.{turn}.{x}" for x in range(3)])
        except KeyboardInterrupt:
            write(f"result.{turn}", str(pool.map(abs, [-1, -2, -3], 1)))
""")
    with MpiJob(path, 3) as job:
        for turn in range(3):
            for x in range(3):
                content_of(tmp_path / f"working.{turn}.{x}")
            time.sleep(0.05)
            os.kill(job.pid_of(0), signal.SIGINT)
            assert content_of(tmp_path / f"result.{turn}") == "[1, 2, 3]"
        assert job.process.communicate(timeout=SECONDS)[0] == ""
        assert job.process.returncode == 0
        job.wait_until_alone(SECONDS)
