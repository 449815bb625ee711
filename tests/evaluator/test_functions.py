"""Functions of rules: their arguments and what becomes of their results."""

import pytest
from client import Failed
from conftest import job_error


def entries(client, name, wildcards=None):
    job = {"r": [rule["name"] for rule in client.loaded["rules"]].index(name), "w": wildcards or {}, "attempt": 1}
    (answer,) = client.request("inputs", jobs=[job])["jobs"]
    if "error" in answer:
        raise Failed(answer["error"])
    return answer["entries"]


def test_input_functions_of_every_kind(folder):
    client = folder.load(
        """
        from functools import partial
        def one(wildcards): return "one/" + wildcards.s
        def many(wildcards, n=2): return [f"m{i}" for i in range(n)]
        def generator(wildcards):
            yield "g1"
            yield Path("g2")
        class Object:
            def __call__(self, wildcards): return "object"
            def method(self, wildcards): return "method"
        rule a:
            input: one, x=many, y=partial(many, n=1), z=generator, p=Object(), q=Object().method, r=lambda wc: one
            output: "{s}"
        """
    )
    answered = entries(client, "a", {"s": "S"})
    items = [[(entry["name"], entry["list"], entry["items"]) for entry in one] for one in answered]
    assert items == [
        [(None, False, ["one/S"])],
        [("x", True, ["m0", "m1"])],
        [("y", True, ["m0"])],
        [("z", True, ["g1", "g2"])],
        [("p", False, ["object"])],
        [("q", False, ["method"])],
        [("r", False, ["one/S"])],
    ]


def test_unpack_gives_names_and_keeps_flags(folder):
    client = folder.load(
        """
        rule a:
            input: unpack(lambda wc: {"x": "f", "y": ["g", "h"]}), z=ancient(lambda wc: ["i"])
        """
    )
    first, second = entries(client, "a")
    assert first == [{"name": "x", "list": False, "items": ["f"]}, {"name": "y", "list": True, "items": ["g", "h"]}]
    assert second == [{"name": "z", "list": True, "items": [{"p": "i", "f": ["ancient"]}]}]


def test_a_failing_job_does_not_affect_the_others(folder):
    client = folder.load('def f(wc):\n    return {"a": "A"}[wc.s]\nrule a:\n    input: f\n    output: "{s}"\n')
    good, bad = client.request("inputs", jobs=[{"r": 0, "w": {"s": "a"}}, {"r": 0, "w": {"s": "b"}}])["jobs"]
    assert good["entries"] == [[{"name": None, "list": False, "items": ["A"]}]]
    assert bad["error"]["type"] == "KeyError" and bad["error"]["line"] == 2 and bad["error"]["rule"] == "a"


def test_wrong_results_are_refused(folder):
    client = folder.load(
        "rule a:\n    input: lambda wc: 3\n"
        "rule b:\n    input: lambda wc: None\n"
        "rule c:\n    input: x=unpack(lambda wc: {})\n"
    )
    for name in "abc":
        with pytest.raises(Failed) as failed:
            entries(client, name)
        assert failed.value.error["type"] == "WorkflowError"


def test_wildcards_in_results_are_filled_and_braces_stay_literal(folder):
    client = folder.load('rule a:\n    input: lambda wc: ["x{s}", "{{}}"]\n    output: "{s}"\n')
    assert entries(client, "a", {"s": "S"})[0][0]["items"] == ["xS", {"p": "{{}}", "literal": True}]


def test_threads_resources_and_params_see_what_they_name(folder):
    folder.write("i", "x" * 2000000)
    client = folder.load(
        """
        rule a:
            input: "i"
            output: o="o{s}"
            threads: lambda wc, input: 2 * len(input)
            resources:
                mem_mb=lambda wc, threads, attempt: 100 * threads * attempt,
                size=lambda wc, input: int(input.size_mb),
                all=lambda wc, **known: ",".join(sorted(known)),
                none=lambda wc: None
            params:
                p=lambda wc, output, resources, threads: (wc.s, output.o, resources.mem_mb, threads),
                q=lambda wildcards, input: input[0],
                r="static {s}"
        """
    )
    job = client.job("a", {"s": "S"}, attempt=2)
    answer = client.one("details", job, want=["threads", "resources", "params"])
    assert answer["threads"] == 2
    assert answer["resources"]["mem_mb"] == 400 and answer["resources"]["size"] == 1
    assert answer["resources"]["all"] == "attempt,input,output,rulename,threads" and "none" not in answer["resources"]
    # Params are those of the first attempt: they identify the job.
    *params, stands = answer["params"]
    assert [param["text"] for param in params] == ["['S', 'oS', 200, 2]", "i", "static {s}"]
    assert stands["for"] == 0, "its amounts follow from an input"
    assert client.one("details", job, want=["threads"]) == {"threads": 2}


