"""Inputs know the rule whose output they name: `input: rules.b.output`."""


def items_of(client, rule):
    loaded = {found["name"]: found for found in client.loaded["rules"]}
    return [item for entry in loaded[rule]["input"] for item in entry["items"]]


RULES = """
rule a:
    output: "{s,[a-z]}.a", x=["{s,[a-z]}.x", "{s,[a-z]}.y"]
rule b:
    output: "{s}.b"
"""


def test_outputs_of_rules_as_inputs_name_the_rule(folder):
    client = folder.load(
        RULES
        + """
rule all_outputs:
    input: rules.a.output
    output: "{s}.1"
rule parts:
    input: rules.a.output[0], n=rules.a.output.x, m=[*rules.b.output, "{s}"], o=rules.a.output[1:]
    output: "{s}.2"
rule flagged:
    input: ancient(rules.b.output), rules.a.output + rules.b.output
    output: "{s}.3"
"""
    )
    assert items_of(client, "all_outputs") == [{"p": f"{{s}}.{end}", "by": 0} for end in "axy"]
    a, b, x, y = ({"p": f"{{s}}.{end}", "by": 1 if end == "b" else 0} for end in "abxy")
    assert items_of(client, "parts") == [a, x, y, b, "{s}", x, y]
    assert items_of(client, "flagged") == [{**b, "f": ["ancient"]}, a, x, y, b]


def test_what_is_made_of_a_name_is_a_name_of_no_rule(folder):
    client = folder.load(
        RULES
        + """
rule other:
    input:
        expand(rules.b.output, s="1"), str(rules.b.output[0]), f"{rules.b.output}",
        rules.b.output[0] + "c", rules.b.input
    output: rules.b.output[0] + ".out"
    log: rules.b.output[0] + ".log"
    params: p=rules.b.output, q=rules.b.output[0]
rule like_b:
    output: rules.b.output
"""
    )
    assert items_of(client, "other") == ["1.b", "{s}.b", "{s}.b", "{s}.bc"]
    other, like_b = client.loaded["rules"][2:]
    assert like_b["output"][0]["items"] == ["{s}.b"]
    assert [param["text"] for param in other["params"]] == ["['{s}.b']", "{s}.b"]


def test_functions_answer_with_names_of_rules(folder):
    client = folder.load(
        RULES
        + """
rule from_functions:
    input: lambda w: rules.b.output, unpack(lambda w: {"n": rules.a.output.x[0]}), m=[lambda w: rules.b.output[0], "c"]
    output: "{s}.out"
"""
    )
    answer = client.one("inputs", {"r": 2, "w": {"s": "k"}})
    items = [entry["items"] for entries in answer["entries"] for entry in entries]
    b = {"p": "k.b", "by": 1}
    assert items == [[b], [{"p": "k.x", "by": 0}], [b, "c"]]


def test_rules_of_modules_are_known_by_the_rule_that_is_used(folder):
    folder.write("m.smk", 'rule b:\n    output: "{s}.b"\nrule d:\n    input: rules.b.output\n    output: "{s}.d"\n')
    client = folder.load(
        """
        module m:
            snakefile: "m.smk"
            prefix: "p"
        use rule * from m as m_*
        rule main:
            input: rules.m_b.output
            output: "{s}.out"
        use rule main as like_main with:
            output: "{s}.like"
        use rule d from m as like_d with:
            output: "{s}.like_d"
        use rule b from m as m_b with:
            log: "{s}.log"
        module n:
            snakefile: "m.smk"
        use rule d from n as n_d
        """
    )
    names = [rule["name"] for rule in client.loaded["rules"]]
    made = {"p": "p/{s}.b", "by": names.index("m_b")}
    for name in "m_d", "main", "like_main", "like_d":
        assert items_of(client, name) == [made]
    assert items_of(client, "n_d") == ["{s}.b"], "the rule b of n is not used"
