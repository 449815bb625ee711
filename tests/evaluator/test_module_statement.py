"""`module`, and `use rule ... from ...`."""

import pytest


def items(entries):
    return [item if isinstance(item, str) else item["p"] for entry in entries for item in entry.get("items", ["fn"])]


def outputs(client):
    return {rule["name"]: items(rule["output"]) for rule in client.loaded["rules"]}


def inputs(client):
    return {rule["name"]: items(rule["input"]) for rule in client.loaded["rules"]}


OTHER = """
configfile: "is_not_there.yaml"
def number():
    return 15
rule a:
    output: "results/a.txt"
    params: n=number()
    shell: "echo {config[test]} > {output}"
rule b:
    input: rules.a.output
    output: "results/b.txt"
    log: "logs/b.log"
    shell: "cat {input} > {output}"
use rule b as c with:
    output: "results/c.txt"
rule all:
    input: rules.b.output, rules.c.output
"""
MODULE = 'module m:\n    snakefile: "other/Snakefile"\n    config: {"test": 1}\n'


@pytest.fixture
def other(folder):
    folder.write("other/Snakefile", OTHER)
    return folder


def test_all_rules_of_a_module_under_other_names(other):
    client = other.load(MODULE + "use rule * from m as m_*\nassert m.number() == 15\n")
    assert list(outputs(client)) == ["m_a", "m_b", "m_c", "m_all"]
    assert inputs(client)["m_all"] == ["results/b.txt", "results/c.txt"]
    assert client.loaded["default_target"] == "m_a"
    assert client.one("describe", client.job("m_a"))["shell"] == "echo 1 > results/a.txt"
    assert client.rule("m_a")["file"] == 1 and client.rule("m_a")["line"] == 5


def test_names_and_exclusion(other):
    def names(text):
        return list(outputs(other.load(MODULE + text)))

    assert names("use rule * from m") == ["a", "b", "c", "all"]
    assert names("use rule a, all from m as *_of_m  # but not b") == ["a_of_m", "all_of_m"]
    assert names("use rule * from m exclude a, all as x_*") == ["x_b", "x_c"]
    assert names("use rule * from m as x_* exclude a, all") == ["x_b", "x_c"]
    assert names("use rule a from m as only") == ["only"]
    assert names("if True:\n    use rule a from m\nelse:\n    use rule b from m\n") == ["a"]
    assert names("use rule c from m") == ["c"]  # although it inherits a rule that is not used


def test_directives_are_replaced_in_the_namespace_of_the_user(other):
    client = other.load(
        MODULE
        + """
place = "mine"
use rule a, b from m as m_* with:
    threads: 4
use rule a from m as own with:
    output: place + "/a.txt"
    params: extra=2
rule last:
    input: rules.own.output, rules.m_b.output, rules.m_c.output
    output: "last"
    shell: "x"
"""
    )
    assert outputs(client)["own"] == ["mine/a.txt"]
    assert [param["name"] for param in client.rule("own")["params"]] == ["n", "extra"]
    assert client.rule("m_a")["threads"] == client.rule("m_b")["threads"] == 4 and client.rule("own")["threads"] == 1
    assert inputs(client)["last"] == ["mine/a.txt", "results/b.txt", "results/c.txt"]


def test_a_later_statement_specialises_a_rule_in_its_place(other):
    client = other.load(
        MODULE + 'use rule * from m as m_*\nuse rule b from m as m_b with:\n    threads: 8\n'
        'use rule c from m as m_* with:\n    output: "other.txt"\n'
    )
    assert list(outputs(client)) == ["m_a", "m_b", "m_c", "m_all"]
    assert client.rule("m_b")["threads"] == 8 and outputs(client)["m_c"] == ["other.txt"]


