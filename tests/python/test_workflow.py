"""furrow.run: a Snakefile from Python."""
import os
import subprocess
import sys

import furrow
import pytest

SNAKEFILE = """
rule all:
    input: "b.txt"
rule a:
    output: "a.txt"
    params: n=config.get("n", 1)
    shell: "echo {params.n} > {output}"
rule b:
    input: "a.txt"
    output: "{x}.txt"
    wildcard_constraints: x="b"
    shell: "cp {input} {output}"
rule bad:
    output: "bad"
    shell: "echo oh no; exit 3"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    if "FURROW" not in os.environ:
        pytest.skip("FURROW does not name the furrow command")
    monkeypatch.delenv("FURROW_PYTHON", raising=False)  # the tests name a folder with it, the command a program
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def states(result):
    return {job.rule: job.state for job in result}


def test_says_what_happened_to_each_job(folder):
    planned = furrow.run(dry_run=True)
    assert planned.ok and states(planned) == {"a": "would-run", "b": "would-run", "all": "would-run"}
    assert not (folder / "a.txt").exists()
    done = furrow.run("Snakefile", cores=2, config={"n": 7})
    assert done.ok and set(states(done).values()) == {"done"}
    assert (folder / "b.txt").read_text() == "7\n"
    made = next(job for job in done if job.rule == "b")
    assert made.wildcards == {"x": "b"} and made.output == ["b.txt"] and made.seconds >= 0 and made.status is None
    assert set(states(furrow.run(targets="b.txt", config={"n": 7})).values()) == {"unneeded"}


def test_a_job_that_fails_is_no_exception(folder):
    result = furrow.run(targets=["bad", "b.txt"], cores=1, options=["--keep-going"])
    assert not result.ok and states(result)["bad"] == "failed" and states(result)["b"] == "done"
    failed = next(job for job in result if job.rule == "bad")
    assert failed.status == 3 and "oh no" in result.output and "failed" in repr(failed)


def test_a_workflow_without_a_plan_is_one(folder):
    with pytest.raises(furrow.WorkflowFailed, match="no rule makes"):
        furrow.run(targets="nothing")
    with pytest.raises(FileNotFoundError):
        furrow.run(program="/no/such/furrow")
    assert not [name for name in os.listdir() if "tmp" in name]


def test_works_in_another_folder_and_shows_what_it_prints(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    code = f"import furrow; furrow.run({str(folder / 'Snakefile')!r}, 'a.txt', directory={str(other)!r}, quiet=False)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(furrow.__file__))})
    assert "1 of 1 job done" in shown.stderr and (other / "a.txt").exists()
