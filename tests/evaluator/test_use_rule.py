"""`use rule a as b with:` within one Snakefile."""

import pytest


def items(entries):
    return [item if isinstance(item, str) else item["p"] for entry in entries for item in entry["items"]]


def params(rule):
    return [(param["name"], param["text"]) for param in rule["params"]]


BASE = """
rule a:
    "says what"
    input: "i1", named="i2"
    output: "{w}.a"
    log: "{w}.log"
    params: "p1", "p2", x=1, y=2
    threads: 3
    resources: mem_mb=10, gpu=1
    wildcard_constraints: w="x+"
    priority: 5
    localrule: True
    shell: "echo {params} > {output}"
"""


def test_a_rule_inherits_what_is_not_replaced(folder):
    client = folder.load(BASE + 'use rule a as b with:\n    output: "{w}.b"\n')
    a, b = client.rule("a"), client.rule("b")
    assert items(b["output"]) == ["{w}.b"]
    same = "kind code docstring input log params threads resources constraints priority".split()
    assert [b[name] for name in same] == [a[name] for name in same]
    assert (a["line"], b["line"]) == (2, 14)


def test_each_directive_is_replaced_as_a_whole_but_params(folder):
    client = folder.load(
        BASE
        + """
use rule a as b with:
    input: other="j"
    output: "{w}.b"
    log: "new.{w}"
    resources: disk_mb=5
    threads: 7
    wildcard_constraints: w="y+"
    params: y=20, z=30
use rule a as c with:
    output: "{w}.c"
    params: "only", x=9
"""
    )
    b, c = client.rule("b"), client.rule("c")
    assert [(entry["name"], entry["items"]) for entry in b["input"]] == [("other", ["j"])]
    assert b["threads"] == 7 and b["constraints"] == {"w": "y+"} and items(b["log"]) == ["new.{w}"]
    assert "gpu" not in b["resources"] and "mem_mb" not in b["resources"] and b["resources"]["disk_mb"] == 5
    assert params(b) == [(None, "p1"), (None, "p2"), ("x", "1"), ("y", "20"), ("z", "30")]
    assert params(c) == [(None, "only"), ("x", "9"), ("y", "2")]


def test_a_block_says_anew_what_is_local_and_the_default_target(folder):
    client = folder.load(BASE + 'use rule a as b with:\n    output: "{w}.b"\nuse rule a as c\n')
    assert [client.rule(name)["local"] for name in "abc"] == [True, False, True]


def test_rules_inherit_from_rules_that_inherit(folder):
    client = folder.load(
        BASE
        + """
use rule a as b with:
    output: "{w}.b"
    params: x=10
use rule b as c with:
    input: rules.b.output
    output: "{w}.c"
    threads: 1
"""
    )
    c = client.rule("c")
    assert items(c["input"]) == ["{w}.b"] and c["threads"] == 1 and dict(params(c))["x"] == "10"
    assert client.rule("b")["threads"] == 3 and client.rule("a")["threads"] == 3


def test_run_blocks_functions_and_docstrings(folder):
    client = folder.load(
        """
        rule a:
            input: lambda wildcards: "a.in"
            output: "a.out"
            run:
                open(output[0], "w").write(rule + input[0])
        use rule a as b with:
            "another text"
            input: lambda wildcards: "b.in"
            output: "b.out"
        """
    )
    job = client.job("b")
    assert job["input"] == ["b.in"] and client.rule("b")["docstring"] == "another text"
    event, _, err = client.run_block(job)
    assert event["status"] == 0, err
    assert (folder.path / "b.out").read_text() == "bb.in"
    assert client.rule("a")["code"] == client.rule("b")["code"]


def test_pathvars_may_be_replaced(folder):
    client = folder.load(
        """
        rule a:
            output: "<place>/a"
            pathvars: place="one"
            shell: "x"
        use rule a as b with:
            pathvars: place="two"
        """
    )
    assert items(client.rule("b")["output"]) == ["two/a"]


def test_a_script_is_found_in_the_folder_of_either_rule(folder):
    folder.write("rules/scripts/s.py", "")
    folder.write("rules/r.smk", 'rule a:\n    output: "a"\n    script: "scripts/s.py"\n')
    client = folder.load('include: "rules/r.smk"\nuse rule a as b with:\n    output: "b"\n')
    assert client.rule("b")["script"] == str(folder.path / "rules/scripts/s.py")
    folder.write("scripts/s.py", "")
    client = folder.load('include: "rules/r.smk"\nuse rule a as b with:\n    output: "b"\n')
    assert client.rule("b")["script"] == str(folder.path / "scripts/s.py")