def test_prefixes_move_relative_paths(other):
    other.write(
        "other/Snakefile",
        """
        def f(wildcards):
            return ["results/f", "/abs/f", rules.a.output[0]]
        rule a:
            input: "results/i", "/abs/i", "../up/i", local("here"), f
            output: temp("results/a")
            log: "logs/a"
            benchmark: "bench/a"
            params: path="results/p"
            shell: "x"
        rule b:
            input: rules.a.output, expand(rules.a.output, w=1), multiext("results/x", ".1", ".2"), rules.a.benchmark
            output: directory("results/b/")
            shell: "x"
        """,
    )
    module = 'module m:\n    snakefile: "other/Snakefile"\n'
    client = other.load(module + '    prefix: "sub"\nuse rule * from m\n')
    a = client.rule("a")
    assert [entry.get("items") for entry in a["input"][:4]] == [["sub/results/i"], ["/abs/i"], ["../up/i"], ["here"]]
    assert client.job("a")["input"][4:] == ["sub/results/f", "/abs/f", "sub/results/a"]
    assert a["output"][0]["items"] == [{"p": "sub/results/a", "f": ["temp"]}]
    assert items(a["log"]) == ["sub/logs/a"] and items([a["benchmark"]]) == ["sub/bench/a"]
    assert a["params"][0]["text"] == "results/p"
    made = ["sub/results/a", "sub/results/a", "sub/results/x.1", "sub/results/x.2", "sub/bench/a"]
    assert inputs(client)["b"] == made
    assert outputs(client)["b"] == ["sub/results/b"]
    client = other.load(module + '    replace_prefix: {"results/": "out/", "logs/": ""}\nuse rule * from m\n')
    assert inputs(client)["b"][0] == "out/a" and items(client.rule("a")["log"]) == ["a"]
    assert client.job("a")["input"][4:] == ["out/f", "/abs/f", "out/a"]


def test_what_replaces_a_path_of_a_module_is_not_moved(other):
    client = other.load(
        MODULE + '    prefix: "sub"\nuse rule * from m as m_*\nuse rule b from m as m_b with:\n    input: "plain"\n'
        'rule last:\n    input: rules.m_b.output, rules.m_b.input\n    output: "last"\n'
    )
    assert inputs(client)["m_b"] == ["plain"] and outputs(client)["m_b"] == ["sub/results/b.txt"]
    assert inputs(client)["last"] == ["sub/results/b.txt", "plain"]


def test_input_functions_of_a_module_keep_its_prefix_elsewhere(folder):
    folder.write(
        "m.smk",
        """
        rule all:
            input: lambda wildcards: ["results/x"]
        rule named:
            input: unpack(lambda wildcards: {"n": "results/y"})
            output: "o"
            shell: "x"
        """,
    )
    client = folder.load(
        'module m:\n    snakefile: "m.smk"\n    prefix: "sub"\nuse rule * from m as m_*\n'
        "rule last:\n    input: rules.m_all.input, rules.m_named.input\n"
    )
    assert client.job("last")["input"] == ["sub/results/x", "sub/results/y"]


def test_the_config_is_the_module_s_own(folder):
    folder.write("c.json", '{"x": "file", "y": "file"}')
    folder.write("m.smk", 'config.setdefault("x", 0)\nconfigfile: "c.json"\nrule a:\n    output: config["x"]\n')
    given = 'module m:\n    snakefile: "m.smk"\n    config: {"x": "given"}\nuse rule a from m\n'
    client = folder.load('x = 5\n' + given + 'assert "x" not in config and m.config["x"] == "given"\n')
    assert outputs(client) == {"a": ["given"]} and client.loaded["config"] == {}
    read = 'module m:\n    snakefile: "m.smk"\nuse rule a from m\nassert config == {"z": 1}, config\n'
    assert outputs(folder.load(read, config={"z": 1})) == {"a": ["file"]}


def test_a_module_knows_no_names_of_its_user(folder):
    folder.write("m.smk", "assert 'mine' not in globals()\nrule m:\n    output: 'm'\ntheirs = 1\n")
    folder.load("mine = 1\nmodule n:\n    snakefile: 'm.smk'\nuse rule * from n\nassert 'theirs' not in globals()\n")
    folder.load("module n:\n    snakefile: 'm.smk'\nuse rule * from n\nassert n.theirs == 1 and not hasattr(n, 'x')\n")


def test_a_snakefile_can_ask_whether_it_is_a_module(folder):
    folder.write("m.smk", "rule a:\n    output: 'a' if workflow.modules else 'direct'\n")
    assert outputs(folder.load("include: 'm.smk'\n")) == {"a": ["direct"]}
    assert outputs(folder.load("module n:\n    snakefile: 'm.smk'\nuse rule * from n\n")) == {"a": ["a"]}


