"""pip installs the module, the command and its files, offline: from the sources, and from a portable wheel that was
built from the source distribution.

Only the long tests compile everything once more, for the wheel; the others take the build that is there.
"""
import re
import shutil
import sys

import engine
from building import PROGRAM, build_with, check_the_command, new_environment, run


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


def test_a_source_distribution_has_all_that_is_built(source, unpacked, tmp_path):
    ours = {path.relative_to(source) for folder in ("cmake", "completions", "docs/man", "include", "python", "src")
            for path in (source / folder).rglob("*") if path.is_file() and not path.match("*_test.cpp")}
    theirs = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    theirs = {path for path in theirs if path.parts[0] != "build"}  # where a wheel has been made of it
    assert {path for path in ours if "egg-info" not in str(path)} <= theirs
    assert not any(path.match("*_test.cpp") or path.match("*.so") for path in theirs)
    run("cmake", "-S", unpacked, "-B", tmp_path / "build", "-DFURROW_TESTS=OFF", cwd=tmp_path)


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
