"""Small laws of the language: what is given twice, named early, changed late, or cannot be run yet."""

import pytest


def test_the_first_of_two_directives_counts(folder):
    client = folder.load(
        """
        rule a:
            input: "one"
            output: "o"
            input: "two"
            params: x=1
            params: x=2
        """
    )
    rule = client.rule("a")
    assert rule["input"][0]["items"] == ["one"] and [param["text"] for param in rule["params"]] == ["1"]


def test_the_default_target_may_be_named_before_its_rule(folder):
    client = folder.load("workflow.default_target = 'b'\nrule a:\n    output: 'a'\nrule b:\n    output: 'b'\n")
    assert client.loaded["default_target"] == "b"
    error = folder.error("workflow.default_target = 'c'\nrule a:\n    output: 'a'\n")
    assert "rule c, which does not exist" in error["message"]


def test_decorators_above_a_rule_are_called(folder):
    folder.load(
        """
        found = []
        def note(function):
            found.append(function.__name__)
            return function
        def twice(times):
            return lambda function: [note(function) for _ in range(times)][0]

        @note
        # between
        @twice(2)
        rule a:
            output: "a"
        @note
        def plain(): pass
        assert found == ["__a", "__a", "__a", "plain"], found
        """
    )


def test_resources_of_rules_may_be_changed_after_them(folder):
    client = folder.load(
        """
        rule a:
            output: "a"
            resources: mem_mb=100
        rule b:
            output: "b"
            threads: 2
        for rule in workflow.rules:
            if "mem_mb" not in rule.resources:
                rule.resources["mem_mb"] = "1 GB"
            rule.resources.setdefault("time", 5)
        rules.b.resources["_cores"] = 4
        del rules.a.resources["time"]
        """,
        cores=8,
    )
    a, b = client.rule("a"), client.rule("b")
    assert a["resources"]["mem_mb"] == 100 and "time" not in a["resources"]
    assert b["resources"]["mem_mb"] == 1000 and b["resources"]["time"] == 5 and b["threads"] == 4


def test_limits_that_the_snakefile_sets(folder):
    client = folder.load("workflow.global_resources['db'] = 1\n", resources={"gpu": 2})
    assert client.loaded["limits"] == {"db": 1}
    assert "limit of db" in folder.error("workflow.global_resources['db'] = 'x'\n")["message"]


def test_slashes_at_the_ends_of_paths_do_not_count(folder):
    client = folder.load(
        """
        rule a:
            input: "in/", ["x//", "y"], "/"
            output: directory("d/{s}/")
        rule b:
            input: rules.a.output, lambda wc: "f/"
            output: "{s}.b"
        """
    )
    assert [entry["items"] for entry in client.rule("a")["input"]] == [["in"], ["x", "y"], ["/"]]
    assert client.rule("a")["output"][0]["items"] == [{"p": "d/{s}", "f": ["directory"]}]
    assert client.rule("b")["input"][0]["items"] == [{"p": "d/{s}", "by": 0}]
    assert client.one("inputs", client.job("b", {"s": "S"}))["entries"][0][0]["items"] == ["f"]


@pytest.mark.parametrize(
    "directive, words",
    [
        ("cwl: 'https://host/tool.cwl'", ["cwl https://host/tool.cwl", "not supported yet; run it from shell:"]),
        ("script: 's.lua'", ["script s.lua"]),
    ],
)
def test_a_job_that_cannot_run_is_planned_and_refused_at_its_start(folder, directive, words):
    client = folder.load(f"rule a:\n    output: 'o'\n    {directive}\n")
    rule = client.rule("a")
    assert rule["kind"] == "script" and all(word in rule["not_yet"] for word in words)
    assert "show" in client.one("describe", client.job("a", {}))
    with pytest.raises(Exception) as failed:
        client.one("prepare", client.job("a", {}))
    assert "NotYet" in str(failed.value)


