"""A dry run finds what a run would find, and a run finds it before it has started anything."""

import os
import re

import pytest

import engine

BASE = """
rule all:
    input: "late.txt"
rule early:
    output: early="early.txt"
    shell: "echo hi > {output}"
rule late:
    input: "early.txt"
    output: text="late.txt"
    message: "makes {output}"
    params: x=1
    threads: 1
    resources: mem_mb=1
    shell: "echo {params.x} {threads} > {output}"
"""
RUN = '''    run:
        open(output[0], "w").write(str(params.x))
'''
MISTAKES = {
    "misspelt output": ("> {output}\"\n", "> {outptu}\"\n", "did you mean 'output'?"),
    "misspelt param": ("{params.x}", "{params.y}", "no parameter named y (names here: x)"),
    "misspelt wildcard": ("x=1", 'x="{sampel}"', "sampel"),
    "braces": ("echo {params.x}", "awk '{print $1}'", "doubled"),
    "one brace": ("echo {params.x}", "echo {", "filled in"),
    "missing key": ("{params.x}", "{config[nope]}", "nope"),
    "params": ("x=1", "x=lambda w: config['nope']", "nope"),
    "params with input": ("x=1", "x=lambda w, input: undefined(input)", "undefined"),
    "threads": ("threads: 1", "threads: lambda w: 1 / 0", "ZeroDivisionError"),
    "resources": ("mem_mb=1", "mem_mb=lambda w: 1 / 0", "ZeroDivisionError"),
    "message": ("makes {output}", "makes {wildcards.nope}", "nope"),
    "script": ('shell: "echo {params.x} {threads} > {output}"', 'script: "nope.py"', "nope.py"),
    "run": ('    shell: "echo {params.x} {threads} > {output}"\n', RUN.replace("params.x", "1"), "nope"),
}


def write(folder, text, name="Snakefile"):
    (folder / name).write_text(text)


def mistaken(name):
    old, new, _ = MISTAKES[name]
    late = BASE.index("rule late")
    assert old in BASE[late:]
    text = BASE[:late] + BASE[late:].replace(old, new, 1)
    return text.replace("x=1", "x=lambda w: config['nope']") if name == "run" else text


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_later_job_is_found_before_anything_runs(tmp_path, name):
    write(tmp_path, mistaken(name))
    for options in (["-n"], ["-n", "-q"], []):
        result = engine.furrow_run(*options, cwd=tmp_path)
        assert result.code == 1, str(result)
        assert MISTAKES[name][2] in result.text and re.search(r"Snakefile:\d+", result.text), str(result)
        assert not (tmp_path / "early.txt").exists()
    result = engine.furrow_run("-k", cwd=tmp_path)
    assert result.code == 1
    # A wildcard that the output does not have is a mistake of the rule, and found while planning.
    assert (tmp_path / "early.txt").exists() == (name != "misspelt wildcard"), str(result)


WAITING = {
    "reads": "x=lambda w, input: open(input[0]).read().strip()",
    "reads without input": "x=lambda w: open('early.txt').read().strip()",
    "another error": "x=lambda w, input: {name: 1 for name in __import__('os').listdir('.')}[input[0]] and 'hi'",
    "size": "x=lambda w, input: 'hi' if input.size == 3 else 'no'",
    "another param": "a=lambda w, input: len(open(input[0]).read()), "
    "x=lambda w, params: 'hi' if int(params.a) == 3 else 'no'",
}


@pytest.mark.parametrize("name", WAITING)
def test_what_a_later_job_reads_is_not_known_yet(tmp_path, name):
    write(tmp_path, BASE.replace("x=1", WAITING[name]))
    result = engine.furrow_run("-n", "-p", cwd=tmp_path)
    assert result.code == 0 and "echo <TBD> 1 > late.txt" in result.out, str(result)
    result = engine.furrow_run(cwd=tmp_path)
    assert result.code == 0, str(result)
    assert (tmp_path / "late.txt").read_text() == "hi 1\n"


