"""`input: rules.x.output` where it is more than what Snakemake 7 does; what is the same is in tests/differential."""

import pytest

RULES = """
{order}
rule all:
    input: {targets}
rule b:
    output: "{{s}}.mid"
    shell: "echo b > {{output}}"
rule c:
    output: "{{s}}.mid"
    shell: "echo c > {{output}}"
rule strict:
    output: "{{s,[a-z]+}}.strict"
    shell: "echo strict > {{output}}"
rule loose:
    output: "{{s,.+}}.strict"
    shell: "echo loose > {{output}}"
rule use:
    input: {input}
    output: "{{s}}.out"
    shell: "cat {{input}} > {{output}}"
rule read:
    input: "{{s}}.mid"
    output: "{{s}}.read"
    shell: "cat {{input}} > {{output}}"
"""


def rules(input, targets='"x.out"', order=""):
    return RULES.format(input=input, targets=targets, order=order)


@pytest.mark.parametrize(
    "input, made",
    [
        ("rules.b.output", "b"),
        ("lambda wildcards: rules.b.output", "b"),
        ("ancient(rules.b.output)", "b"),
        ("rules.strict.output", "strict"),
        ("lambda wildcards: rules.loose.output[0]", "loose"),
    ],
)
def test_a_name_settles_what_would_be_ambiguous(folder, input, made):
    folder.run(snakefile=rules(input))
    assert folder.read("x.out") == made + "\n"


def test_a_file_name_alone_is_ambiguous(folder):
    result = folder.run(snakefile=rules("expand(rules.b.output, s='x')"), code=1)
    assert "rules b and c are ambiguous for the file x.mid" in result.err, result
    assert "input: rules.b.output" in result.err, "the hint says how to name the rule"


def test_a_flag_does_not_hide_the_name(folder):
    """Snakemake 9 does so; in version 7 a flag hides the name."""
    folder.run(snakefile=rules("ancient(rules.b.output)", order="ruleorder: c > b"))
    assert folder.read("x.out") == "b\n"


def test_another_job_may_use_the_file_if_it_would_be_ambiguous_otherwise(folder):
    folder.run(snakefile=rules("rules.b.output", targets='"x.read", "x.out"'))
    assert folder.read("x.read") == "b\n"


def test_two_rules_for_one_file_are_refused(folder):
    """Snakemake runs both, and each overwrites the file of the other."""
    snakefile = rules("rules.b.output", targets='"x.read", "x.out"', order="ruleorder: c > b")
    result = folder.run(snakefile=snakefile, code=1)
    assert "two jobs would make x.mid" in result.err, result
    assert "rule use takes it from rule b, which its input names" in result.err, result
    assert "rule read takes it from rule c" in result.err and "Snakefile:" in result.err, result
    assert folder.run("x.out", snakefile=snakefile) and folder.read("x.out") == "b\n"


def test_modules_with_a_prefix(folder):
    folder.write("m.smk", rules("rules.b.output", targets='"x.out"', order="ruleorder: c > b"))
    folder.run(snakefile="""
module m:
    snakefile: "m.smk"
    prefix: "p"
use rule * from m as m_*
use rule use from m as m_use with:
    output: "p/{s}.out2"
rule mine:
    default_target: True
    input: "p/x.out2"
""")
    assert folder.read("p/x.out2") == "b\n"


def test_behind_a_checkpoint(folder):
    folder.run(snakefile=rules("rules.b.output", order="ruleorder: c > b", targets="""lambda wildcards: (
        checkpoints.first.get().output and "x.out")""") + """
checkpoint first:
    output: "first"
    shell: "touch {output}"
""")
    assert folder.read("x.out") == "b\n"


SHARED = """
rule all:
    input: "a/1.txt", "b/1.txt"
rule a:
    output: "a/{s}.txt", {first}
    shell: "echo a | tee {output}"
rule b:
    output: "b/{s}.txt", {second}
    shell: "echo b | tee {output}"
"""


@pytest.mark.parametrize("first, second", [('temp("c/{s}.txt")',) * 2, ('"c/{s}.txt"', 'protected("c/{s}.txt")')])
def test_two_jobs_that_make_a_file_which_no_rule_needs(folder, first, second):
    """Snakemake 9 refuses them, too; version 7 runs both, and the last one wins."""
    folder.write("Snakefile", SHARED.replace("{first}", first).replace("{second}", second))
    for options in (), ("-n",), ("--until", "a", "b"):
        result = folder.run(*options, code=1)
        assert "rules a and b are ambiguous for the file c/1.txt" in result.err, result
        assert "Snakefile:4" in result.err and "Snakefile:7" in result.err, "both places are named"
    assert not folder.exists("a") and not folder.exists("b")
    folder.run("--omit-from", "b")
    assert folder.exists("a/1.txt")
    folder.run("b/1.txt")
    result = folder.run(code=1)
    assert "are ambiguous for the file" in result.err, "although both are up to date"


def test_two_jobs_that_make_a_file_run_if_ambiguity_is_allowed(folder):
    folder.write("Snakefile", SHARED.replace("{first}", '"c"').replace("{second}", '"c"').replace("{s}", "1"))
    folder.run("--allow-ambiguity")
    assert folder.read("c") in ("a\n", "b\n")


def test_jobs_may_share_a_log(folder):
    """As in Snakemake."""
    text = SHARED.replace(", {first}", "\n    log: 'log'").replace(", {second}", "\n    log: 'log'")
    folder.run(snakefile=text.replace("{s}", "1"))