def test_files_in_storage_are_marked(folder):
    client = folder.load(
        """
        from snakemake.remote import FTP
        from snakemake.remote.S3 import RemoteProvider as S3
        storage own:
            provider="http"
        storage:
            provider="s3"
        rule a:
            input:
                FTP.RemoteProvider().remote("ftp://host/a.txt"),
                S3(keep_local=True).remote(["bucket/b", "bucket/c"]),
                storage.own("https://host/d"),
                f=storage("s3://bucket/e")
            output: storage.s3("s3://bucket/{x}")
        """
    )
    items = [item for entry in client.rule("a")["input"] for item in entry["items"]]
    assert [item["p"] for item in items] == ["host/a.txt", "bucket/b", "bucket/c", "https://host/d", "s3://bucket/e"]
    assert all(item["f"] == ["remote"] for item in items)
    assert client.rule("a")["output"][0]["items"][0]["f"] == ["remote"]


def test_scattergather(folder):
    text = """
        scattergather: split=2
        rule a:
            output: scatter.split("s/{scatteritem}.txt")
        rule b:
            input: gather.split("{{x}}/{scatteritem}")
            output: "{x}"
        """
    client = folder.load(text)
    assert client.rule("a")["output"][0]["items"] == ["s/1-of-2.txt", "s/2-of-2.txt"]
    assert client.rule("b")["input"][0]["items"] == ["{x}/1-of-2", "{x}/2-of-2"]
    assert client.loaded["constraints"] == {"scatteritem": r"\d+-of-\d+"}
    more = folder.load(text, overwrite={"scatter": {"split": 3}})
    assert len(more.rule("a")["output"][0]["items"]) == 3
    error = folder.error("rule a:\n    output: scatter.split('{scatteritem}')\n")
    assert error["line"] == 2 and "scattergather" in error["message"]


def test_pathvars(folder):
    client = folder.load(
        """
        pathvars: results="out", a="{s}", b="of_workflow", nested="<a>/<b>"
        rule a:
            input: "<results>/<own>", lambda wc: "<logs>/x"
            output: "<results>/<nested>"
            pathvars: own="mine"
        """,
        config={"pathvars": {"b": "of_config"}},
    )
    assert client.rule("a")["input"][0]["items"] == ["out/mine"]
    assert client.rule("a")["output"][0]["items"] == ["out/{s}/of_config"]
    assert client.one("inputs", client.job("a", {"s": "S"}))["entries"][0][0]["items"] == ["logs/x"]
    assert "<none>" in folder.error("rule a:\n    output: '<none>/x'\n")["message"]
    assert "without end" in folder.error("pathvars: a='<b>', b='<a>'\nrule a:\n    output: '<a>'\n")["message"]


def test_a_priority_may_be_a_function(folder):
    client = folder.load("rule a:\n    output: '{x}'\n    priority: lambda wc, attempt: int(wc.x) + attempt\n")
    assert client.rule("a")["priority"] == {"fn": True, "line": 3}
    assert client.one("details", client.job("a", {"x": "4"}), want=["priority"]) == {"priority": 5}


def test_functions_behind_decorators_get_what_they_name(folder):
    client = folder.load(
        """
        from functools import partial, wraps
        def quiet(function):
            @wraps(function)
            def call(*args, **kwargs): return function(*args, **kwargs)
            return call
        def bare(function):
            return lambda *args, **kwargs: function(*args, **kwargs)
        def open_ended(wildcards, **kwargs):
            assert not kwargs
            return "x"
        def named(wildcards, **kwargs):
            return str(kwargs["attempt"])
        rule a:
            input: quiet(lambda wildcards, rulename: rulename), bare(lambda wildcards: "y"), open_ended, named
            output: "o"
            threads: 3
            params: quiet(quiet(lambda wc, input, threads: [len(input), threads])), bare(lambda wc: "z")
        """
    )
    entries = client.one("inputs", client.job("a", {}))["entries"]
    assert [entry[0]["items"] for entry in entries] == [["a"], ["y"], ["x"], ["1"]]
    job = {**client.job("a", {}), "input": ["p", "q"]}
    answer = client.one("details", job, want=["params"])
    assert [param["text"] for param in answer["params"]] == ["[2, 3]", "z"]
