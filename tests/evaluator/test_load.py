"""What `load` reports to the engine about a Snakefile."""

import json
import os
import subprocess

import pytest
from client import PYTHON


def test_rules_with_all_that_the_engine_needs(folder):
    client = folder.load(
        """
        rule all:
            "makes all"
            input: expand("out/{s}.txt", s=["a", "b"])
        rule make:
            input: x="in/{s}.txt"
            output: temp("out/{s}.txt"), b=["x/{s}", "y/{s}"]
            params: a="p{s}", b=lambda wc: wc.s, c=[1, 2]
            threads: 3
            resources: mem_mb=100, cluster="short", n=lambda wc, attempt: attempt
            log: "l/{s}"
            benchmark: "b/{s}"
            message: "hello"
            priority: 5
            retries: 2
            shadow: "minimal"
            wildcard_constraints: s="[a-z]+"
            shell: "cp {input} {output[0]}"
        """
    )
    first, make = client.loaded["rules"]
    assert first["kind"] == "none" and first["docstring"] == "makes all" and first["line"] == 2
    assert first["input"] == [{"name": None, "list": True, "items": ["out/a.txt", "out/b.txt"]}]
    assert make["kind"] == "shell" and make["code"] == "cp {input} {output[0]}"
    assert make["input"] == [{"name": "x", "list": False, "items": ["in/{s}.txt"]}]
    assert make["output"] == [
        {"name": None, "list": False, "items": [{"p": "out/{s}.txt", "f": ["temp"]}]},
        {"name": "b", "list": True, "items": ["x/{s}", "y/{s}"]},
    ]
    assert make["params"] == [
        {"name": "a", "text": "p{s}", "wild": True},
        {"name": "b", "fn": True, "line": 8},
        {"name": "c", "text": "[1, 2]", "wild": False},
    ]
    assert make["resources"]["mem_mb"] == 100 and make["resources"]["mem_mib"] == 96
    assert make["resources"]["cluster"] == "short" and make["resources"]["n"] == {"fn": True, "line": 10}
    assert make["benchmark"]["items"] == ["b/{s}"] and make["log"][0]["items"] == ["l/{s}"]
    assert (make["threads"], make["priority"], make["retries"], make["shadow"], make["message"]) == (
        3,
        5,
        2,
        "minimal",
        True,
    )
    assert make["constraints"] == {"s": "[a-z]+"}
    assert client.loaded["default_target"] == "all"
    assert client.loaded["python"]["executable"] == PYTHON


def test_flags_reach_the_engine(folder):
    client = folder.load(
        """
        rule a:
            input: ancient("i"), ancient(["j", "k"])
            output: protected("p"), directory("d"), touch("t"), ensure("e", non_empty=True, sha256="ab")
        """
    )
    rule = client.rule("a")
    assert [entry["items"][0] for entry in rule["output"]] == [
        {"p": "p", "f": ["protected"]},
        {"p": "d", "f": ["directory"]},
        {"p": "t", "f": ["touch"]},
        {"p": "e", "ensure": {"non_empty": True, "sha256": "ab"}},
    ]
    assert rule["input"][1]["items"] == [{"p": "j", "f": ["ancient"]}, {"p": "k", "f": ["ancient"]}]


def test_global_directives(folder):
    folder.write("rules/b.smk", 'rule b:\n    output: "b"\nlocalrules: b\n')
    client = folder.load(
        """
        include: "rules/b.smk"
        wildcard_constraints: x="a+"
        ruleorder: a > b > c
        rule a:
            output: "a"
            localrule: True
        rule c:
            output: "c"
            default_target: True
        onsuccess:
            print("good")
        """
    )
    loaded = client.loaded
    assert loaded["files"] == [str(folder.path / "Snakefile"), str(folder.path / "rules" / "b.smk")]
    assert [rule["name"] for rule in loaded["rules"]] == ["b", "a", "c"]
    assert [rule["file"] for rule in loaded["rules"]] == [1, 0, 0]
    assert loaded["ruleorder"] == [["a", "b", "c"]]
    assert loaded["constraints"] == {"x": "a+"}
    assert loaded["localrules"] == ["a", "b"]
    assert loaded["default_target"] == "c"
    assert loaded["hooks"] == ["onsuccess"]


