"""`furrow run --why FILE`: how a file came to be, back to its sources."""

import re

import pytest

SNAKEFILE = """
rule all:
    input: "sum"
rule part:
    input: "{name}.in", "common"
    output: "{name}.part"
    shell: "cat {input} > {output}"
rule sum:
    input: "a.part", "b.part"
    output: "sum", "copy"
    shell: "cat {input} | tee {output[1]} > {output[0]}"
"""
MADE = r"made it on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d in [0-9.]+ s on \S+"


@pytest.fixture
def made(folder):
    for name in ("a.in", "b.in", "common"):
        folder.write(name, name + "\n")
    folder.run(snakefile=SNAKEFILE)
    return folder


def history(folder, name):
    text = folder.run("--why", name).out
    return text.split("history:\n")[1].splitlines()


def test_a_file_is_followed_to_its_sources(made):
    lines = history(made, "sum")
    patterns = [
        rf"    sum: rule sum {MADE}",
        rf"      a.part: rule part \(name=a\) {MADE}",
        r"        a.in: no rule makes it; 5 bytes of \d{4}-.*", r"        common: no rule makes it; 7 bytes of .*",
        rf"      b.part: rule part \(name=b\) {MADE}", r"        b.in: no rule makes it; .*",
        r"        common: see above"]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns):
        assert re.fullmatch(pattern, line), line


def test_any_output_of_a_job_has_a_history(made):
    assert [line.split(":")[0].strip() for line in history(made, "copy")][:2] == ["copy", "a.part"]
    assert len(history(made, "b.part")) == 3


def test_what_has_changed_since_is_marked(made):
    made.write("b.in", "longer than before\n")
    lines = history(made, "sum")
    assert [line.split(":")[0].strip() for line in lines if "has changed since it was used here" in line] == ["b.in"]
    assert [line.split(":")[0].strip() for line in lines if "it must run again" in line] == ["sum", "b.part"]


def test_what_is_not_recorded_is_said(made):
    made.run("--cleanup-metadata", "a.part")
    lines = history(made, "sum")
    assert "      a.part: rule part (name=a), of whose run nothing is recorded" in lines


def test_a_rule_has_no_history(made):
    assert "history" not in made.run("--why", "all").out


def test_many_inputs_are_not_all_listed(folder):
    for at in range(130):
        folder.write(f"in/{at}", "")
    folder.run(snakefile="""
rule sum:
    input: expand("in/{at}", at=range(130))
    output: "sum"
    shell: "echo > {output}"
""")
    lines = history(folder, "sum")
    assert len(lines) == 102 and lines[-1] == "      and 30 more"
