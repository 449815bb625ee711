import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
import folder as folder_support  # noqa: E402
from ro_crate import Crate  # noqa: E402


class Folder(folder_support.Folder):
    def run(self, *arguments, code=0, env=None, snakefile=None):
        """`furrow run ARGUMENTS`, which must return this exit code."""
        if snakefile is not None:
            self.write("Snakefile", snakefile)
        result = engine.furrow_run(*arguments, cwd=self.path, env=engine.environment(**(env or {})))
        assert result.code == code, str(result)
        return result

    def export(self, *arguments, code=0, env=None):
        result = engine.furrow("export", *arguments, cwd=self.path, env=engine.environment(**(env or {})))
        assert result.code == code, str(result)
        return result

    def crate(self, name, *arguments, env=None):
        """A new crate of this folder, beside it."""
        place = self.path.parent / (self.path.name + "-crates") / name
        self.export("--ro-crate", place, *arguments, env=env)
        return Crate(place)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "work").mkdir()
    return Folder(tmp_path / "work")


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    """One folder for all tests of a file."""
    place = tmp_path_factory.mktemp("module") / "work"
    place.mkdir()
    return Folder(place)