def test_an_included_rule_is_not_the_default_target(folder):
    folder.write("b.smk", 'rule b:\n    output: "b"\n')
    assert folder.load('include: "b.smk"\n').loaded["default_target"] is None


def test_config_from_all_sources(folder):
    folder.write("c.json", json.dumps({"a": {"x": 1, "y": 2}, "b": 1}))
    folder.write("d.json", json.dumps({"a": {"y": 3}}))
    client = folder.load('configfile: "c.json"\n', config={"b": 5}, configfiles=[str(folder.path / "d.json")])
    assert client.loaded["config"] == {"a": {"x": 1, "y": 3}, "b": 5}


def test_config_with_keys_that_are_not_texts(folder):
    client = folder.start()
    client.yaml = lambda frame: {"__pairs__": [[1, "one"], ["two", {"__pairs__": [[True, 3]]}]]}
    folder.write("c.yaml", "")
    folder.write("Snakefile", 'configfile: "c.yaml"\nassert config == {1: "one", "two": {True: 3}}, config\n')
    client.load()


def test_workdir_is_applied_and_reported(folder):
    client = folder.load('workdir: "sub/dir"\nopen("here", "w").close()\n')
    assert client.loaded["workdir"] == str(folder.path / "sub" / "dir")
    assert (folder.path / "sub" / "dir" / "here").exists()


def test_the_command_line_overrides_workdir(folder):
    client = folder.load('workdir: "sub"\n', workdir=str(folder.path))
    assert client.loaded["workdir"] is None


def test_the_namespace_has_the_usual_names(folder):
    folder.load(
        """
        assert os.path and re.compile and sys.version and Path("a") / "b" and callable(shell.prefix)
        assert workflow.basedir == os.path.dirname(workflow.snakefile) and workflow.cores == 4
        assert workflow.source_path("x").endswith("/x") and str(workflow.current_basedir.join("y")).endswith("/y")
        assert json.dumps(config) == "{}" and hasattr(rules, "a") is False
        rule a:
            input: "i{w}", n="j{w,x+}"
            output: o=temp("o{w}")
            params: p=3
        assert rules.a.output.o == "o{w}" and rules.a.output[0] == "o{w}" and isinstance(rules.a.output[0], str)
        assert rules.a.input.n == "j{w}" and rules.a.params.p == 3 and hasattr(rules, "a")
        assert workflow.get_rule("a").name == "a" and [rule.name for rule in workflow.rules] == ["a"]
        logger.info("shown on standard error")
        assert snakemake.shell.shell is shell
        assert DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method
        """
    )


def test_multiext_may_name_its_files(folder):
    rule = folder.load('rule a:\n    output: multiext("x", a=".a", b=".b"), multiext("y", ".c", ".d")\n').rule("a")
    assert [(entry["name"], entry["items"]) for entry in rule["output"]] == [
        ("a", ["x.a"]),
        ("b", ["x.b"]),
        (None, ["y.c"]),
        (None, ["y.d"]),
    ]


def test_glob_wildcards_asks_the_engine(folder):
    folder.write("t/a.txt", "")
    folder.write("t/b.txt", "")
    client = folder.load('names, = glob_wildcards("t/{n}.txt")\nrule a:\n    input: names\n')
    assert client.rule("a")["input"][0]["items"] == ["a", "b"]
    assert client.asked[0]["pattern"] == "t/{n}.txt"


def test_glob_wildcards_in_a_given_list_asks_no_question(folder):
    client = folder.load(
        'w = glob_wildcards("{a}.{b}", files=["x.y", "z", "p.q"])\nassert w.a == ["x", "p"] and w.b == ["y", "q"]\n'
    )
    assert client.asked == []


def test_default_resources_may_be_expressions(folder):
    client = folder.load(
        'rule a:\n    output: "o"\n    resources: disk="2 GB"\n',
        default_resources={"mem": "max(2*input.size_mb, 1000)", "runtime": "2h", "queue": "short-1"},
    )
    resources = client.rule("a")["resources"]
    assert resources["disk_mb"] == 2000 and resources["runtime"] == 120 and resources["queue"] == "short-1"
    assert resources["mem_mb"]["fn"] is True and resources["tmpdir"]