def test_threads_are_capped_before_other_functions_see_them(folder):
    client = folder.load("rule a:\n    threads: lambda wc: 99\n    resources: t=lambda wc, threads: threads\n", cores=3)
    answer = client.one("details", client.job("a"), want=["threads", "resources"])
    assert answer["threads"] == 99 and answer["resources"]["t"] == 3


def test_threads_are_capped_at_what_a_job_may_have(folder):
    client = folder.load(
        "rule a:\n    threads: lambda wc: 99\n    resources: t=lambda wc, threads: threads\n", cores=3, max_threads=2
    )
    assert client.one("details", client.job("a"), want=["threads", "resources"])["resources"]["t"] == 2


def test_missing_files_are_distinguished_from_mistakes(folder):
    client = folder.load(
        """
        rule a:
            input: "nope"
            params: x=lambda wc, input: open(input[0]).read()
            resources: y=lambda wc, input: input.size
        rule b:
            params: x=lambda wc: open("other").read()
        """
    )
    assert failures(client, "a") == {"x": "MissingInput"}
    assert job_error(client, "details", client.job("a"), want=["resources"])["type"] == "MissingInput"
    assert failures(client, "b") == {"x": "FileNotFoundError"}


def failures(client, rule, **job):
    """The types of the errors of its params, by name."""
    params = client.one("details", client.job(rule, **job), want=["params"])["params"]
    return {param["name"]: param["error"]["type"] for param in params if "error" in param}


def identity(client, rule, op="details", **job):
    fields = {"want": ["params"]} if op == "details" else {}
    return {param["name"]: param.get("text") for param in client.one(op, client.job(rule, **job), **fields)["params"]}


VARYING = """
    rule a:
        threads: 8
        resources: mem_mb=lambda wc, attempt, threads: 100 * attempt * threads, tmpdir="/here"
        params:
            t=lambda wc, threads: threads, m=lambda wc, resources: resources.mem_mb, a=lambda wc, attempt: attempt,
            d=lambda wc, resources: resources.tmpdir, g=lambda wc, resources: resources.get("disk_mb", 5),
            e=lambda wc, params: params.t + 1, n=lambda wc: lambda wc, threads: threads
        shell: "{params}"
"""


def test_params_are_recorded_as_the_rule_asks_for_them(folder):
    client = folder.load(VARYING, cores=2, resources={"mem_mb": 50})
    planned = identity(client, "a")
    assert planned == {**planned, "t": "8", "m": "800", "a": "1", "g": "5", "e": "9", "n": "8"}
    job = {"threads": 2, "resources": {"mem_mb": 50, "tmpdir": "/tmp"}}
    assert identity(client, "a", "prepare", **job) == planned
    assert identity(client, "a", "prepare", attempt=3, **job) == planned


def test_a_command_gets_what_the_engine_grants(folder):
    client = folder.load(VARYING, cores=2)
    job = client.job("a", threads=2, attempt=3, resources={"mem_mb": 50, "tmpdir": "/tmp"})
    assert client.one("prepare", job)["shell"] == "2 50 3 /tmp 5 3 2"


def test_a_dry_run_shows_what_a_command_is_going_to_get(folder):
    client = folder.load(VARYING, cores=2, resources={"mem_mb": 150})
    assert client.one("describe", client.job("a"))["shell"] == "2 150 1 /here 5 3 2"


def test_a_function_that_fails_for_what_the_rule_asks_for_gets_what_the_job_gets(folder):
    client = folder.load(
        "import os\n"
        "rule a:\n    threads: 8\n"
        "    params: t=lambda wc, threads: {2: 'two'}[threads],\n"
        "        d=lambda wc, resources: len(os.listdir(resources.tmpdir))\n",
        cores=2,
    )
    assert identity(client, "a")["t"] == "two" and int(identity(client, "a")["d"]) >= 0
    assert identity(client, "a", "prepare", threads=2, resources={"tmpdir": str(folder.path)})["t"] == "two"


def test_a_resource_without_a_value_fails_those_params_that_use_it(folder):
    client = folder.load(
        """
        rule a:
            input: "nope"
            resources: mem_mb=lambda wc, input: input.size, other=3
            params:
                m=lambda wc, resources: resources.mem_mb, i=lambda wc, resources: resources.mem_mib,
                g=lambda wc, resources: resources.get("mem_mb", 5), k=lambda wc, resources: dict(resources.items()),
                o=lambda wc, resources: resources.other, x=7
        """
    )
    assert failures(client, "a", input=["nope"]) == dict.fromkeys("migk", "MissingInput")
    assert identity(client, "a")["o"] == "3" and identity(client, "a")["x"] == "7"


def test_no_resource_is_above_its_limit(folder):
    client = folder.load(
        "rule a:\n    resources: m=9, n=lambda wc: 8, o=lambda wc: 'x', p=7\n", resources={"m": 5, "n": 5, "o": 5}
    )
    assert client.rule("a")["resources"]["m"] == 5 and client.rule("a")["resources"]["p"] == 7
    error = job_error(client, "details", client.job("a"), want=["resources"])
    assert "sets the resource o to the text 'x'" in error["message"]
    client = folder.load("rule a:\n    resources: n=lambda wc: 8\n", resources={"n": 5})
    assert client.one("details", client.job("a"), want=["resources"])["resources"]["n"] == 5


