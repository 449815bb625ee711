"""`pip install .` works offline, with Debian's packages, in a folder of its own.

Only the long tests compile everything once more; the others take the build that is there.
"""
import shutil
import subprocess
import sys
from pathlib import Path

import engine
import pytest

PROGRAM = """
import os, sys
import furrow
assert furrow.__file__.startswith(sys.prefix), furrow.__file__
with furrow.Pool(2) as pool:
    print(pool.map(lambda x: x * x, range(5)))
"""


def run(*argv, cwd):
    # No network: the proxy does not exist, and there is no index.
    env = engine.environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1", http_proxy="http://127.0.0.1:9",
                             HOME=str(cwd))
    if not engine.LONG_TESTS:
        env["FURROW_BUILD"] = str(Path(engine.FURROW).parents[1])
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=env, timeout=800)
    assert result.code == 0, str(result)
    return result.out


def copy_of_the_project(folder):
    """A copy of the files that git lists, without tests and docs."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=engine.ROOT,
                            capture_output=True, text=True)
    paths = [path for path in listed.stdout.split("\0") if path and not path.startswith(("tests/", "docs/"))]
    if not paths:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    for path in paths:
        if (engine.ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(engine.ROOT / path, folder / path)
    return folder


def test_it_installs_works_and_uninstalls(tmp_path):
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", "--system-site-packages", tmp_path / "venv", cwd=tmp_path)
    run(python, "-m", "pip", "install", "--no-build-isolation", "--no-index", copy_of_the_project(tmp_path / "source"),
        cwd=tmp_path)
    assert run(python, "-c", PROGRAM, cwd=tmp_path) == "[0, 1, 4, 9, 16]\n"

    # All sources and type stubs of the package and the extensions, but no C++.
    (package,) = (tmp_path / "venv/lib").glob("python3*/site-packages/furrow")
    here = {path.name for path in (engine.ROOT / "python/furrow").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
    installed = {path.name for path in package.iterdir() if path.name != "__pycache__"}
    assert here | {"py.typed"} <= installed
    extensions = {name.split(".")[0] for name in installed - here - {"py.typed"}}
    assert extensions == ({"_furrow", "_mpi"} if shutil.which("mpicc") else {"_furrow"})

    run(python, "-m", "pip", "uninstall", "-y", "furrow", cwd=tmp_path)
    assert not list(package.glob("*.so"))
