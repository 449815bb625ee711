import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
from running import Running, marked_processes  # noqa: E402


@pytest.fixture
def fmap(tmp_path):
    """`furrow map ARGUMENTS` in a fresh folder."""

    def run(*arguments, stdin=None, timeout=60, **environment):
        with open(tmp_path / ".stdin", "wb") as file:
            file.write(stdin.encode() if isinstance(stdin, str) else stdin or b"")
        with open(tmp_path / ".stdin", "rb") as file:
            return engine.execute([engine.FURROW, "map", *map(str, arguments)], tmp_path,
                                  engine.environment(SHELL="/bin/bash", **environment), timeout, file)

    return run


@pytest.fixture
def start(tmp_path):
    """Starts `furrow map` in the background; afterwards none of its processes may be left."""
    mark = f"FURROW_TEST_MARK={uuid.uuid4()}"

    def begin(*arguments, **environment):
        return Running(["map", *map(str, arguments)], tmp_path, engine.environment(SHELL="/bin/bash", **environment),
                       mark, program=[engine.FURROW])

    yield begin
    for pid in marked_processes(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.fixture
def shell(tmp_path):
    """Runs a line of shell, in which $FURROW is the command."""

    def run(line, timeout=60):
        env = engine.environment(SHELL="/bin/bash", FURROW=engine.FURROW)
        return engine.execute(["/bin/bash", "-c", line], tmp_path, env, timeout, subprocess.DEVNULL)

    return run


@pytest.fixture
def log_rows(tmp_path):
    """The rows of a job log, as dictionaries by column."""

    def rows(name="log"):
        lines = (tmp_path / name).read_text().splitlines()
        head = lines[0].split("\t")
        return [dict(zip(head, line.split("\t"))) for line in lines[1:]]

    return rows