def test_paths_are_relative_to_the_file_that_names_them(folder):
    folder.write("there/rules/r.smk", 'rule a:\n    output: "a"\n    script: "../scripts/s.py"\n')
    folder.write("there/scripts/s.py", "")
    folder.write("there/schema.json", "{}")
    folder.write(
        "there/Snakefile",
        'include: "rules/r.smk"\nassert workflow.source_path("x").endswith("there/x")\n'
        'assert srcdir("x").endswith("there/x") and workflow.snakefile.endswith("there/Snakefile")\n'
        'assert __file__.endswith("there/Snakefile") and str(workflow.current_basedir).endswith("there")\n'
        'from snakemake.utils import validate\nvalidate({}, "schema.json")\n',
    )
    folder.write("flow/main.smk", 'module m:\n    snakefile: "../there/Snakefile"\nuse rule * from m\n')
    client = folder.load('include: "flow/main.smk"\nassert str(workflow.basedir) == srcdir("").rstrip("/")\n')
    assert client.rule("a")["script"] == str(folder.path / "there/scripts/s.py")


def test_skipped_validation(folder):
    folder.write("schema.json", '{"required": ["a"]}')
    folder.write("m.smk", 'from snakemake.utils import validate\nvalidate(config, "schema.json")\nrule a:\n')
    module = 'module m:\n    snakefile: "m.smk"\n'
    assert "schema" in folder.error(module + "use rule * from m\n").get("message", "") + "schema"
    folder.load(module + "    skip_validation: True\nuse rule * from m\n")


def test_modules_within_modules(folder):
    folder.write("deep.smk", 'rule run:\n    output: "A/foo"\nrule next:\n    input: rules.run.output\n')
    folder.write(
        "shallow.smk",
        """
        module deep:
            snakefile: "deep.smk"
            prefix: "in"
        use rule * from deep as deep_*
        use rule run from deep as deep_run with:
            threads: 2
        rule all:
            input: rules.deep_run.output
            default_target: True
        """,
    )
    client = folder.load(
        """
        module s:
            snakefile: "shallow.smk"
            replace_prefix: {"in/A": "out"}
        use rule * from s as s_*
        use rule deep_run from s as s_deep_run with:
            params: 1
        assert rules.s_deep_run.output[0] == "out/foo" == rules.s_all.input[0]
        """
    )
    assert outputs(client) == {"s_deep_run": ["out/foo"], "s_deep_next": [], "s_all": []}
    assert inputs(client)["s_deep_next"] == ["out/foo"] and client.loaded["default_target"] == "s_all"
    run = client.rule("s_deep_run")
    assert run["threads"] == 2 and run["params"][0]["text"] == "1"


def test_names_in_variables(folder):
    for name in ("one", "two"):
        folder.write(f"{name}/Snakefile", f'rule a:\n    output: "{name}"\ndef f(): return "{name}"\n')
    loop = """
        for name, alias in [("one", "x_"), ("two", "y_")]:
            module:
                name: name
                snakefile: f"{name}/Snakefile"
            use rule * from name as alias*
        assert one.f() + two.f() == "onetwo"
        """
    assert outputs(folder.load(loop)) == {"x_a": ["one"], "y_a": ["two"]}
    assert outputs(folder.load(loop.replace("alias*", "name*"))) == {"onea": ["one"], "twoa": ["two"]}
    assert outputs(folder.load(loop.replace("use rule * from name as alias*", "use rule a from name as alias"))) == {
        "x_": ["one"],
        "y_": ["two"],
    }


def test_constraints_belong_to_the_rules_of_their_module(folder):
    folder.write("m.smk", 'rule a:\n    output: "{s}.a"\nwildcard_constraints:\n    s="m+"\n')
    client = folder.load(
        'module m:\n    snakefile: "m.smk"\nuse rule * from m\nwildcard_constraints:\n    s="x+", t="y+"\n'
        'rule b:\n    output: "{s}.b"\n'
    )
    assert client.rule("a")["constraints"] == {"s": "m+"} and client.rule("a")["module"]
    assert client.loaded["constraints"] == {"s": "x+", "t": "y+"} and "module" not in client.rule("b")


