"""`script:` jobs."""

import os
import shutil
import subprocess

import pytest
from conftest import job_error


def run(client, name, wildcards=None, **fields):
    answer = client.one("prepare", client.job(name, wildcards, **fields))
    done = subprocess.run(
        answer["argv"], cwd=client.cwd, env={**os.environ, **answer["env"]}, capture_output=True, text=True
    )
    return answer, done


RULE = """
    rule a:
        input: "a b", x=["c", "d"]
        output: o="out/{s}"
        params: p="it's {s}", f=lambda wc: {"k": (1, 2.5)}, l=[1, "two"]
        threads: 3
        resources: mem_mb=100
        log: "log file"
        script: "scripts/%s"
"""


def test_python_scripts(folder):
    folder.write("scripts/beside.py", "value = 5\n")
    folder.write(
        "scripts/s.py",
        """
        import os, sys
        import beside
        from snakemake.script import snakemake as same
        from snakemake.shell import shell
        assert same is snakemake and __name__ == "__main__" and beside.value == 5
        assert os.path.basename(__file__) == "s.py" and os.path.basename(snakemake.scriptdir) == "scripts"
        input, output, params, resources = snakemake.input, snakemake.output, snakemake.params, snakemake.resources
        print(input[0], input.x, output.o, params.p, params.f["k"], params["l"])
        print(snakemake.wildcards.s, snakemake.threads, resources.mem_mb, snakemake.rule, end=" ")
        print(snakemake.config["c"], snakemake.bench_iteration)
        print(snakemake.log_fmt_shell(), snakemake.log_fmt_shell(stdout=False, append=True), flush=True)
        shell("echo {snakemake.input[0]:q}")
        raise ValueError("in the script")
        """,
    )
    client = folder.load(RULE % "s.py", config={"c": {"d": 1}})
    assert client.rule("a")["script"] == str(folder.path / "scripts" / "s.py")
    assert client.rule("a")["code"] == "scripts/s.py"
    answer, done = run(client, "a", {"s": "S"})
    assert done.stdout.splitlines() == [
        "a b c d out/S it's S (1, 2.5) [1, 'two']",
        "S 3 100 a {'d': 1} None",
        " > log file 2>&1  2>> log file",
        "a b",
    ], done.stderr
    assert done.returncode == 1 and done.stderr.count("File ") == 1 and "s.py\", line 14" in done.stderr
    assert os.path.exists(answer["payload"]) and answer["show"] == "python3 scripts/s.py"


def test_describe_writes_no_payload(folder):
    folder.write("scripts/s.py", "")
    client = folder.load(RULE % "s.py")
    answer = client.one("describe", client.job("a", {"s": "S"}))
    assert answer["show"] == "python3 scripts/s.py"
    assert "payload" not in answer
    assert not (folder.path / ".furrow").exists()


def test_bash_scripts(folder):
    folder.write(
        "scripts/s.sh",
        '#!/bin/bash\necho "${snakemake_input[0]}|${snakemake_input[x]}|${snakemake_params[p]}"'
        '"|${snakemake[rule]}|${snakemake_config[c]}"\n',
    )
    client = folder.load(RULE % "s.sh", config={"c": "x y"})
    _, done = run(client, "a", {"s": "S"})
    assert done.stdout == "a b|c d|it's S|a|x y\n", done.stderr


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_r_scripts(folder):
    folder.write("scripts/beside.R", "value <- 5\n")
    folder.write(
        "scripts/s.R",
        """
        snakemake@source("beside.R")
        params <- snakemake@params
        memory <- snakemake@resources[["mem_mb"]]
        cat(snakemake@input[[1]], snakemake@input[["x"]], params[["p"]], params[["f"]][["k"]], "\\n", sep="|")
        cat(snakemake@threads, snakemake@rule, snakemake@config[["c"]], memory, value, "\\n", sep="|")
        """,
    )
    client = folder.load(RULE % "s.R", config={"c": "q\"uote"})
    _, done = run(client, "a", {"s": "S"})
    assert done.stdout.split() == ["a", "b|c|d|it's", "S|1|2.5|", '3|a|q"uote|100|5|'], done.stderr


def test_r_values():
    from furrow_evaluator.script_text import r_value

    assert r_value([1, 2.5]) == "c(1L, 2.5)" and r_value([1, "a"]) == 'list(1L, "a")' and r_value([True]) == "c(TRUE)"
    assert r_value({"a": None}) == 'list("a" = NULL)'
    assert r_value(float("-inf")) == "-Inf"
    assert r_value('a"\\\n') == '"a\\"\\\\\\n"'


def test_a_script_path_is_relative_to_the_included_file(folder):
    folder.write("sub/scripts/s.py", "")
    folder.write("sub/b.smk", RULE % "s.py")
    client = folder.load('include: "sub/b.smk"\n')
    assert client.rule("a")["script"] == str(folder.path / "sub" / "scripts" / "s.py")


def test_the_path_of_a_script_may_hold_wildcards(folder):
    folder.write("scripts/S.py", "print('S')")
    client = folder.load(RULE % "{wildcards.s}.py")
    assert client.rule("a")["script"] is None
    assert run(client, "a", {"s": "S"})[1].stdout == "S\n"


def test_a_value_that_cannot_be_passed_to_a_script_is_named(folder):
    folder.write("s.py", "")
    client = folder.load('rule a:\n    params: good=1, bad=lambda wc: [open(os.devnull)]\n    script: "s.py"\n')
    error = job_error(client, "prepare", client.job("a"))
    assert "params.bad" in error["message"] and error["line"] == 1


def test_missing_and_unknown_scripts(folder):
    folder.write("s.xyz", "")
    client = folder.load('rule a:\n    script: "nope.py"\nrule b:\n    script: "s.xyz"\n')
    assert "nope.py" in job_error(client, "prepare", client.job("a"))["message"]
    assert job_error(client, "prepare", client.job("b"))["type"] == "NotYet"
