import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import building  # noqa: E402
import engine  # noqa: E402


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A copy of the files that git lists, without tests."""
    folder = tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=engine.ROOT,
                            capture_output=True, text=True)
    paths = [path for path in listed.stdout.split("\0") if path and not path.startswith("tests/")]
    if not paths:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    for path in paths:
        if (engine.ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(engine.ROOT / path, folder / path)
    return folder


@pytest.fixture(scope="session")
def unpacked(source, tmp_path_factory):
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    build = f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})"
    building.run(sys.executable, "-c", build, cwd=source)
    (made,) = folder.glob("furrow-*.tar.gz")
    shutil.unpack_archive(made, folder)
    return folder / made.name[:-len(".tar.gz")]


@pytest.fixture(scope="session")
def wheel(unpacked, tmp_path_factory):
    """The wheel that `./dev wheel` makes, built from the source distribution."""
    if not list(Path("/usr/lib").glob("*/libhwloc.a")):
        pytest.skip("needs the static libraries of Debian")
    folder = tmp_path_factory.mktemp("wheel")
    build = building.run if engine.LONG_TESTS else building.build_with
    build(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder, unpacked, cwd=folder,
          FURROW_PORTABLE="1")
    (made,) = folder.glob("*.whl")
    return made
