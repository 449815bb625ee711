"""Engine and watchdog are killed together, so nobody ends their jobs: the next run must."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

import engine
from running import marked_processes, wait_until

# Each line names the process that writes it. The job goes on after its engine; {how} may hide it.
SNAKEFILE = """
rule all:
    input: "out.txt"
rule slow:
    output: "out.txt"
    shell: "{how} bash writer.sh {{output}}; true"
"""
WRITER = """
echo begin $BASHPID >> trace
for i in $(seq 25); do echo line $BASHPID >> "$1"; sleep 0.1; done
echo end $BASHPID >> trace
"""
RUN_BLOCK = """
rule all:
    input: "out.txt"
rule slow:
    output: "out.txt"
    run:
        shell("bash writer.sh {output}; true")
"""


def engine_processes(root):
    """The process and those below it that are an engine or its watchdog; what syncs files ends by itself."""
    parents, names = {}, {}
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], stdout=subprocess.PIPE, text=True).stdout
    for line in listing.splitlines():
        pid, parent, name = line.split(None, 2)
        parents[int(pid)], names[int(pid)] = int(parent), name

    def is_below(pid):
        while pid in parents and pid != root:
            pid = parents[pid]
        return pid == root

    return [pid for pid in parents if is_below(pid) and names[pid].startswith("furrow") and names[pid] != "furrow-sync"]


def kill_together(process):
    pids = engine_processes(process.pid)
    assert len(pids) == 2, pids
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
    process.wait()


def kill_in_the_middle(run):
    wait_until(lambda: (run.folder / "out.txt").exists(), 20, "the job writes")
    kill_together(run.process)


def check_trace(folder):
    """Each writer that did not end is followed by one that did; none went on beside its successor."""
    trace = (folder / "trace").read_text().split("\n")
    begun = [line.split()[1] for line in trace if line.startswith("begin")]
    assert [line.split()[1] for line in trace if line.startswith("end")] == begun[-1:]
    lines = (folder / "out.txt").read_text().split("\n")
    assert lines == [f"line {begun[-1]}"] * 25 + [""]


@pytest.mark.parametrize("how", ["", "setsid", "env -i PATH=$PATH", "nohup"])
def test_a_job_that_outlived_engine_and_watchdog_is_ended(start, tmp_path, how):
    (tmp_path / "writer.sh").write_text(WRITER)
    kill_in_the_middle(start(SNAKEFILE.format(how=how), "-c1", "-q"))
    done = engine.furrow_run("-q", cwd=tmp_path)
    assert done.code == 0 and "ended processes that a killed run had left" in done.err, done
    time.sleep(0.3)
    check_trace(tmp_path)


def test_the_child_of_a_run_block_is_ended(start, tmp_path):
    (tmp_path / "writer.sh").write_text(WRITER)
    kill_in_the_middle(start(RUN_BLOCK, "-c1", "-q"))
    done = engine.furrow_run("-q", cwd=tmp_path)
    assert done.code == 0, done
    check_trace(tmp_path)


@pytest.mark.parametrize("how", ["", "setsid"])
def test_a_job_of_map_is_ended(start, tmp_path, how):
    (tmp_path / "writer.sh").write_text(WRITER)
    arguments = ["--joblog", "log", f"{how} bash writer.sh {{}}; true", ":::", "out.txt"]
    run = start(None, *arguments, program=[engine.FURROW, "map"])
    kill_in_the_middle(run)
    os.truncate(tmp_path / "out.txt", 0)
    done = engine.furrow("map", "--resume", *arguments, cwd=tmp_path)
    assert done.code == 0 and "ended processes that a killed run had left" in done.err, done
    assert (tmp_path / "trace").read_text().count("end") == 1


def test_a_job_that_left_its_group_ends_with_the_engine(start, tmp_path):
    """The engine alone is killed: the watchdog ends its jobs, wherever they are."""
    (tmp_path / "writer.sh").write_text(WRITER)
    run = start(SNAKEFILE.format(how="setsid"), "-c1", "-q")
    wait_until(lambda: (tmp_path / "out.txt").exists(), 20, "the job writes")
    run.signal(signal.SIGKILL)
    run.wait()
    run.wait_for_nothing_left(20)


def test_what_an_ended_job_left_running_is_left_alone(start, tmp_path):
    """A server that a job has started lives on, although engine and watchdog were killed during another job."""
    snakefile = """
rule all:
    input: "out.txt"
rule server:
    output: "server.txt"
    shell: "setsid sleep 100 > /dev/null 2>&1 & echo $! > {output}"
rule slow:
    input: "server.txt"
    output: "out.txt"
    shell: "bash writer.sh {output}; true"
"""
    (tmp_path / "writer.sh").write_text(WRITER)
    run = start(snakefile, "-c1", "-q")
    kill_in_the_middle(run)
    assert engine.furrow_run("-q", cwd=tmp_path).code == 0
    assert [text for text in run.left() if "sleep 100" in text]
    check_trace(tmp_path)


def lock_of(folder):
    return folder / ".furrow" / "lock"


def test_a_run_that_was_killed_on_another_host_is_refused(start, tmp_path):
    (tmp_path / "writer.sh").write_text(WRITER)
    run = start(SNAKEFILE.format(how=""), "-c1", "-q")
    kill_in_the_middle(run)
    for pid in marked_processes(run.mark):
        with contextlib.suppress(ProcessLookupError):  # the watchdog ends them, too
            os.kill(pid, signal.SIGKILL)
    run.wait_for_nothing_left(20)
    holder, jobs = lock_of(tmp_path).read_text().splitlines()
    holder, jobs = holder.replace(socket.gethostname(), "alpha.example"), jobs.split()
    jobs[2] = "00000000-another-boot"
    lock_of(tmp_path).write_text(f"{holder}\n{' '.join(jobs)}\n")
    before = (tmp_path / "out.txt").read_text()
    done = engine.furrow_run("-q", cwd=tmp_path)
    assert done.code == 1 and "alpha.example" in done.err and "--unlock" in done.err, done
    assert (tmp_path / "out.txt").read_text() == before
    assert engine.furrow_run("-n", "-q", cwd=tmp_path).code == 0, "a dry run changes nothing, so it needs no lock"
    unlocked = engine.furrow_run("--unlock", cwd=tmp_path)
    assert unlocked.code == 0 and "taken for ended" in unlocked.err, unlocked
    assert engine.furrow_run("-q", cwd=tmp_path).code == 0
    assert "nothing to unlock" in engine.furrow_run("--unlock", cwd=tmp_path).err


@pytest.mark.parametrize("ending", ["good", "failed", "interrupted"])
def test_a_run_that_ended_leaves_no_mark(start, tmp_path, ending):
    command = {"good": "touch {output}", "failed": "exit 3", "interrupted": "touch started; sleep 60"}[ending]
    run = start(f'rule all:\n    output: "out.txt"\n    shell: "{command}"\n', "-c1", "-q")
    if ending == "interrupted":
        run.wait_for_file("started")
        run.signal(signal.SIGINT)
    run.wait()
    assert lock_of(tmp_path).read_text() == "", "its jobs are over, so a run on another host may follow"


def test_a_killed_engine_leaves_no_mark_once_its_watchdog_is_done(start, tmp_path):
    (tmp_path / "writer.sh").write_text(WRITER)
    run = start(SNAKEFILE.format(how=""), "-c1", "-q")
    wait_until(lambda: (tmp_path / "out.txt").exists(), 20, "the job writes")
    assert lock_of(tmp_path).read_text().count("\n") == 2
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: lock_of(tmp_path).read_text() == "", 20, "the watchdog says that all jobs have ended")
