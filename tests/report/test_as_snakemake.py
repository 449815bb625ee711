"""A report has the results, captions, categories and labels that Debian's Snakemake gives the same workflow."""

import base64
import json
import re
import sys
from pathlib import Path

import engine
from report_example import ENV, SNAKEFILE, prepared
from report_page import ReportPage

DRIVER = Path(__file__).resolve().parents[1] / "support" / "snakemake_report.py"
# Of several patterns for a folder, that version looks below the last file for the second one. Single labels cannot be
# functions there.
ONE_PATTERN = SNAKEFILE.replace(', "notes.txt"]', "]").replace(
    '"lines": lambda w, input: str(len(open(input[0]).readlines()))', '"lines": 3')
# The shape of a workflow that calls variants: one result for each step, and one of a function.
STEPS = """
SAMPLES = ["A", "B"]
report: "report/steps.rst"
configfile: "config.yaml"

rule all:
    input: "plots/quals.svg", expand("stats/{sample}.txt", sample=SAMPLES)

rule map:
    input: "{sample}.txt"
    output: temp("mapped/{sample}.bam")
    threads: 2
    shell: "cat {input} > {output}"

rule sort:
    input: "mapped/{sample}.bam"
    output: protected("sorted/{sample}.bam")
    shell: "sort {input} > {output}"

rule stats:
    input: "sorted/{sample}.bam"
    output: report("stats/{sample}.txt", caption="report/table2.rst", category="Mapping", subcategory="{sample}")
    params: unit=lambda wildcards: "-l" if wildcards.sample == "A" else "-w"
    log: "logs/{sample}.log"
    shell: "wc {params.unit} < {input} > {output} 2> {log}"

rule call:
    input: bam=expand("sorted/{sample}.bam", sample=SAMPLES)
    output: "calls/all.vcf"
    shell: "cat {input.bam} > {output}"

rule plot:
    input: "calls/all.vcf"
    output:
        report("plots/quals.svg", caption="report/calls.rst", category="Calls", labels={"plot": "qualities", "n": 1})
    shell: "echo '<svg xmlns=\\"http://www.w3.org/2000/svg\\"/>' > {output}"
"""


def of_snakemake(path):
    text = path.read_text()
    results, categories = (json.loads(re.search(rf"^ *var {name} = (.*);$", text, re.MULTILINE)[1])
                           for name in ("results", "categories"))
    places = {result: (category, "" if part == "Other" else part) for category, parts in categories.items()
              for part, listed in parts.items() for result in listed}
    found = {}
    for name, result in results.items():
        labels = {label: str(value) for label, value in (result["labels"] or {}).items()}
        properties = result["job_properties"]
        content = base64.b64decode(result["data_uri"].partition("base64,")[2])
        found[name] = (*places[name], labels, plain(result["caption"] or ""), properties["rule"],
                       properties["wildcards"], result["mime_type"], content)
    text_of_workflow = json.loads(re.search(r"^ *var workflow_desc = (.*);$", text, re.MULTILINE)[1])
    return found, plain(text_of_workflow)


def of_furrow(path):
    page = ReportPage(path)
    found = {}
    for name, result in page.results.items():
        wildcards = ", ".join(f"{key}={value}" for key, value in result["wildcards"].items())
        found[name] = (result["category"], result["subcategory"], result["labels"], plain(result["caption"]),
                       result["rule"], wildcards, result["mime"], page.content(name))
    return found, plain(page.workflow["text"])


def plain(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split()).replace(" ,", ",").replace(" .", ".")


def compare(new_folder, snakefile):
    ours, theirs = new_folder("furrow"), new_folder("snakemake")
    for folder in (ours, theirs):
        prepared(folder, snakefile)
        folder.write("report/steps.rst", "Steps\n=====\n\nLimit **{{ snakemake.config.limit }}**: Calls_, Mapping_.\n")
        folder.write("report/table2.rst", "Of {{ snakemake.input[0] }} with ``{{ snakemake.params.unit }}``,\n"
                                          "as {{ snakemake.log[0] }} says.\n\n* one\n* two, {{ snakemake.rule }}\n")
        folder.write("report/calls.rst", "Calls of {{ snakemake.input|length }} file; "
                                         "{% for bam in snakemake.config.items() %}{{ bam[0] }} {% endfor %}.\n")
    ours.run("-c2", "--report-after-run", "--report", "r.html", env=ENV)
    environment = engine.environment(**ENV)
    for command in ([*engine.SNAKEMAKE, "-c2"], [sys.executable, str(DRIVER), "--report", "r.html"]):
        done = engine.execute(command, theirs.path, environment, timeout=300)
        assert done.code == 0, str(done)
    (our_results, our_text), (their_results, their_text) = of_furrow(ours / "r.html"), of_snakemake(theirs / "r.html")
    assert our_results == their_results
    # The heading of the text, which that version drops, stands in ours.
    assert our_text.endswith(their_text) and their_text


def test_the_example(new_folder):
    compare(new_folder, ONE_PATTERN)


def test_a_workflow_of_several_steps(new_folder):
    compare(new_folder, STEPS)
