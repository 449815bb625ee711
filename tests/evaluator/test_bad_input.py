"""Broken Snakefiles: an error with file and line, and nothing internal in it."""

import pytest

# name: (source, line, part of the message)
CASES = {
    "name": (b'rule a:\n    input:\n        "a",\n        foo\n', 4, "foo"),
    "tabs and spaces": (b"if True:\n        x = 1\n\ty = 2\n", 3, "tabs"),
    "not utf-8": (b'x = 1\ny = "\xff\xfe"\n', 2, "0xff"),
    "nul": (b"x = 1\n\0y = 1\n", 2, "NUL"),
    "encoding": (b"# -*- coding: nonsense -*-\nx = 1\n", 1, "nonsense"),
    "duplicate rule": (b'rule a:\n    input: "x"\nrule a:\n    input: "x"\n', 3, "taken already"),
    "positional after keyword": (
        b'rule a:\n    input: a="x",\n        "y"\n',
        3,
        "positional argument follows keyword",
    ),
    "missing include": (b'x = 1\ninclude: "nope.smk"\n', 2, "nope.smk"),
    "missing config": (b'configfile: "nope.yaml"\n', 1, "nope.yaml"),
    "number as input": (b"rule a:\n    input: 3\n", 2, "int"),
    "None as input": (b"rule a:\n    input:\n        x=None\n", 2, "None"),
    "function as output": (b'rule a:\n    output: lambda w: "x"\n', 2, "function"),
    "comma in shell": (b'rule a:\n    shell: "a",\n     "b"\n', 2, "one command"),
    "huge line": (b"x = [" + b'"aaaaaaaa",' * 100000 + b"]\nrule a:\n    input: y\n", 3, "y"),
    "deep nesting": (b"x = " + b"(" * 500 + b")" * 500 + b"\n", 1, ""),
    "deeper nesting": (b"x = " + b"-" * 100000 + b"1\n", 1, "compiled"),
    "recursion": (b"def f(): f()\nf()\n", 1, "recursion"),
    "exit": (b'import sys\nsys.exit("no")\n', 2, "no"),
    "reserved name": (b'rule a:\n    input: append="x"\n', 2, "append"),
    "flags that exclude each other": (b'rule a:\n    output: temp(protected("x"))\n', 2, "exclude"),
    "flag in expand": (b'rule a:\n    output: expand(temp("x{a}"), a=1)\n', 2, "temp"),
    "unknown rule": (b'rule abc:\n    output: "x"\nrule b:\n    input: rules.abd.output\n', 4, "rules.abc"),
    "environment variable": (b'envvars: "NO_SUCH_VARIABLE"\n', 1, "NO_SUCH_VARIABLE"),
    "threads": (b'rule a:\n    threads: "x"\n', 2, "threads"),
    "resources without names": (b"rule a:\n    resources: 3\n", 2, "names"),
    "resource unit": (b'rule a:\n    resources: mem="5 parsecs"\n', 2, "parsecs"),
    "scope of a resource": (b'x = 1\nresource_scopes: gpu="here"\n', 2, "neither"),
    "scope without a name": (b'resource_scopes: "local"\n', 1, "names"),
    "shadow": (b'rule a:\n    shadow: "x"\n', 2, "shadow"),
    "missing module": (b"\nimport nosuchmodule\n", 2, "nosuchmodule"),
    "constraints": (b"wildcard_constraints: 3\n", 1, "names"),
    "return": (b"return 3\n", 1, "outside function"),
    "syntax in run": (b'rule a:\n    output: "x"\n    run:\n        x = = 3\n', 4, "invalid syntax"),
    "carriage returns": (b'rule a:\r\n    input: "x"\r\n    run:\r\n        x = = 1\r\n', 4, "invalid syntax"),
    "form feed": (b'x = 1\n\x0c\nrule a:\n    inpt: "x"\n', 4, "inpt"),
    "line separator in a text": ('x = "a\u2028b"\nrule a:\n    inpt: "x"\n'.encode(), 3, "inpt"),
    "attribute of workflow": (b"x = 1\nworkflow.nope\n", 2, "nope"),
    "two values": (b"rule a:\n    priority: 1, 2\n", 2, "one value"),
    "bad f-string": (b'rule a:\n    input: f"{x"\n', 2, ""),
    "stray unpacking": (b"rule a:\n    input: **3\n", 2, "mapping"),
    "an exception that cannot be shown": (
        b"class A:\n    def __str__(self): raise Exception\nraise Exception(A())\n",
        3,
        "Exception",
    ),
    "ruleorder of an unknown rule": (b'x = 1\nruleorder: abc > nobody\nrule abc:\n    output: "x"\n', 2, "nobody"),
    "division": (b"def f(x):\n    return 1 / x\nrule a:\n    input: str(f(0))\n", 2, "division"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_is_reported_with_its_line(folder, name):
    source, line, part = CASES[name]
    error = folder.error(source)
    assert error["file"] == str(folder.path / "Snakefile")
    assert error["line"] == line, error
    assert part.lower() in (error["message"] + " ".join(error.get("traceback", []))).lower()
    text = str(error)
    assert "furrow_evaluator" not in text and "__furrow__" not in text and "__r." not in text


def test_a_mistake_in_an_included_file_names_that_file(folder):
    path = folder.write("rules/b.smk", 'x = 1\nrule a:\n    output: nope\n')
    error = folder.error('include: "rules/b.smk"\n')
    assert error["file"] == str(path) and error["line"] == 3 and error["rule"] == "a"
    assert [line for line in error["traceback"] if line.startswith("File")][0].endswith("line 1")


def test_a_mistake_in_a_user_module_names_that_file(folder):
    path = folder.write("common.py", "def f():\n    return {}['k']\n")
    error = folder.error("import common\n\ncommon.f()\n")
    assert error["file"] == str(path) and error["line"] == 2


def test_a_mistake_in_a_library_call_names_the_users_line(folder):
    error = folder.error('import json\n\njson.loads("{")\n')
    assert error["file"] == str(folder.path / "Snakefile") and error["line"] == 3


@pytest.mark.parametrize(
    "text, line, hint",
    [
        ('configfil: "c.yaml"\n', 1, "configfile:"),
        ('x = 1\nonsucces:\n    print(1)\n', 2, "onsuccess:"),
        ('rule a:\n    output: tmp("a")\n', 2, "temp?"),
        ("from snakemake.utils import min_versoin\n", 1, "min_version?"),
        ("import snakemake.utlis\n", 1, "snakemake.utils?"),
    ],
)
def test_a_misspelt_name_is_guessed(folder, text, line, hint):
    error = folder.error(text)
    assert error["line"] == line and hint in error["hint"], error
    assert "shims" not in error["message"]


@pytest.mark.parametrize(
    "text",
    ['config_text: "a text" = "x"\n', 'class A:\n    configfil: "A"\n', "size: int\n", 'if 1:\n    include_: "x"\n'],
)
def test_names_with_types_are_python(folder, text):
    folder.load(text)


def test_flags_that_have_no_effect_are_named(folder, capfd):
    folder.load('rule a:\n    input: temp("i")\n    output: ancient("o")\n')
    said = capfd.readouterr().err
    assert "Snakefile:2: temp(...) has no effect in input" in said and "ancient(...) has no effect in output" in said