def test_expressions_of_default_resources(folder):
    folder.write("i", "x" * 3000000)
    client = folder.load(
        'rule a:\n    input: "i"\n', default_resources={"mem_mb": "max(2*input.size_mb, 5)", "t": "attempt * 2"}
    )
    answer = client.one("details", client.job("a", attempt=3), want=["resources"])
    assert answer["resources"]["mem_mb"] == 6 and answer["resources"]["t"] == 6


def test_helpers_of_input_functions(folder):
    client = folder.load(
        """
        c = {"s": {"a": {"path": "P"}}, "l": [1, 2]}
        rule a:
            input:
                branch(lambda wc: wc.s == "a", then="yes", otherwise="no"),
                lookup(dpath="s/{s}/path", within=c),
                branch(evaluate("{s} == 'a'"), then="A"),
                expand("{s}-{x}", x=lambda wc: ["1", "2"], allow_missing=True),
                collect("{i}", i=[lambda wc: wc.s, "z"])
            output: "{s}"
            params:
                base=subpath(output[0], basename=True),
                first=input[0],
                pre=prepend_param("-i", input[0])
        assert lookup(dpath="l/1", within=c) == 2 and lookup(dpath="no", within=c, default=7) == 7
        """
    )
    assert [one[0]["items"] for one in entries(client, "a", {"s": "a"})] == [
        ["yes"],
        ["P"],
        ["A"],
        ["a-1", "a-2"],
        ["a", "z"],
    ]
    job = client.job("a", {"s": "a"})
    assert [param["text"] for param in client.one("details", job, want=["params"])["params"]] == ["a", "yes", "-i yes"]


def test_a_named_list_may_hold_functions(folder):
    client = folder.load('rule a:\n    input: x=["f", lambda wc: ["g", "h"]], y="i"\n')
    assert entries(client, "a") == [[{"name": "x", "list": True, "items": ["f", "g", "h"]}]]


def test_a_group_is_a_name_a_number_or_a_function(folder):
    client = folder.load(
        """
        rule a:
            output: "a"
            group: "g_{s}"
        rule b:
            output: "b"
            group: 0
        rule c:
            output: "c.{s}"
            group: lambda wildcards: "by_" + wildcards.s if wildcards.s != "none" else None
        rule d:
            output: "d"
        """
    )
    rules = client.loaded["rules"]
    assert [rule["group"] for rule in rules[:2]] == ["g_{s}", "0"]
    assert rules[2]["group"]["fn"] is True and rules[3]["group"] is None
    asked = [{"r": 2, "w": {"s": s}, "output": ["c." + s], "want": ["group"]} for s in ("x", "none")]
    assert client.request("details", jobs=asked)["jobs"] == [{"group": "by_x"}, {"group": ""}]


def test_groups_on_the_command_line_override_the_rule(folder):
    client = folder.load(
        """
        rule a:
            output: "a"
            group: "mine"
        """,
        overwrite={"groups": {"a": "theirs"}},
    )
    assert client.loaded["rules"][0]["group"] == "theirs"


def test_a_group_that_is_not_a_name_is_an_error(folder):
    with pytest.raises(Failed) as failed:
        folder.load('rule a:\n    output: "a"\n    group: ["x"]\n')
    assert "group takes a name or a function" in failed.value.error["message"]


@pytest.mark.parametrize("cluster", [False, True])
def test_groupid_is_local_without_a_cluster_and_differs_by_job_on_one(folder, cluster):
    client = folder.load(
        """
        def local(wildcards, groupid): return "local." + groupid
        rule a:
            input: local
            output: "{s}"
            group: "g"
        rule b:
            input: local
            output: "b.{s}"
        """,
        cluster=cluster,
    )
    asked = {s: entries(client, "a", {"s": s})[0][0]["items"][0] for s in "xy"}
    assert entries(client, "b", {"s": "x"})[0][0]["items"] == ["local.local"]
    if cluster:
        assert len(set(asked.values())) == 2 and all(len(name) == len("local.") + 36 for name in asked.values())
    else:
        assert set(asked.values()) == {"local.local"}


def test_details_asked_ahead_omit_resources_that_miss_a_file(folder):
    client = folder.load(
        """
        rule a:
            input: "not.there"
            output: "a"
            resources: mem_mb=lambda wildcards, input: max(1, input.size_mb), runtime=lambda wildcards: 5
            shell: "true"
        """
    )
    job = {"r": 0, "w": {}, "input": ["not.there"], "output": ["a"], "want": ["resources"]}
    assert client.request("details", jobs=[{**job, "ahead": True}])["jobs"] == [{"resources": {"runtime": 5}}]
    assert "error" in client.request("details", jobs=[job])["jobs"][0]
