"""The engine is killed at random moments of a run of 200 jobs. A rerun ends as if nothing had happened."""
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

import engine
from running import marked_processes

HERE = Path(__file__).parent
JOBS = 4
KILLS = 50 if engine.LONG_TESTS else 6


class Workflow:
    """The workflow in its own folder, with the log and the locks that its jobs use."""

    def __init__(self, folder):
        self.folder, self.work, self.log = folder, folder / "work", folder / "jobs.log"
        (folder / "locks").mkdir(parents=True)
        self.work.mkdir()
        self.log.touch()
        for name in ("Snakefile", "job.sh"):
            shutil.copy(HERE / name, self.work)
        self.mark = f"FURROW_TEST_MARK={folder}"
        self.env = engine.environment(JOBLOG=str(self.log), LOCKS=str(folder / "locks"), FURROW_TEST_MARK=str(folder))

    def start(self):
        with open(self.folder / "engine.out", "a") as output:
            return subprocess.Popen(
                [*engine.FURROW_RUN, "-j", str(JOBS)], cwd=self.work, env=self.env, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )

    def engine_output(self):
        return (self.folder / "engine.out").read_text()[-3000:]

    def finish(self):
        assert self.start().wait(300) == 0, self.engine_output()

    def files(self):
        return {str(p.relative_to(self.work)): p.read_text() for p in self.work.glob("[a-z]*/*.txt")}

    def events(self, kind):
        return Counter(line.split()[1] for line in self.log.read_text().splitlines() if line.startswith(kind))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The files of an undisturbed run, and how long it takes."""
    workflow = Workflow(tmp_path_factory.mktemp("undisturbed"))
    begin = time.monotonic()
    workflow.finish()
    seconds = time.monotonic() - begin
    assert len(workflow.files()) == 200
    assert set(workflow.events("START").values()) == {1} and len(workflow.events("END")) == 200
    return workflow.files(), seconds


@pytest.mark.parametrize("seed", range(KILLS))
def test_rerun_after_a_kill_makes_the_same_files(seed, undisturbed, tmp_path):
    files, seconds = undisturbed
    workflow = Workflow(tmp_path / "run")
    process = workflow.start()
    time.sleep(random.Random(seed).uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    process.wait()

    # No pause: the next engine must itself ensure that no job of the dead engine still writes.
    workflow.finish()

    assert workflow.files() == files
    assert not workflow.events("OVERLAP")
    twice = [name for name, times in workflow.events("START").items() if times > 1]
    assert len(twice) <= JOBS, f"started again: {twice}\n{workflow.engine_output()}"
    assert max(workflow.events("START").values()) <= 2
    before = workflow.log.read_text()
    workflow.finish()
    assert workflow.log.read_text() == before, "a third run has nothing to do, but ran jobs"
    assert not marked_processes(workflow.mark)


def test_a_run_killed_many_times_makes_the_same_files(undisturbed, tmp_path):
    files, seconds = undisturbed
    workflow = Workflow(tmp_path / "run")
    moments = random.Random("many")
    kills = 0
    while kills < KILLS:
        process = workflow.start()
        time.sleep(moments.uniform(0.05, seconds / 4 + 0.1))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    workflow.finish()
    assert workflow.files() == files
    assert not workflow.events("OVERLAP")
    again = sum(times - 1 for times in workflow.events("START").values())
    assert again <= JOBS * kills