def test_threads_and_resources_that_depend_on_an_input(tmp_path):
    text = BASE.replace("threads: 1", "threads: lambda w, input: len(open(input[0]).read())")
    text = text.replace("mem_mb=1", "mem_mb=lambda w, input: input.size_mb + 5").replace("params.x", "resources.mem_mb")
    write(tmp_path, text.replace("{threads} >", "{threads} {resources.mem} {resources.mem_mib} >"))
    result = engine.furrow_run("-n", "-p", cwd=tmp_path)
    assert result.code == 0 and "echo <TBD> <TBD> <TBD> <TBD> > late.txt" in result.out, str(result)
    assert engine.furrow_run(cwd=tmp_path).code == 0
    assert (tmp_path / "late.txt").read_text() == "5 2 5 MB 5\n"


def test_threads_are_shown_as_the_run_would_have_them(tmp_path):
    write(tmp_path, BASE.replace("threads: 1", "threads: 64"))
    assert "echo 1 2 > late.txt" in engine.furrow_run("-n", "-p", "-c", "2", cwd=tmp_path).out


def test_a_script_that_a_job_makes(tmp_path):
    text = BASE.replace("early.txt", "early.py").replace("echo hi >", "echo 'open(snakemake.output[0], chr(119))' >")
    write(tmp_path, text.replace('shell: "echo {params.x} {threads} > {output}"', 'script: "early.py"'))
    for options in (["-n"], []):
        result = engine.furrow_run(*options, cwd=tmp_path)
        assert result.code == 0, str(result)


@pytest.mark.parametrize("arguments", ["x=lambda w: 1 / 0", "x=lambda w: undefined"])
def test_params_that_fail_are_an_error_although_the_outputs_are_there(tmp_path, arguments):
    write(tmp_path, BASE)
    assert engine.furrow_run(cwd=tmp_path).code == 0
    write(tmp_path, BASE.replace("x=1", arguments))
    for options in (["-n"], [], ["-k"]):
        assert engine.furrow_run(*options, cwd=tmp_path).code == 1
        assert (tmp_path / "late.txt").exists()
    assert "a function of its params fails" in engine.furrow_run("--why", "late.txt", cwd=tmp_path).out


def test_many_jobs_with_one_mistake_take_a_few_lines(tmp_path):
    write(tmp_path, """
rule all:
    input: expand("{n}.txt", n=range(500))
rule a:
    output: "{n}.txt"
    shell: "touch {outptu}"
""")
    result = engine.furrow_run(cwd=tmp_path)
    assert result.code == 1 and "499 more jobs" in result.text and len(result.err.splitlines()) < 25, str(result)


def test_nothing_to_do_says_that_newer_inputs_are_unchanged(tmp_path):
    write(tmp_path, """
rule all:
    input: expand("{n}.out", n=range(3))
rule a:
    input: "{n}.in", "common"
    output: "{n}.out"
    shell: "cat {input} > {output}"
""")
    for name in ("0.in", "1.in", "2.in", "common"):
        write(tmp_path, name, name)
    assert engine.furrow_run(cwd=tmp_path).code == 0
    assert "newer" not in engine.furrow_run(cwd=tmp_path).text
    for count, name in enumerate(("common", "1.in"), 1):
        later = os.stat(tmp_path / "2.out").st_mtime + 5
        os.utime(tmp_path / name, (later, later))
        expected = ["1 input is newer, its content is unchanged", "2 inputs are newer, their contents are unchanged"]
        for options in ([], ["-n"]):
            result = engine.furrow_run(*options, cwd=tmp_path)
            assert result.code == 0 and expected[count - 1] in result.text, str(result)
    assert "newer, but unchanged: 1.in, common" in engine.furrow_run("--why", "1.out", cwd=tmp_path).out


@pytest.mark.parametrize("answer", ["lambda w: {'r': 'r.txt'}", "lambda w: [{'r': 'r.txt'}]", "{'r': 'r.txt'}"])
def test_a_dict_of_inputs_without_unpack_is_refused(tmp_path, answer):
    write(tmp_path, f'rule a:\n    input:\n        {answer}\n    output: "out"\n    shell: "cat {{input}} > out"\n')
    write(tmp_path, "", "r")
    write(tmp_path, "", "r.txt")
    for options in (["-n"], []):
        result = engine.furrow_run(*options, cwd=tmp_path)
        assert result.code == 1 and "dict" in result.text and re.search(r"Snakefile:[123]\b", result.text), str(result)
    assert answer[0] == "{" or "[" in answer or "unpack(" in result.text
