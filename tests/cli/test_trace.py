"""`furrow run --trace`: the timeline of a run."""

import json


def events(folder, kind, name="t.json"):
    return [event for event in json.loads(folder.read(name))["traceEvents"] if event["ph"] == kind]


def test_a_trace_has_each_attempt_and_arrows_to_what_needs_it(folder):
    folder.run("-c2", "--trace", "t.json", snakefile="""
rule all:
    input: "b", "c"
rule a:
    output: "a"
    retries: 1
    shell: "test -e again || {{ touch again; exit 3; }}; echo > {output}"
rule b:
    input: "a"
    output: "b"
    shell: "sleep 0.2; echo > {output}"
rule c:
    input: "a"
    output: "{name}"
    wildcard_constraints: name="c"
    shell: "sleep 0.2; echo > {output}"
""")
    slices = events(folder, "X")
    assert sorted(each["name"] for each in slices) == ["a", "a", "all", "b", "c"]
    assert [each["args"]["state"] for each in slices if each["name"] == "a"] == ["failed, is tried again", "done"]
    assert [each["args"]["job"] for each in slices if each["name"] == "c"] == ["name=c"]
    by_name = {each["name"]: each for each in slices}
    assert by_name["b"]["tid"] != by_name["c"]["tid"] and by_name["b"]["dur"] > 150_000
    assert by_name["b"]["ts"] >= by_name["a"]["ts"] + by_name["a"]["dur"] - 1
    assert len(events(folder, "s")) == len(events(folder, "f")) == 4
    assert max(each["args"]["running"] for each in events(folder, "C")) == 2


def test_a_trace_that_cannot_be_written_is_an_error_before_anything_runs(folder):
    result = folder.run("--trace", "none/t.json", code=1, snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    assert "none/t.json" in result.err and not folder.exists("a")


def test_nothing_to_do_leaves_an_empty_trace(folder):
    folder.run(snakefile="rule a:\n    output: 'a'\n    shell: 'echo > a'\n")
    folder.run("--trace", "t.json")
    assert events(folder, "X") == []
