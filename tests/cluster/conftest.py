import os
import signal
import sys
import time
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
import folder as folder_support  # noqa: E402
import slurm as slurm_support  # noqa: E402
from running import Running, marked_processes  # noqa: E402

WHY_NOT = slurm_support.missing()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "_for_a_minute_" not in item.name)  # starts first: others run at the same time
    for item in items:
        if WHY_NOT and "slurm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=f"no Slurm: {WHY_NOT}"))


@pytest.fixture(scope="session")
def one_slurm():
    """One Slurm for all tests of this process; each test finds it without jobs."""
    started = slurm_support.Slurm().start()
    yield started
    started.stop()


@pytest.fixture
def slurm(one_slurm, request):
    one_slurm.make_calm()
    yield one_slurm
    if getattr(request.node, "failed", False):
        print(one_slurm.logs())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().when == "call":
        item.failed = outcome.get_result().failed


class Folder(folder_support.Folder):
    """A fresh folder in which a test runs the command, with a Slurm."""

    def __init__(self, path, slurm):
        super().__init__(path)
        self.slurm = slurm
        self.mark = f"FURROW_TEST_MARK={uuid.uuid4()}"

    def read(self, name):
        return (self.path / name).read_text()

    def environment(self, **more):
        slurm = self.slurm.environment() if self.slurm else {}
        own = {"JOBLOG": str(self.path / "jobs.log"), "HOME": str(self.path / "home")}
        return engine.environment(**{**slurm, **own, **more})

    # Ask Slurm every second instead of every 30, so that tests need not wait.
    QUICK = ("--seconds-between-status-checks", "1")

    def run(self, *arguments, code=0, timeout=90, quick=True, **environment):
        """Runs `furrow run ARGUMENTS`, which must end with this exit code."""
        argv = [engine.FURROW, "run", *map(str, arguments), *(self.QUICK if quick else ())]
        result = engine.execute(argv, self.path, self.environment(**environment), timeout)
        assert result.code == code, str(result)
        return result

    def start(self, *arguments, **environment):
        """Starts the same, and leaves it running."""
        return Running([*map(str, arguments), *self.QUICK], self.path, self.environment(**environment), self.mark,
                       program=[engine.FURROW, "run"])

    def log(self):
        """The lines that jobs have written to their common log: one for each begin or end."""
        path = self.path / "jobs.log"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def times(self, line):
        return self.log().count(line)


@pytest.fixture
def folder(tmp_path, slurm):
    folder = Folder(tmp_path, slurm)
    yield folder
    for pid in marked_processes(folder.mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.01)
