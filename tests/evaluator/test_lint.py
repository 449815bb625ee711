"""Advice about the style of a Snakefile, and the Python that it is translated to."""

import json


def lints(client):
    answer = client.request("text", what="lint json")
    found = json.loads(answer["text"])
    assert answer.get("any", False) == bool(found["rules"] or found["snakefiles"])
    assert client.request("text", what="lint")["text"].count("    * ") == sum(
        len(place["lints"]) for place in found["rules"] + found["snakefiles"]
    )
    titles = {place["for"].get("rule", "file"): [lint["title"] for lint in place["lints"]]
              for place in found["rules"] + found["snakefiles"]}
    return titles


def test_a_rule_that_follows_all_advice_gets_none(folder):
    client = folder.load(
        """
        rule all:
            input: "a.txt"
        rule a:
            input: "in.txt"
            output: "a.txt"
            log: "a.log"
            conda: "a.yaml"
            params: level=3
            shell: "tool {params.level} {input} > {output} 2> {log} {{x}}"
        """
    )
    assert lints(client) == {}


def test_each_kind_of_advice_about_a_rule(folder):
    client = folder.load(
        """
        TOOL = "tool"
        rule command:
            input: "in.txt"
            output: "out/a.txt"
            params: folder="out/"
            envmodules: "x"
            shell: "{TOOL} {TOOL} {input[0]} > {output}"
        rule long:
            output: "b.txt"
            log: "b.log"
            run:
                total = 0
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                total += 1
                open(output[0], "w").write(str(total))
        """
    )
    found = lints(client)
    assert found["command"] == [
        "No log directive defined",
        "Shell command directly uses variable TOOL from outside of the rule",
        "Do not access input and output files individually by index in shell commands",
        "Param folder is a prefix of input or output file but hardcoded",
        "Specify a conda environment or container for each rule, environment modules are not enough",
    ]
    assert found["long"] == ["Long run directive"]


def test_each_kind_of_advice_about_a_file(folder):
    client = folder.load(
        """
        import os
        # "/in/a/comment" is no path
        envvars: "PATH"
        A = "/data/x.txt"
        B = A + "/y"
        C = os.environ["HOME"], os.environ["PATH"]
        def f(wildcards):
            return "x"
        rule all:
            input: f
        """
    )
    assert lints(client)["file"] == [
        'Absolute path "/data/x.txt" in line 5',
        'Absolute path "/y" in line 6',
        "Path composition with '+' in line 6",
        "Environment variable HOME used but not named in envvars in line 7",
        "Mixed rules and functions in same snakefile",
    ]


def test_the_translation_is_python(folder):
    folder.write("more.smk", "rule b:\n    output: 'b'\n    shell: 'true'\n")
    client = folder.load("include: 'more.smk'\nrule a:\n    input: 'b'\n")
    text = client.request("text", what="translation")["text"]
    compile(text, "translation", "exec")
    assert text.count("# /") == 2 and "more.smk" in text
