import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
import folder as folder_support  # noqa: E402


class Folder(folder_support.Folder):
    def run(self, *arguments, code=0, env=None, snakefile=None, timeout=60):
        """`furrow run ARGUMENTS`, which must return this exit code."""
        if snakefile is not None:
            self.write("Snakefile", snakefile)
        result = engine.furrow_run(*arguments, cwd=self.path, env=env and engine.environment(**env), timeout=timeout)
        assert result.code == code, str(result)
        return result

    def read(self, name):
        return (self.path / name).read_text()

    def exists(self, name):
        return (self.path / name).exists()


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    """One folder for all tests of a file."""
    return Folder(tmp_path_factory.mktemp("module"))
