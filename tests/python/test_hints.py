"""An error names what a newcomer's Python lacks, and how to get it."""
import shutil
import sys
from pathlib import Path

import engine
import program
import pytest

SOURCES = Path(program.MODULE) / "furrow"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def import_from(tmp_path):
    """Imports furrow from its sources and the given compiled modules, which are empty files."""
    def run(*compiled):
        package = tmp_path / "python" / "furrow"
        package.mkdir(parents=True)
        for source in SOURCES.glob("*.py"):
            shutil.copy(source, package)
        for name in compiled:
            (package / name).touch()
        environment = {**engine.environment(), "PYTHONPATH": str(package.parent)}
        return engine.execute([sys.executable, "-c", "import furrow"], tmp_path, environment)
    return run


def test_a_module_for_another_python_names_both(import_from):
    done = import_from("_furrow.cpython-399-x86_64-linux-gnu.so")
    assert done.code == 1
    assert f"ImportError: furrow was built for Python 3.99, this is {THIS} ({sys.executable})" in done.err
    assert "pip install ." in done.err


def test_sources_alone_say_how_to_build(import_from):
    done = import_from()
    assert done.code == 1
    assert "has no compiled furrow._furrow" in done.err and "./dev build" in done.err


def test_a_module_that_cannot_be_loaded_keeps_the_loaders_message(import_from):
    done = import_from(f"_furrow.cpython-{THIS.replace('.', '')}-x86_64-linux-gnu.so")
    assert done.code == 1
    assert "file too short" in done.err and "was built for" not in done.err


WITHOUT_CLOUDPICKLE = "import sys; sys.modules['cloudpickle'] = None\nimport furrow, threading\n"


def without_cloudpickle(text):
    return program.run("-c", WITHOUT_CLOUDPICKLE + text)


def test_a_lambda_without_cloudpickle_says_what_to_install():
    done = without_cloudpickle("furrow.Pool(1).map(lambda x: x, [1])")
    assert done.code == 1
    assert "install cloudpickle (Debian: python3-cloudpickle)" in done.err


def test_a_function_defined_later_without_cloudpickle_says_the_same():
    done = without_cloudpickle("pool = furrow.Pool(1)\ndef later(x): return x\npool.map(later, [1])")
    assert done.code == 1
    assert "install cloudpickle (Debian: python3-cloudpickle)" in done.err


def test_what_cloudpickle_cannot_pickle_either_gives_no_hint():
    done = without_cloudpickle("furrow.Pool(1).map(print, [threading.Lock()])")
    assert done.code == 1
    assert "cannot pickle '_thread.lock' object" in done.err and "install cloudpickle" not in done.err
