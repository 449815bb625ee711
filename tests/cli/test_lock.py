"""Several engines in one folder: what they may do at the same time, and what is refused."""
import os
import shlex
import subprocess
import time

import engine

SNAKEFILE = """
rule all:
    input: "slow.out", "quick.out"
rule slow:
    input: "slow.in"
    output: "slow.out"
    shell: "touch started; while [ ! -e go ]; do sleep 0.05; done; cp {input} {output}"
rule quick:
    output: "quick.out"
    shell: "echo quick > {output}"
rule of_input:
    output: "slow.in"
    shell: "touch {output}"
rule of_output:
    input: "slow.out"
    output: "copy.out"
    shell: "cp {input} {output}"
rule all_of_folder:
    output: directory("made")
    shell: "mkdir {output}; touch {output}/file inside; while [ ! -e go ]; do sleep 0.05; done"
rule in_folder:
    output: "made/other"
    shell: "touch {output}"
"""
LATER = """
rule later:
    output: "later.out"
    shell: "touch begun; while [ ! -e go2 ]; do sleep 0.05; done; echo later > {output}"
"""
COMMAND = shlex.join(engine.FURROW_RUN)


def start(folder, *arguments):
    return subprocess.Popen([*engine.FURROW_RUN, *arguments], cwd=folder.path, env=engine.environment(),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Slow:
    """A run that has started the job of slow.out, which ends once it is let go."""

    def __init__(self, folder, *arguments, seen="started"):
        self.folder = folder
        (folder / "go").unlink(missing_ok=True)
        self.process = start(folder, "-c1", *(arguments or ["slow.out"]))
        deadline = time.monotonic() + 30
        while not (folder / seen).exists():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        (self.folder / "go").touch()
        self.code = self.process.wait(30)

    def end(self):
        self.__exit__()
        assert self.code == 0


def prepare(folder):
    folder.write("Snakefile", SNAKEFILE)
    folder.write("slow.in", "slow\n")


def test_the_same_file_is_refused_naming_pid_host_and_file(folder):
    prepare(folder)
    with Slow(folder) as first:
        result = folder.run("slow.out", code=1)
        assert "slow.out" in result.err and str(first.process.pid) in result.err
        assert os.uname().nodename in result.err and "since 20" in result.err


def test_other_files_are_made_meanwhile_and_stay_made(folder):
    prepare(folder)
    with Slow(folder) as first:
        folder.run("quick.out")
        assert folder.read("quick.out") == "quick\n"
        assert "Nothing to do" in folder.run("quick.out").text
        assert "slow: output is missing" in folder.run("-n").text
        first.end()
    assert "Nothing to do" in folder.run().text
    assert not list((folder / ".furrow" / "engines").glob("*.journal"))


def test_what_reads_or_changes_the_files_of_another_run_is_refused(folder):
    prepare(folder)
    with Slow(folder):
        assert "slow.out" in folder.run("copy.out", code=1).err
        assert "slow.in" in folder.run("-f", "slow.in", code=1).err
        assert "is in use" in folder.run("--delete-all-output", "slow.out", code=1).err
        assert not folder.exists("copy.out") and folder.read("slow.in") == "slow\n"


def test_nothing_in_a_folder_that_another_run_makes(folder):
    prepare(folder)
    with Slow(folder, "made", seen="inside"):
        assert "made/other" in folder.run("made/other", code=1).err
        folder.run("quick.out")


def test_nolock_neither_locks_nor_respects_locks(folder):
    prepare(folder)
    with Slow(folder):
        folder.run("--nolock", "-f", "quick.out")
        folder.run("--nolock", "-f", "slow.in")
    with Slow(folder, "--nolock", "-f", "slow.out"):
        folder.run("-f", "slow.in")


def test_the_longer_run_may_be_the_later_one(folder):
    prepare(folder)
    with Slow(folder) as first:
        folder.write("later.smk", LATER)
        later = start(folder, "-c1", "-s", "later.smk")
        while not folder.exists("begun"):
            assert later.poll() is None
            time.sleep(0.01)
        first.end()
        folder.run("quick.out")
        folder.write("go2", "")
        assert later.wait(30) == 0
    assert "Nothing to do" in folder.run("-s", "later.smk").text
    assert "Nothing to do" in folder.run("quick.out").text


def test_dry_run_is_allowed_during_a_run(folder):
    prepare(folder)
    with Slow(folder):
        folder.run("-n")


def test_workflows_in_two_folders_run_at_once(folder):
    prepare(folder)
    with Slow(folder):
        folder.write("other.smk", 'rule quick:\n    output: "quick.out"\n    shell: "touch {output}"\n')
        folder.run("-s", folder / "other.smk", "-d", folder / "elsewhere")


def test_a_job_may_run_a_workflow_of_its_own(folder):
    folder.write("inner/Snakefile", 'rule inner:\n    output: "inner.out"\n    shell: "touch {output}"\n')
    folder.run(snakefile=f'rule outer:\n    output: "outer.out"\n'
                         f'    shell: """{COMMAND} -c 1 -d inner -s inner/Snakefile && touch {{output}}"""\n')
    assert (folder / "inner" / "inner.out").exists() and (folder / "outer.out").exists()


INNER = """
rule inner:
    input: "source"
    output: "outer.out"
    shell: "cp {input} {output}; echo inner >> ran"
rule other:
    output: "other.out"
    shell: "touch {output}"
"""
OUTER = """
rule all:
    input: "outer.out", "other.out"
rule source:
    output: "source"
    shell: "echo source > {output}"
rule outer:
    input: "source"
    output: "outer.out"
    shell: "%s -c 1 -s inner.smk %s"
rule other:
    input: "outer.out"
    output: "other.out"
    shell: "touch {output}"
"""


def test_an_engine_within_a_job_may_write_that_jobs_outputs(folder):
    folder.write("inner.smk", INNER)
    folder.run("-c1", snakefile=OUTER % (COMMAND, "outer.out"))
    assert folder.read("outer.out") == "source\n" and folder.read("ran") == "inner\n"
    assert "Nothing to do" in folder.run("-c1").text


def test_an_engine_within_a_job_may_not_write_the_outputs_of_other_jobs(folder):
    folder.write("inner.smk", INNER)
    result = folder.run("-c1", snakefile=OUTER % (COMMAND, "other.out"), code=1)
    assert "other.out is in use by another furrow run" in result.text


def test_map_with_outputs_and_a_run_are_not_at_work_together(folder):
    prepare(folder)
    with Slow(folder):
        result = engine.furrow("map", "--output", "{}.o", "touch {}.o", ":::", "1", cwd=folder.path)
        assert result.code == 255 and "another furrow run" in result.err
