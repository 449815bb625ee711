import os
import signal
import sys
import time
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
from running import Running, marked_processes  # noqa: E402


@pytest.fixture
def start(tmp_path):
    """Starts `furrow run` with the text of a Snakefile in a fresh folder.

    Kills whatever is left running after the test.
    """
    mark = f"FURROW_TEST_MARK={uuid.uuid4()}"

    def begin(snakefile=None, *arguments, program=None, **environment):
        if snakefile is not None:
            (tmp_path / "Snakefile").write_text(snakefile)
        env = engine.environment(JOBLOG=str(tmp_path / "jobs.log"), **environment)
        return Running(arguments, tmp_path, env, mark, program)

    yield begin
    for pid in marked_processes(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.01)
