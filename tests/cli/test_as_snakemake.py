"""The command under the name snakemake, for tools that start one."""
import os

import engine
import pytest


@pytest.fixture
def tool(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "snakemake").symlink_to(engine.FURROW)
    return folder


def run(tool, cwd, *arguments):
    return engine.execute(["snakemake", *arguments], cwd,
                          env=engine.environment(PATH=os.pathsep.join([str(tool), "/usr/bin", "/bin"])))


def test_it_tells_the_version_of_its_language(tool, tmp_path):
    assert run(tool, tmp_path, "--version").out == "9.25.0\n"


def test_it_takes_the_command_line_of_snakemake(tool, tmp_path):
    (tmp_path / "Snakefile").write_text("rule a:\n    output: 'a'\n    shell: 'echo 1 > {output}'\n")
    done = run(tool, tmp_path, "--cores", "1", "--quiet")
    assert done.code == 0, done
    assert (tmp_path / "a").read_text() == "1\n"
    assert "usage" in run(tool, tmp_path, "--help").out.lower()


def test_a_job_can_start_it_for_another_folder(tool, tmp_path):
    (tmp_path / "Snakefile").write_text("rule a:\n    output: 'a'\n"
                                        "    shell: 'snakemake -c1 -q -d inner -s inner.smk && cp inner/b a'\n")
    (tmp_path / "inner.smk").write_text("rule b:\n    output: 'b'\n    shell: 'snakemake --version > {output}'\n")
    done = run(tool, tmp_path, "-c1")
    assert done.code == 0, done
    assert (tmp_path / "a").read_text() == "9.25.0\n"