def test_print_goes_to_standard_error_where_output_is_data(folder):
    folder.write("Snakefile", 'print("chatter")\n')
    client = folder.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    client.load(stdout_is_data=True)
    client.socket.close()
    out, err = client.process.communicate(timeout=10)
    assert out == b"" and b"chatter" in err


def test_file_names_that_are_not_utf8_reach_the_engine(folder):
    rule = folder.load('rule a:\n    input: os.fsdecode(b"x\\xff")\n').rule("a")
    assert os.fsencode(rule["input"][0]["items"][0]) == b"x\xff"


def test_a_list_that_changes_later_does_not_change_the_rules_files(folder):
    client = folder.load(
        """
files = ["a"]
rule one:
    input: files
    output: "o/{x}"
files.append("b")
rule two:
    input: files, named=files
files.clear()
"""
    )
    assert client.rule("one")["input"][0]["items"] == ["a"]
    assert [entry["items"] for entry in client.rule("two")["input"]] == [["a", "b"], ["a", "b"]]


def test_identity_of_params_is_the_same_in_every_process(folder):
    text = 'class A:\n    pass\nrule a:\n    params: {"b", "a", "c"}, {"z": 1, "y": {2, 1}}, A(), Path("p"), len\n'
    one = folder.load(text).rule("a")["params"]
    two = folder.load(text).rule("a")["params"]
    assert one == two
    assert one[0]["text"] == "set('a', 'b', 'c')" and one[1]["text"] == "dict('y': set(1, 2), 'z': 1)"


@pytest.mark.parametrize(
    "text",
    [
        "rule a:\n    output: dynamic('x')\n",
    ],
)
def test_unsupported_language_is_reported_with_its_line(folder, text):
    error = folder.error("\n" + text)
    assert error["type"] == "NotYet" and "not supported yet" in error["message"]
    assert error["line"] in (2, 3)


def test_unsupported_language_is_accepted_where_it_is_not_reached(folder):
    folder.load(
        "if False:\n"
        "    subworkflow m:\n        snakefile: 'x'\n"
    )


def test_directives_that_are_accepted_and_ignored(folder):
    folder.load(
        """
        container: "docker://x"
        report: "r.rst"
        rule a:
            output: report("x", caption="y")
            conda: "env.yaml"
            container: None
            envmodules: "a", "b"
            group: "g"
            cache: True
            shell: "touch x"
        """
    )


def test_the_command_line_overrides_rules(folder):
    client = folder.load(
        """
        rule a:
            input: "i"
            threads: 1
            resources: mem_mb=512
        rule b:
            handover: True
        """,
        overwrite={
            "threads": {"a": "max(input.size, 5)", "b": 3},
            "resources": {"a": {"mem": "1024", "x": "'--nice=150 --gres=gpu:1'"}},
        },
        resources={"mem_mb": 2000},
    )
    folder.write("i", "1234567")
    a, b = client.rule("a"), client.rule("b")
    assert a["threads"]["fn"] is True
    assert a["resources"]["mem_mb"] == 1024
    assert a["resources"]["x"] == "--nice=150 --gres=gpu:1"
    assert client.one("details", client.job("a"), want=["threads"]) == {"threads": 7}
    assert b["threads"] == 3 and b["resources"]["mem_mb"] == 2000 and b["local"] is True


def test_a_change_of_folder_by_the_user_is_reported(folder):
    (folder.path / "sub").mkdir()
    assert folder.load('os.chdir("sub")\n').loaded["workdir"] == str(folder.path / "sub")


def test_user_modules_are_found_and_not_hidden_by_ours(folder):
    folder.write("values.py", "here = 1\n")
    folder.write("sub/helper.py", "here = 2\n")
    folder.write("sub/b.smk", "import helper\n")
    folder.write("config.py", "here = 3\n")
    folder.load(
        'include: "sub/b.smk"\nimport values, config as c, helper\nassert values.here + c.here + helper.here == 6\n'
    )
