"""An installation by `cmake --install` can be moved, found by other projects, and run."""
import re
import shutil
from pathlib import Path

import engine
import pytest

BUILD = Path(engine.FURROW).resolve().parents[1]
PROJECT = Path(__file__).with_name("project")
FOREIGN = ("python", "sqlite", "mpi")


def run(*argv, cwd, **more):
    """The output of a program, which must succeed."""
    result = engine.execute([str(word) for word in argv], cwd=cwd, env=engine.environment(**more), timeout=240)
    assert result.code == 0, str(result)
    return result.text


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installed Furrow that was then moved to another folder."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD, "--prefix", folder / "first", cwd=folder)
    (folder / "first").rename(folder / "prefix")
    return folder / "prefix"


def test_only_public_headers_are_installed(prefix):
    headers = {str(path.relative_to(prefix / "include")) for path in (prefix / "include").rglob("*") if path.is_file()}
    public = {str(path.relative_to(engine.ROOT / "include")) for path in (engine.ROOT / "include").rglob("*.hpp")}
    assert headers == public
    for name in sorted(headers):
        text = (prefix / "include" / name).read_text()
        for included in re.findall(r'#\s*include\s*["<]([^">]+)[">]', text):
            assert "/" not in included or included in headers or not (engine.ROOT / "src" / included).exists(), name


@pytest.fixture(scope="module")
def project(prefix, tmp_path_factory):
    """The five-line project, built with the installed Furrow."""
    folder = tmp_path_factory.mktemp("project")
    build = folder / "build"
    run("cmake", "-S", PROJECT, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Werror", cwd=folder)
    run("ninja", "-C", build, cwd=folder)
    return build


def test_another_project_builds_and_runs(project):
    assert run(project / "five_lines", cwd=project) == "998011 b80c61029cf23fb9 cores\n"


def test_the_project_links_neither_python_nor_sqlite_nor_mpi(project):
    link = run("ninja", "-C", project, "-t", "commands", "five_lines", cwd=project).splitlines()[-1]
    assert "libfurrow" in link and "hwloc" in link
    libraries = run("ldd", project / "five_lines", cwd=project)
    for name in FOREIGN:
        assert not re.search(rf"lib{name}", libraries.lower())
        assert not re.search(rf"(-l|lib){name}", link.lower())


@pytest.mark.skipif(not list(BUILD.rglob("libfurrow_mpi.*")) or not shutil.which("mpirun"),
                    reason="needs libopenmpi-dev and openmpi-bin")
def test_another_project_uses_mpi(prefix, tmp_path):
    build = tmp_path / "build"
    run("cmake", "-S", PROJECT.with_name("mpi_project"), "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        cwd=tmp_path)
    run("ninja", "-C", build, cwd=tmp_path)
    options = "--allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader".split()
    assert run("mpirun", "-n", "2", *options, build / "over_mpi", cwd=tmp_path) == "1 4 9\n"


@pytest.mark.skipif(not list(BUILD.rglob("ranks.so")) or not shutil.which("mpirun"),
                    reason="needs libopenmpi-dev and openmpi-bin")
def test_the_installed_command_finds_its_mpi_plugin(prefix, tmp_path):
    options = "--allow-run-as-root --oversubscribe --bind-to none --mca btl self,vader".split()
    argv = ["mpirun", "-n", "2", *options, prefix / "bin" / "furrow", "map", "-j1", "-k", "echo", ":::", "a", "b", "c"]
    assert run(*argv, cwd=tmp_path) == "a\nb\nc\n"


def test_the_installed_command_runs_a_workflow(prefix, tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'out.txt'\n    shell: 'echo made > {output}'\n")
    furrow = prefix / "bin" / "furrow"
    assert re.fullmatch(r"furrow \d+\.\d+\.\d+\n", run(furrow, "--version", cwd=tmp_path))
    run(furrow, "run", cwd=tmp_path)
    assert (tmp_path / "out.txt").read_text() == "made\n"


def test_a_link_to_the_command_also_finds_its_files(prefix, tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'out.txt'\n    run: open(output[0], 'w').write('x')\n")
    (tmp_path / "link").symlink_to(prefix / "bin" / "furrow")
    run(tmp_path / "link", "run", cwd=tmp_path)
    assert (tmp_path / "out.txt").read_text() == "x"
