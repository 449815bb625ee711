"""Input functions that wait for checkpoints: what they answer before and after the checkpoint has run."""

import pytest
from client import Failed

CLUSTERS = """
    checkpoint cluster:
        output: folder=directory("clusters/{s}"), log="cluster-{s}.log"
        shell: "x"
    rule all:
        input: "a.sum"
"""


def asked(client, rule, **wildcards):
    names = [known["name"] for known in client.loaded["rules"]]
    (answer,) = client.request("inputs", jobs=[{"r": names.index(rule), "w": wildcards, "attempt": 1}])["jobs"]
    if "error" in answer:
        raise Failed(answer["error"])
    return answer["entries"]


def finish(client, *outputs):
    assert client.request("finished", outputs=list(outputs)) == {}


def load(folder, text):
    return folder.load(CLUSTERS + text)


def test_a_checkpoint_is_a_rule_that_says_so(folder):
    rules = load(folder, "").loaded["rules"]
    assert [(rule["name"], rule["checkpoint"]) for rule in rules] == [("cluster", True), ("all", False)]


def test_a_function_waits_until_the_checkpoint_has_run(folder):
    client = load(folder, """
    rule sum:
        input: "plain", parts=lambda wildcards: checkpoints.cluster.get(**wildcards).output[0] + "/x"
        output: "{s}.sum"
    """)
    waiting = [[{"waits": True, "name": "parts", "list": False, "items": ["clusters/a"]}]]
    assert asked(client, "sum", s="a") == waiting
    finish(client, "clusters/b")
    assert asked(client, "sum", s="a") == waiting
    finish(client, "clusters/a")
    assert asked(client, "sum", s="a") == [[{"name": "parts", "list": False, "items": ["clusters/a/x"]}]]


@pytest.mark.parametrize("function", [
    "expand('{s}/{i}', s=w.s, i=os.listdir(checkpoints.cluster.get(s=w.s).output.folder))",
    "expand('{s}/{i}', s=w.s, i=sorted(glob_wildcards(checkpoints.cluster.get(s=w.s).output[0] + '/{i}').i))",
    "[f'{w.s}/{p.name}' for p in Path(checkpoints.cluster.get(s=w.s).output.folder).iterdir()]",
    "(f'{w.s}/{name}' for name in os.listdir(checkpoints.cluster.get(s=w.s).output.folder))",
    "branch(lambda w: checkpoints.cluster.get(s=w.s).output, then='{s}/1', otherwise='{s}/2')",
])
def test_ways_to_ask(folder, function):
    folder.write("clusters/a/1", "")
    text = function if function.startswith("branch") else "lambda w: " + function
    client = load(folder, f"""
    from pathlib import Path
    rule sum:
        input: {text}
        output: "{{s}}.sum"
    """)
    assert asked(client, "sum", s="a")[0][0]["waits"]
    finish(client, "clusters/a")
    (entry,) = asked(client, "sum", s="a")[0]
    assert "waits" not in entry and entry["items"] == ["a/1"]


def test_a_generator_that_waits_in_the_middle(folder):
    client = load(folder, """
    def parts(wildcards):
        yield "first"
        for s in "ab":
            yield checkpoints.cluster.get(s=s).output.log
    rule sum:
        input: parts
        output: "sum"
    """)
    for finished, waits_for in (("clusters/a", "clusters/a"), ("clusters/b", "clusters/b")):
        assert asked(client, "sum")[0][0]["items"] == [waits_for]
        finish(client, finished)
    assert asked(client, "sum")[0][0]["items"] == ["first", "cluster-a.log", "cluster-b.log"]


def test_each_function_waits_for_itself(folder):
    client = load(folder, """
    rule sum:
        input: a=lambda w: checkpoints.cluster.get(s="a").output, b=lambda w: checkpoints.cluster.get(s="b").output[1]
        output: "sum"
    """)
    finish(client, "clusters/b")
    assert asked(client, "sum") == [
        [{"waits": True, "name": "a", "list": False, "items": ["clusters/a"]}],
        [{"name": "b", "list": False, "items": ["cluster-b.log"]}],
    ]


