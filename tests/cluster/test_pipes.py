"""Jobs that run at once go to the cluster as one: in one allocation, on one node, with the cores of all."""
import signal
import stat

import pytest
from running import wait_until

PAIRS = """
rule all:
    input: expand("{{x}}.out", x={names})
rule write:
    output: pipe("{{x}}.p")
    threads: 2
    resources: mem_mb=30, runtime=2
    shell: "echo write {{wildcards.x}} >> $JOBLOG; {write} > {{output}}"
rule read:
    input: "{{x}}.p"
    output: "{{x}}.out"
    resources: mem_mb=40, runtime=3
    shell: "echo read {{wildcards.x}} >> $JOBLOG; {read}"
"""


def pairs(names="ab", write="echo text", read="cat {input} > {output}"):
    return PAIRS.format(names=list(names), write=write, read=read)


def pipes(folder):
    return [path.name for path in folder.path.rglob("*") if stat.S_ISFIFO(path.lstat().st_mode)]


def test_both_ends_of_a_pipe_share_an_allocation(folder):
    folder.write("Snakefile", pairs(read="scontrol -o show job $SLURM_JOB_ID > {wildcards.x}.job; "
                                         "cat {input} > {output}"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 2
    assert folder.read("a.out") == folder.read("b.out") == "text\n" and pipes(folder) == []
    shown = folder.read("a.job")
    for field in ("CPUs/Task=3", "MinMemoryNode=70M", "TimeLimit=00:03:00", "JobName=furrow-pipe-write"):
        assert field in shown, (field, shown)
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_a_group_with_a_pipe_in_it(folder):
    folder.write("Snakefile", """
rule all:
    input: "out"
rule before:
    output: "before"
    group: "g"
    shell: "sleep 0.3; echo before > {output}"
rule write:
    output: pipe("p")
    group: "g"
    shell: "echo text > {output}"
rule read:
    input: "before", "p"
    output: "read"
    shell: "cat {input} > {output}"
rule after:
    input: "read"
    output: "out"
    group: "g"
    shell: "cp {input} {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 1
    assert folder.read("out").split() == ["before", "text"] and pipes(folder) == []


def test_a_failure_ends_both_and_both_are_tried_again(folder):
    folder.write("Snakefile", pairs("a", read="cat {input} > {output}; test $(grep -c read $JOBLOG) -ge 2"))
    result = folder.run("--executor", "slurm", code=1)
    assert "because read (x=a), with which it runs at once, has failed (exit code 1)" in result.text, result
    assert pipes(folder) == []
    (folder.path / "jobs.log").write_text("")
    folder.run("--executor", "slurm", "--retries", "1")
    assert sorted(folder.log()) == ["read a", "read a", "write a", "write a"]
    assert folder.read("a.out") == "text\n"


def test_too_many_cores_together_are_an_error(folder):
    folder.write("Snakefile", pairs("a"))
    result = folder.run("--executor", "slurm", "--cores", "2", code=1)
    assert "run at once" in result.text and "they need 3 cores, and there are only 2" in result.text, result
    assert folder.log() == []
    assert "Snakefile:4" in result.text or "Snakefile:9" in result.text


def test_a_service_and_those_that_use_it_share_an_allocation(folder):
    folder.write("Snakefile", """
rule all:
    input: "1.out", "2.out"
rule serve:
    output: service("here")
    shell: "trap 'echo end >> $JOBLOG; exit' TERM; sleep 0.2; hostname > {output}; while true; do sleep 0.05; done"
rule use:
    input: "here"
    output: "{n}.out"
    shell: "cat {input} > {output}; echo use >> $JOBLOG"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 1
    assert folder.log() == ["use", "use", "end"] and not (folder.path / "here").exists()


def test_an_engine_that_follows_a_killed_one_takes_them_over(folder):
    folder.write("Snakefile", pairs("a", write="sleep 2; echo text"))
    engine = folder.start("--executor", "slurm")
    wait_until(lambda: folder.times("read a") >= 1, 60, "they have begun")
    engine.signal(signal.SIGKILL)
    engine.wait()
    folder.run("--executor", "slurm")
    assert sorted(folder.log()) == ["read a", "write a"] and folder.read("a.out") == "text\n"
    assert pipes(folder) == []


@pytest.mark.parametrize("what", ["pipe", "service"])
def test_not_behind_a_checkpoint(folder, what):
    folder.write("Snakefile", f"""
rule all:
    input: "sum"
checkpoint look:
    output: "look"
    shell: "touch {{output}}"
rule write:
    output: {what}("p")
    shell: "echo > {{output}}"
rule read:
    input: "p"
    output: "read"
    shell: "cat {{input}} > {{output}}"
def asked(wildcards):
    checkpoints.look.get()
    return "read"
rule sum:
    input: asked
    output: "sum"
    shell: "cp {{input}} {{output}}"
""")
    result = folder.run("--executor", "slurm", code=1)
    assert f"{what}(...) in rule write" in result.text and "checkpoint" in result.text and "Snakefile:7" in result.text
