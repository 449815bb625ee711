"""pip installs the module, the command and its files, offline, from the sources and from a portable wheel.

Only the long tests compile everything once more, for the wheel; the others take the build that is there.
"""
import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

import engine
import pytest

BUILD = Path(engine.FURROW).parents[1]
PROGRAM = """
import os, sys
import furrow
assert furrow.__file__.startswith(sys.prefix), furrow.__file__
with furrow.Pool(2) as pool:
    print(pool.map(lambda x: x * x, range(5)))
"""
USES_THE_COMMAND = """
import furrow
assert furrow.run(cores=2, targets="again").ok
print([each.stdout for each in furrow.map_command("cat", ["made", "again"])])
"""
SNAKEFILE = """
rule made:
    output: "made"
    shell: "echo made > {output}"
rule again:
    input: "made"
    output: "again"
    run: open(output[0], "w").write("again")
"""


def run(*argv, cwd, **more):
    # No network: the proxy does not exist, and there is no index.
    env = engine.environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1", http_proxy="http://127.0.0.1:9",
                             HOME=str(cwd), **more)
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=env, timeout=1800)
    assert result.code == 0, str(result)
    return result.out


def build_with(*argv, cwd, **more):
    """Runs pip so that it links what this build folder has. Tests of other processes wait meanwhile."""
    with open(BUILD / "pip_tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run(*argv, cwd=cwd, FURROW_BUILD=str(BUILD), **more)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the files that git lists, without tests and pages."""
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


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel that `./dev wheel` makes."""
    if not list(Path("/usr/lib").glob("*/libhwloc.a")):
        pytest.skip("needs the static libraries of Debian")
    folder = tmp_path_factory.mktemp("wheel")
    build = run if engine.LONG_TESTS else build_with
    build(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", folder, source, cwd=folder,
          FURROW_PORTABLE="1")
    (made,) = folder.glob("*.whl")
    return made


def new_environment(folder, *options):
    run(sys.executable, "-m", "venv", *options, folder / "venv", cwd=folder)
    return folder / "venv/bin"


def check_the_command(programs, folder):
    """That command and module work together, with nothing of this checkout."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    run(programs / "furrow", "run", "-c2", "again", cwd=folder)
    assert run(programs / "furrow", "map", "-k", "echo", ":::", "a", "b", cwd=folder) == "a\nb\n"
    assert run(programs / "python", "-c", USES_THE_COMMAND, cwd=folder) == "['made\\n', 'again']\n"
    assert run(programs / "python", "-m", "furrow", "--version", cwd=folder).startswith("furrow ")
    shared = programs.parent / "share"
    for path in ("man/man1/furrow.1", "bash-completion/completions/furrow", "zsh/site-functions/_furrow",
                 "fish/vendor_completions.d/furrow.fish"):
        assert (shared / path).is_file()


def test_it_installs_works_and_uninstalls(source, tmp_path):
    programs = new_environment(tmp_path, "--system-site-packages")
    python = programs / "python"
    build_with(python, "-m", "pip", "install", "--no-build-isolation", "--no-index", source, cwd=tmp_path)
    assert run(python, "-c", PROGRAM, cwd=tmp_path) == "[0, 1, 4, 9, 16]\n"
    check_the_command(programs, tmp_path)

    # All sources and type stubs of the package and the extensions, but no C++.
    (package,) = (tmp_path / "venv/lib").glob("python3*/site-packages/furrow")
    here = {path.name for path in (engine.ROOT / "python/furrow").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
    installed = {path.name for path in package.iterdir() if path.name != "__pycache__"}
    assert here | {"py.typed"} <= installed
    extensions = {name.split(".")[0] for name in installed - here - {"py.typed"}}
    has_mpi = bool(shutil.which("mpicc"))
    assert extensions == ({"_furrow", "_mpi"} if has_mpi else {"_furrow"})
    assert (tmp_path / "venv/lib/furrow/ranks.so").exists() == has_mpi

    run(python, "-m", "pip", "uninstall", "-y", "furrow", cwd=tmp_path)
    assert not list(package.glob("*.so")) and not (programs / "furrow").exists()
    assert not list((tmp_path / "venv/share").rglob("*.py"))


def test_a_portable_wheel_needs_glibc_alone_and_says_which(wheel, tmp_path):
    shutil.unpack_archive(wheel, tmp_path, "zip")
    compiled = [*tmp_path.rglob("*.so"), *tmp_path.rglob("scripts/furrow")]
    assert {path.name.split(".")[0] for path in compiled} == {"_furrow", "furrow"}
    versions = set()
    for path in compiled:
        path.chmod(0o755)
        libraries = re.findall(r"^\s*(\S+)", run("ldd", path, cwd=tmp_path), re.M)
        assert all(re.match(r"linux-vdso|lib[mc]\.so|/lib64/ld-linux", name) for name in libraries), libraries
        asked = run("objdump", "-T", path, cwd=tmp_path)
        versions.update((int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", asked))
    version = "cp{0}{1}".format(*sys.version_info)
    assert wheel.name.split("-", 2)[2] == f"{version}-{version}-manylinux_%d_%d_x86_64.whl" % max(versions)


def test_a_portable_wheel_works_without_any_other_package(wheel, tmp_path):
    programs = new_environment(tmp_path)
    run(programs / "pip", "install", "--no-index", wheel, cwd=tmp_path)
    check_the_command(programs, tmp_path)
    failed = engine.execute([str(programs / "python"), "-c", PROGRAM], cwd=tmp_path)
    assert failed.code == 1 and "install cloudpickle" in failed.err, str(failed)
    with_a_name = PROGRAM.replace("lambda x: x * x", "abs")
    assert run(programs / "python", "-c", with_a_name, cwd=tmp_path) == "[0, 1, 2, 3, 4]\n"


def test_other_systems_are_refused(source, tmp_path):
    code = "import sys; sys.platform = 'darwin'; import runpy; runpy.run_path('setup.py')"
    failed = engine.execute([sys.executable, "-c", code], cwd=source)
    assert failed.code == 1 and failed.err == "Furrow needs Linux; on Windows, WSL 2 is one.\n", str(failed)
