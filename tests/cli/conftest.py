import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402


class Folder:
    """A fresh folder in which a test runs the command."""

    def __init__(self, path):
        self.path = path

    def __truediv__(self, name):
        return self.path / name

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *arguments, code=0, env=None, snakefile=None, timeout=60):
        """`furrow run ARGUMENTS`, which must end with this exit code."""
        if snakefile is not None:
            self.write("Snakefile", snakefile)
        result = engine.furrow_run(*arguments, cwd=self.path, env=env and engine.environment(**env), timeout=timeout)
        assert result.code == code, str(result)
        return result


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
