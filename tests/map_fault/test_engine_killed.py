"""The engine is killed at random moments of a run of 300 jobs with a log; a resume runs exactly the remaining jobs."""
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

import engine
from running import marked_processes

INPUTS = [str(i) for i in range(300)]
JOBS = 4
KILLS = 50 if engine.LONG_TESTS else 6
# One write per line, so that lines of several jobs do not mix. OVERLAP means that another copy of this job is running.
JOB = """mkdir "$WORK/locks/{}" || echo "OVERLAP {}" >> "$WORK/events"
echo "START {}" >> "$WORK/events"; sleep 0.00$((RANDOM % 10)); echo "END {}" >> "$WORK/events"
rmdir "$WORK/locks/{}" """


class Run:
    def __init__(self, folder):
        self.folder = folder
        (folder / "locks").mkdir(parents=True)
        (folder / "events").touch()
        self.mark = f"FURROW_TEST_MARK={folder}"

    def start(self, *options):
        with open(self.folder / "engine.out", "a") as output:
            return subprocess.Popen(
                [engine.FURROW, "map", "-j", str(JOBS), "--joblog", "log", *options, JOB, ":::", *INPUTS],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=engine.environment(SHELL="/bin/bash", WORK=str(self.folder), FURROW_TEST_MARK=str(self.folder)),
            )

    def events(self, kind):
        return Counter(line.split()[1] for line in (self.folder / "events").read_text().splitlines()
                       if line.startswith(kind))

    def clear_locks(self):
        for lock in (self.folder / "locks").iterdir():
            lock.rmdir()

    def engine_output(self):
        return (self.folder / "engine.out").read_text()[-3000:]


@pytest.fixture(scope="session")
def seconds(tmp_path_factory):
    """How long an undisturbed run takes."""
    run = Run(tmp_path_factory.mktemp("undisturbed"))
    begin = time.monotonic()
    assert run.start().wait(300) == 0, run.engine_output()
    assert run.events("END") == Counter(INPUTS)
    return time.monotonic() - begin


@pytest.mark.parametrize("seed", range(KILLS))
def test_resume_after_kill_does_every_job_once(seed, seconds, tmp_path):
    run = Run(tmp_path / "run")
    process = run.start()
    time.sleep(random.Random(seed).uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    process.wait()

    # No pause: the next engine itself must make sure that no job of the dead engine runs at the same time as its own.
    successor = run.start("--resume")
    deadline = time.monotonic() + 300
    assert successor.wait(deadline - time.monotonic()) == 0, run.engine_output()

    starts, ends = run.events("START"), run.events("END")
    assert set(ends) == set(INPUTS), f"never done: {set(INPUTS) - set(ends)}\n{run.engine_output()}"
    assert max(starts.values()) <= 2
    twice = [name for name, times in starts.items() if times > 1]
    assert len(twice) <= 2 * JOBS, f"jobs that were not running were run again: {twice}"
    logged = Counter(line.split("\t")[0] for line in (run.folder / "log").read_text().splitlines()[1:])
    assert logged == Counter(str(i + 1) for i in range(len(INPUTS))), "one line for each job"
    before = (run.folder / "events").read_text()
    assert run.start("--resume").wait(300) == 0
    assert (run.folder / "events").read_text() == before, "a third run had nothing to do"
    assert not marked_processes(run.mark)


def test_no_two_copies_of_a_job_run_at_once(tmp_path):
    run = Run(tmp_path / "run")
    for seed in range(8):
        process = run.start("--resume") if seed else run.start()
        time.sleep(random.Random(seed).uniform(0.1, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        # A killed job leaves its lock behind; one that is still alive after this would make a new one.
        while marked_processes(run.mark):
            time.sleep(0.005)
        run.clear_locks()
    assert not run.events("OVERLAP")