def test_a_star_stands_for_the_name(folder):
    client = folder.load(BASE + 'use rule a as very_*_new with:\n    output: "{w}.b"\n')
    assert [rule["name"] for rule in client.loaded["rules"]] == ["a", "very_a_new"]


def test_the_default_target_stays_the_first_rule(folder):
    client = folder.load(BASE + 'use rule a as b with:\n    output: "{w}.b"\n')
    assert client.loaded["default_target"] == "a"
    client = folder.load(BASE + 'use rule a as b with:\n    output: "{w}.b"\n    default_target: True\n')
    assert client.loaded["default_target"] == "b"


WRONG = {
    "itself": ("use rule a as a with:\n    threads: 1\n", 14, "cannot be like itself", "another name"),
    "unknown rule": ("use rule aa as b\n", 14, "no rule named aa", "did you mean a?"),
    "name that is taken": ("rule b:\n    output: 'b'\nuse rule a as b\n", 16, "b is taken already", ""),
    "no name": ("use rule a with:\n    threads: 1\n", 14, "needs a name", "as b"),
    "several rules": ("use rule a, b as c_*\n", 14, "inherits one rule", ""),
    "all rules": ("use rule * as c_*\n", 14, "needs the module", "from m"),
    "command": ("use rule a as b with:\n    shell: 'x'\n", 15, "shell cannot be replaced", "the command is"),
    "run block": ("use rule a as b with:\n    run:\n        x\n", 15, "run cannot be replaced", ""),
    "misspelt directive": ("use rule a as b with:\n    ouput: 'x'\n", 15, "unknown directive ouput", "`output:`"),
    "bad value": ("use rule a as b with:\n    threads: 'x'\n", 15, "threads must be", ""),
    "no colon": ("use rule a as b with\n    threads: 2\n", 14, "expected ':' after with", ""),
    "nonsense": ("use rule a as b where x\n", 14, "unexpected 'where'", "use rule a as b with:"),
    "two names": ("use rule a as b as c\n", 14, "more than one as", ""),
    "no rule": ("use rule as b\n", 14, "expected the name of a rule", ""),
    "bad name": ("use rule a as b-c\n", 14, "unexpected '-'", ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_mistakes_are_shown_where_they_are(folder, what):
    text, line, message, hint = WRONG[what]
    error = folder.error(BASE + text)
    assert error["line"] == line and message in error["message"] and hint in error.get("hint", ""), error
    assert error["file"] == str(folder.path / "Snakefile")


def test_use_may_be_a_name(folder):
    folder.load("use = 3\nuse += 1\nassert use == 4\nmodule = use\nassert module == 4\n" + BASE)


def test_rules_that_python_code_defines_with_decorators(folder):
    client = folder.load(
        """
        def add(name):
            text = f'''
        @workflow.rule(name="{name}")
        @workflow.input("{name}.in", x=lambda wildcards: "i")
        @workflow.output("{name}.out")
        @workflow.log("{name}.log")
        @workflow.resources(mem_mb=7, time="1:00")
        @workflow.params(5)
        @workflow.container("c")
        @workflow.shellcmd("cp {{input}} {{output}}")
        @workflow.run
        def __rule_{name}(input, output, params, wildcards, threads, resources, log, version, rule, conda_env,
                          runtime_sourcecache_path, __is_snakemake_rule_func=True):
            shell("echo {{rule}} {{params}} > {{output[0]}}", bench_record=version)
        '''
            from textwrap import dedent
            exec(compile(dedent(text), "made", "exec"), workflow.globals)
        add("a")
        @workflow.rule(name="all", lineno=3, snakefile="x")
        @workflow.input(rules.a.output)
        @workflow.norun()
        @workflow.run
        def __rule_all(input): pass
        use rule a as b with:
            output: "b.out"
        """
    )
    assert [rule["kind"] for rule in client.loaded["rules"]] == ["run", "none", "run"]
    assert items(client.rule("all")["input"]) == ["a.out"] and client.rule("a")["code"] == "cp {input} {output}"
    assert client.rule("a")["resources"]["time"] == "1:00"
    for name in "ab":
        event, _, err = client.run_block(client.job(name), tag=ord(name))
        assert event["status"] == 0, err
        assert (folder.path / f"{name}.out").read_text() == f"{name} 5\n"
