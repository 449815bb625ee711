import os
import shutil
import signal
import sys
import time
import uuid
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "cluster")]

import engine  # noqa: E402
from folder import Folder  # noqa: E402
from running import Running, marked_processes, wait_until  # noqa: E402

PLUGIN = Path(engine.FURROW).resolve().parents[1] / "lib" / "furrow" / "ranks.so"
# By default mpirun refuses root, and more ranks than cores.
MPIRUN = ["mpirun", *(["--allow-run-as-root"] if os.geteuid() == 0 else []), "--oversubscribe", "--bind-to", "none",
          "--mca", "btl", "self,vader"]


def why_not():
    if not shutil.which("mpirun"):
        return "no mpirun here (Debian: openmpi-bin)"
    return None if PLUGIN.exists() else "furrow was built without MPI (Debian: libopenmpi-dev)"


def pytest_collection_modifyitems(items):
    for item in items:
        if why_not() and "ranks" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=why_not()))


class Ranks(Folder):
    """The command in a fresh folder, started several times by mpirun."""

    def __init__(self, path):
        super().__init__(path)
        self.mark = f"FURROW_TEST_MARK={uuid.uuid4()}"
        self.log = path / "jobs.log"

    def environment(self, **more):
        name, value = self.mark.split("=")
        return engine.environment(SHELL="/bin/bash", JOBLOG=str(self.log), **{name: value}, **more)

    def argv(self, count, *arguments):
        return [*MPIRUN, "-n", str(count), engine.FURROW, *map(str, arguments)]

    def __call__(self, count, *arguments, code=0, stdin=None, timeout=60, **environment):
        """Runs `mpirun -n COUNT furrow ARGUMENTS`, which must end with this exit code and leave nothing running."""
        with open(self.path / ".stdin", "wb") as file:
            file.write(stdin or b"")
        with open(self.path / ".stdin", "rb") as file:
            result = engine.execute(self.argv(count, *arguments), self.path, self.environment(**environment), timeout,
                                    file)
        assert result.code == code, str(result)
        # When rank 0 ends with a code other than 0, mpirun does not wait until the other ranks have ended.
        wait_until(lambda: not marked_processes(self.mark), 5, "nothing is left running")
        return result

    def alone(self, *arguments, code=0):
        result = engine.furrow(*arguments, cwd=self.path, env=self.environment())
        assert result.code == code, str(result)
        return result

    def start(self, count, *arguments, **environment):
        """The same, left running: its `process` is mpirun."""
        return Running(self.argv(count, *arguments)[1:], self.path, self.environment(**environment), self.mark,
                       program=["mpirun"])

    def pids(self):
        """The pids of the ranks, in their order."""
        found = []
        for pid in marked_processes(self.mark):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
                of_mpirun = Path(f"/proc/{parent}/comm").read_text().strip() in ("mpirun", "orterun")
                if words[0] == engine.FURROW.encode() and name == "furrow" and of_mpirun:
                    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                    rank = next(int(v.split(b"=")[1]) for v in variables if v.startswith(b"OMPI_COMM_WORLD_RANK="))
                    found.append((rank, pid))
            except OSError:
                pass
        return [pid for _, pid in sorted(found)]


@pytest.fixture
def ranks(tmp_path):
    ranks = Ranks(tmp_path)
    yield ranks
    for pid in marked_processes(ranks.mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.01)