def test_what_unpack_gets_has_no_name_while_it_waits(folder):
    client = load(folder, """
    rule sum:
        input: unpack(lambda w: {"x": checkpoints.cluster.get(s="a").output.log})
        output: "sum"
    """)
    assert asked(client, "sum")[0][0]["name"] is None
    finish(client, "clusters/a")
    assert asked(client, "sum")[0][0]["name"] == "x"


def test_the_exception_can_be_caught_by_its_name_in_snakemake(folder):
    client = load(folder, """
    from snakemake.exceptions import IncompleteCheckpointException
    def parts(wildcards):
        try:
            return checkpoints.cluster.get(s="a").output.log
        except IncompleteCheckpointException as waiting:
            return [waiting.rule.name, waiting.targetfile]
    rule sum:
        input: parts
        output: "sum"
    """)
    assert asked(client, "sum")[0][0]["items"] == ["cluster", "clusters/a"]


@pytest.mark.parametrize(("call", "message"), [
    ("checkpoints.cluster.get()", "needs a value for each wildcard of its outputs; it lacks s"),
    ("checkpoints.clusters.get(s=1)", "there is no checkpoint named clusters; did you mean checkpoints.cluster?"),
    ("checkpoints.all.get()", "there is no checkpoint named all"),
    ("checkpoints.empty.get()", "checkpoint empty has no output"),
])
def test_mistakes_name_the_line(folder, call, message):
    client = load(folder, f"""
    checkpoint empty:
        shell: "x"
    rule sum:
        input: lambda w: {call}
        output: "sum"
    """)
    with pytest.raises(Failed) as failed:
        asked(client, "sum")
    error = failed.value.error
    assert message in error["message"] and error["line"] > 0, error


def test_params_that_wait_say_what_to_do(folder):
    client = load(folder, """
    rule sum:
        output: "sum"
        params: lambda w: checkpoints.cluster.get(s="a").output.log
        shell: "echo {params}"
    """)
    with pytest.raises(Failed) as failed:
        client.one("prepare", {"r": 2, "w": {}, "output": ["sum"], "threads": 1, "resources": {}})
    error = failed.value.error
    assert error["type"] == "IncompleteCheckpoint" and "cluster" in error["message"], error
    assert "input function" in error["hint"]


def test_at_the_top_of_a_snakefile_nothing_has_run(folder):
    error = folder.error(CLUSTERS + "    x = checkpoints.cluster.get(s='a')\n")
    assert "has not run yet" in error["message"] and error["line"] == 7, error


def test_checkpoints_of_a_module(folder):
    """They have their own names there, and the user of the module knows them by theirs."""
    folder.write(
        "m.smk",
        """
        checkpoint some:
            output: "{s}.some"
            shell: "x"
        def f(wildcards):
            made = checkpoints.some.get(**wildcards).output
            return [made[0], "more/" + config["c"], *expand(made, k=1)]
        rule next:
            input: f
            output: "{s}.next"
            shell: "x"
        """,
    )
    client = folder.load(
        """
        for name in ("a", "b"):
            module:
                name: name
                snakefile: "m.smk"
                prefix: name
                config: {"c": name}
            use rule * from name as name*
        rule last:
            input: lambda wildcards: checkpoints.asome.get(s="x").output
        """
    )
    assert client.rule("asome")["checkpoint"] and client.rule("bsome")["checkpoint"]
    assert client.job("anext", {"s": "x"})["input"] == ["a/x.some"]
    client.request("finished", outputs=["a/x.some"])
    assert client.job("anext", {"s": "x"})["input"] == ["a/x.some", "a/more/a", "a/x.some"]
    assert client.job("bnext", {"s": "x"})["input"] == ["b/x.some"]
    assert client.job("last")["input"] == ["a/x.some"]


def test_a_rule_that_inherits_a_checkpoint_is_none(folder):
    client = folder.load('checkpoint a:\n    output: "a"\nuse rule a as b with:\n    output: "b"\n')
    assert client.rule("a")["checkpoint"] and not client.rule("b")["checkpoint"]
