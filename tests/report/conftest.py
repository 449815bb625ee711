import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import engine  # noqa: E402
import folder as folder_support  # noqa: E402
from browser import Browser  # noqa: E402


class Folder(folder_support.Folder):
    def run(self, *arguments, env=None, timeout=300):
        result = engine.furrow_run(*arguments, cwd=self.path, env=engine.environment(**(env or {})), timeout=timeout)
        assert result.code == 0, str(result)
        return result


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory):
    return lambda name: Folder(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module")
def wide():
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(wide):
    """Finds no error on the console and no request to a network."""
    wide.problems.clear()
    yield wide
    assert wide.problems == []
