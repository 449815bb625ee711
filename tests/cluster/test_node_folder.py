"""The folder for temporary files is chosen on the node, unless the user says which it is."""

import os
import shutil

import pytest

RULES = """
import os, tempfile
rule all:
    input: "command", "variable", "block", "python.out", "bash.out", "params", "here", "mine", "looked"
rule command:
    output: "command"
    shell: "echo {resources.tmpdir} > {output}"
rule variable:
    output: "variable"
    shell: "echo $TMPDIR $TMP $TEMPDIR $TEMP > {output}"
rule block:
    output: "block"
    params: lambda wildcards, resources: resources.tmpdir + "/p"
    run:
        with open(output[0], "w") as file:
            print(resources.tmpdir, tempfile.gettempdir(), params[0], file=file)
        shell("echo $TMPDIR >> {output}")
rule python:
    output: "python.out"
    params: nested=lambda wildcards, resources: {"a": [resources.tmpdir + "/p"]}
    script: "script.py"
rule bash:
    output: "bash.out"
    params: x=lambda wildcards, resources: resources.tmpdir + "/p"
    script: "script.sh"
rule params:
    output: "params"
    params: tmp=lambda wildcards, resources: f"--tmp {resources.tmpdir}/x"
    shell: "echo '{params.tmp}' > {output}"
rule here:
    output: "here"
    localrule: True
    shell: "echo {resources.tmpdir} $TMPDIR > {output}"
rule mine:
    output: "mine"
    resources: tmpdir=os.path.abspath("own")
    shell: "echo {resources.tmpdir} $TMPDIR > {output}"
rule looked:
    output: "looked"
    params: lambda wildcards, resources: os.path.isdir(tempfile.mkdtemp(dir=resources.tmpdir))
    shell: "echo {params} > {output}"
"""
PYTHON = """
import tempfile
with open(snakemake.output[0], "w") as file:
    print(snakemake.resources.tmpdir, snakemake.resources["tmpdir"], tempfile.gettempdir(),
          snakemake.params.nested["a"][0], file=file)
"""
BASH = 'echo "${snakemake_resources[tmpdir]} $TMPDIR ${snakemake_params[x]}" > "${snakemake_output[0]}"\n'


@pytest.fixture
def rules(folder, monkeypatch):
    folder.write("Snakefile", RULES)
    folder.write("script.py", PYTHON)
    folder.write("script.sh", BASH)
    for name in "node", "host", "own":
        (folder / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "host"))
    return folder


def check(folder):
    node, host, own = (str(folder / name) for name in ("node", "host", "own"))
    assert folder.read("command") == f"{node}\n"
    assert folder.read("variable") == f"{node} {node} {node} {node}\n"
    assert folder.read("block") == f"{node} {node} {node}/p\n{node}\n"
    assert folder.read("python.out") == f"{node} {node} {node} {node}/p\n"
    assert folder.read("bash.out") == f"{node} {node} {node}/p\n"
    assert folder.read("params") == f"--tmp {node}/x\n"
    assert folder.read("here") == f"{host} {host}\n", "a local rule runs on this machine"
    assert folder.read("mine") == f"{own} {own}\n", "the user has said so"
    assert folder.read("looked") == "True\n", "a function that uses the folder gets that of this machine"
    assert os.listdir(host)


def submit_with(rules, tmpdir):
    rules.write("submit", f'#!/bin/sh\necho $$\nTMPDIR="{tmpdir}" setsid sh "$@" > log 2>&1 &\n')
    os.chmod(rules / "submit", 0o755)
    return "--cluster", "./submit", "-j", "4"


def test_the_nodes_folder_reaches_all_kinds_of_jobs(rules):
    rules.run(*submit_with(rules, rules / "node"))
    check(rules)
    assert "Nothing to do" in rules.run("-c", "1", quick=False).text, "where temporary files go makes no job due"


def test_the_nodes_folder_on_slurm(rules):
    rules.run("--cluster", f"sbatch -o log --export=ALL,TMPDIR={rules / 'node'}", "-j", "4", "variable", "python.out")
    assert rules.read("variable").split() == [str(rules / "node")] * 4
    assert rules.read("python.out").split()[0] == str(rules / "node")


@pytest.mark.parametrize("made", ["/gone", "a b"])
def test_a_folder_that_cannot_be_used_is_replaced(rules, made):
    """As in Python's tempfile; a name with a space would break commands that do not quote it."""
    (rules / "a b").mkdir()
    rules.run(*submit_with(rules, made if made[0] == "/" else rules / made), "command", "bash.out")
    assert rules.read("command") == "/tmp\n"
    assert rules.read("bash.out") == "/tmp /tmp /tmp/p\n"


@pytest.mark.parametrize("value, what", [("own", "own"), ("system_tmpdir", "node")])
def test_default_resources_may_name_the_folder(rules, value, what):
    value = value if value == "system_tmpdir" else repr(str(rules / value))
    submit = submit_with(rules, rules / "node")
    rules.run("command", "here", *submit, "--default-resources", f"tmpdir={value}", "mem_mb=100")
    assert rules.read("command") == f"{rules / what}\n"
    assert rules.read("here").split()[0] == str(rules / ("host" if what == "node" else what))


def test_what_is_shown_names_the_variable(rules):
    text = rules.run(*submit_with(rules, rules / "node"), "-p", "command").text
    assert "echo $TMPDIR > command" in text
    text = rules.run("-n", "-p", "-F", *submit_with(rules, rules / "node"), "command").text
    assert "/dev/null" not in text
    assert "/dev/null" not in rules.run("--detailed-summary", "command", quick=False).text


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no Rscript")
def test_the_nodes_folder_in_r(rules):
    rules.write("script.R", 'cat(snakemake@resources$tmpdir, Sys.getenv("TMPDIR"), file = snakemake@output[[1]])\n')
    rules.write("Snakefile", RULES + 'rule r:\n    output: "r.out"\n    script: "script.R"\n')
    rules.run(*submit_with(rules, rules / "node"), "r.out")
    assert rules.read("r.out") == f"{rules / 'node'} {rules / 'node'}"