def test_orders_and_local_rules_are_those_of_the_module(folder):
    folder.write(
        "m.smk",
        'localrules: a, c\nruleorder: b > a > c\nrule a:\n    output: "x"\nrule b:\n    output: "x"\n'
        'rule c:\n    output: "x"\n',
    )
    client = folder.load(
        'module m:\n    snakefile: "m.smk"\nuse rule a, b from m as m_*\nrule a:\n    output: "y"\n'
    )
    assert client.loaded["ruleorder"] == [["m_b", "m_a"]] and client.loaded["localrules"] == ["m_a"]


def test_hooks_of_a_module_run_where_they_are_called(folder):
    folder.write("m.smk", 'onstart:\n    open("m.started", "w").write(str(log))\nrule a:\n    output: "a"\n')
    text = 'module m:\n    snakefile: "m.smk"\nuse rule a from m\n'
    assert folder.load(text).loaded["hooks"] == []
    client = folder.load(text + "onstart:\n    m.onstart()\n")
    assert client.loaded["hooks"] == ["onstart"]
    client.request("hook", name="onstart", log="/a/log")
    assert (folder.path / "m.started").read_text() == "/a/log"


def test_flags_and_containers_belong_to_a_module(folder):
    folder.write("m.smk", 'container: "image_m"\noutputflags: temp\nrule a:\n    output: "a"\n    shell: "x"\n')
    client = folder.load(
        'container: "image"\nmodule m:\n    snakefile: "m.smk"\nuse rule a from m\nrule b:\n    output: "b"\n'
        '    shell: "x"\n',
        deployment=["apptainer"],
    )
    assert client.rule("a")["environment"]["shown"] == "container image_m"
    assert client.rule("b")["environment"]["shown"] == "container image"
    assert client.rule("a")["output"][0]["items"] == [{"p": "a", "f": ["temp"]}]
    assert client.rule("b")["output"][0]["items"] == ["b"]


def test_pathvars_of_modules(folder):
    rule = 'rule a:\n    input: lambda wildcards: "<results>/i"\n    output: "<results>/a"\n'
    folder.write("m.smk", 'pathvars: results="inner"\n' + rule)
    head = 'module m:\n    snakefile: "m.smk"\n'

    def made(more):
        client = folder.load('pathvars: results="outer", stats="s"\n' + head + more + "use rule a from m\n")
        return items(client.rule("a")["output"]) + client.job("a")["input"]

    assert made("") == ["inner/a", "inner/i"]
    assert made('    pathvars: results="given"\n') == ["given/a", "given/i"]
    config = '    config: {"pathvars": {"results": "conf"}}\n'
    assert made('    pathvars: results="given"\n' + config) == ["conf/a", "conf/i"]
    assert made('    prefix: "p"\n') == ["p/inner/a", "p/inner/i"]


def test_objects_of_a_module_reach_its_scripts(folder):
    folder.write(
        "m.smk",
        """
        from dataclasses import dataclass
        @dataclass
        class Point:
            x: int
        rule a:
            output: "a"
            params: point=Point(3)
            script: "s.py"
        """,
    )
    folder.write("s.py", "open(snakemake.output[0], 'w').write(str(snakemake.params.point.x) + snakemake.config['k'])")
    client = folder.load('module m:\n    snakefile: "m.smk"\n    config: {"k": "v"}\nuse rule a from m as m_a\n')
    answer = client.one("prepare", client.job("m_a"))
    import subprocess

    subprocess.run(answer["argv"], cwd=folder.path, check=True)
    assert (folder.path / "a").read_text() == "3v"


def test_a_module_is_read_for_each_use(folder):
    folder.write("m.smk", 'config["reads"] = config.get("reads", 0) + 1\nrule a:\n    output: "a"\n')
    folder.load(
        'seen = {}\nmodule m:\n    snakefile: "m.smk"\n    config: seen\nuse rule a from m\nuse rule a from m as b\n'
        'assert seen == {"reads": 2}\n'
    )


