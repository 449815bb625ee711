"""--archive: what another machine needs to run a workflow."""
import subprocess
import tarfile

import pytest

SNAKEFILE = """
rule all:
    input: "made", "more.txt"
rule a:
    input: "data.txt", "folder"
    output: "made"
    script: "scripts/a.py"
"""


@pytest.fixture
def workflow(folder):
    folder.write("Snakefile", SNAKEFILE)
    folder.write("scripts/a.py", "open(snakemake.output[0], 'w')\n")
    folder.write("name with\nline", "x")
    for name in ("data.txt", "folder/inside", "more.txt", "unused"):
        folder.write(name, name)
    subprocess.run("git init -q . && git add Snakefile scripts name*", shell=True, check=True, cwd=folder.path)
    return folder


def names_in(folder, name):
    with tarfile.open(folder.path / name) as archive:
        return {member.name for member in archive if not member.isdir()}


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.bz2", "x.tar.xz"])
def test_it_has_what_git_knows_and_the_inputs_that_no_job_makes(workflow, name):
    done = workflow.run("--archive", name)
    assert names_in(workflow, name) == {"Snakefile", "scripts/a.py", "name with\nline", "data.txt", "folder/inside",
                                        "more.txt"}
    assert f"6 files written to {name}" in done.err and not workflow.exists("made")


def test_it_runs_elsewhere(workflow, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    workflow.run("--archive", "x.tar")
    with tarfile.open(workflow.path / "x.tar") as archive:
        archive.extractall(elsewhere)
    workflow.run("-d", str(elsewhere), "-s", str(elsewhere / "Snakefile"))
    assert (elsewhere / "made").exists()


def test_what_is_left_out_is_said(workflow, tmp_path_factory):
    far = tmp_path_factory.mktemp("far") / "far.txt"
    far.write_text("far")
    workflow.write("Snakefile", SNAKEFILE.replace('"more.txt"', repr(str(far))))
    (workflow.path / "name with\nline").unlink()
    done = workflow.run("--archive", "x.tar")
    assert "far.txt is not in the archive: it is outside of the folder of the workflow" in done.err
    assert "is not in the archive: there is no such file" in done.err


@pytest.mark.parametrize("name, words", [("x.zip", "does not end in .tar"), ("data.tar", "is there already")])
def test_bad_names(workflow, name, words):
    workflow.write("data.tar", "mine")
    assert words in workflow.run("--archive", name, code=1).err and workflow.read("data.tar") == "mine"


def test_without_git(workflow):
    subprocess.run(["rm", "-rf", ".git"], cwd=workflow.path)
    done = workflow.run("--archive", "x.tar", code=1)
    assert "git does not say which files" in done.err and "git ls-files" in done.err and not workflow.exists("x.tar")


def test_a_failure_leaves_no_archive(workflow, tmp_path_factory):
    programs = tmp_path_factory.mktemp("bin")
    (programs / "tar").write_text("#!/bin/sh\necho half > x.tar.part\necho no space left on the disk >&2\nexit 2\n")
    (programs / "tar").chmod(0o755)
    done = workflow.run("--archive", "x.tar", code=1, env={"PATH": f"{programs}:/usr/bin:/bin"})
    assert "cannot write the archive x.tar" in done.err and "no space left" in done.err
    assert not list(workflow.path.glob("x.tar*"))