N = "module n:\n    snakefile: 'x'\n"
WRONG = {
    "no such module": ("use rule a from n\n", 4, "no module named n", "`module n:` declares it"),
    "misspelt module": (N.replace("n:", "other:") + "use rule a from othr\n", 6, "no module named othr", "other?"),
    "name of nothing": ("n = 'zz'\nuse rule a from n\n", 5, "n is 'zz'", ""),
    "no such rule": ("use rule aa from m\n", 4, "the module m has no rule named aa", "did you mean a?"),
    "name that is taken": ("rule a:\n    output: 'x'\nuse rule * from m\n", 6, "a is taken already", "other names"),
    "name that two modules have": ("use rule a from m\nuse rule b from m as a\n", 5, "module brings another", "other"),
    "specialised twice": (
        "use rule * from m\n" + 2 * "use rule a from m with:\n    threads: 1\n",
        7,
        "specialised twice",
        "another name",
    ),
    "one name for several": ("use rule a, b from m as x\n", 4, "several rules one name", "put a *"),
    "all with a block": ("use rule * from m with:\n    threads: 1\n", 4, "takes no `with:`", ""),
    "missing snakefile": (N + "use rule * from n\n", 4, "the snakefile x of module n is not there", "relative path"),
    "no snakefile": ("module n:\n    prefix: 'x'\n", 4, "needs a snakefile", ""),
    "no name": ("module:\n    snakefile: 'x'\n", 4, "has no name", "name:"),
    "two names": (N + "    name: 'n'\n", 4, "two names", ""),
    "reserved name": ("module rules:\n    snakefile: 'x'\n", 4, "cannot be named rules", ""),
    "both prefixes": (N + "    prefix: 'p'\n    replace_prefix: {}\n", 4, "one of prefix and replace_prefix", ""),
    "prefix of a number": (N + "    prefix: 3\n", 4, "the prefix of a module", ""),
    "replacements in a list": (N + "    replace_prefix: ['a']\n", 4, "takes a dict", ""),
    "unknown directive": ("module n:\n    snakefle: 'x'\n", 5, "unknown directive snakefle", "`snakefile:`"),
    "remote file": (N.replace("x", "s3://host/x") + "use rule * from n\n", 6, "in git repositories", ""),
    "name that is no text": ("use rule * from m as m_*\nn = 3\nuse rule a from n\n", 6, "no module named n", ""),
    "alias that is no variable": ("n = 'm'\nuse rule * from n as n_*\n", 5, "stands in a variable", "alias"),
}


@pytest.mark.parametrize("what", WRONG)
def test_mistakes_are_shown_where_they_are(other, what):
    text, line, message, hint = WRONG[what]
    error = other.error(MODULE + text)
    assert message in error["message"] and hint in error.get("hint", ""), error
    assert (error["line"], error["file"]) == (line, str(other.path / "Snakefile")), error


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        'include: "gone.smk"',
        "use rule gone as x",
        "use rule * from gone",
        'rule a:\n    output: "<nothing>"',
        "rule a:\n    threads: 'x'",
    ],
)
def test_an_error_within_a_module_is_shown_there(other, text):
    other.write("other/Snakefile", "x = 1\n" + text + "\n")
    error = other.error(MODULE + "use rule a from m with:\n    priority: 3\n")
    assert error["file"] == str(other.path / "other/Snakefile") and error["line"] in (2, 3), error


def test_a_module_that_uses_itself_is_refused(folder):
    error = folder.error("module m:\n    snakefile: 'Snakefile'\nuse rule * from m as m_*\n")
    assert "uses itself without end" in error["message"] and error["line"] == 1


def test_ambiguous_prefixes_are_refused(folder):
    folder.write("m.smk", 'rule a:\n    output: "results/a/x"\n')
    prefixes = '{"results/": "x/", "results/a/": "y/"}'
    error = folder.error(
        f'module m:\n    snakefile: "m.smk"\n    replace_prefix: {prefixes}\nuse rule * from m\n'
    )
    assert "several prefixes of the path 'results/a/x'" in error["message"]
    assert (error["file"], error["line"]) == (str(folder.path / "m.smk"), 1)


def test_rules_that_only_are_excluded_by_mistake_are_named(folder, capfd):
    folder.write("m.smk", 'rule a:\n    output: "a"\n')
    folder.load('module m:\n    snakefile: "m.smk"\nuse rule * from m exclude aa, bb\n')
    assert "Snakefile:3: exclude names rules that the module m does not have: aa, bb" in capfd.readouterr().err
