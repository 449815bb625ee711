"""A workflow with a report, for tests of the page with and without a browser."""

import json

SNAKEFILE = """
configfile: "config.yaml"
envvars: "TOKEN"
report: "report/workflow.rst"
import os

rule all:
    input: "plots/all.svg", "tables", expand("counts/{sample}.tsv", sample=["A", "B"])

rule count:
    "Counts lines."
    input: "{sample}.txt"
    output:
        report("counts/{sample}.tsv", caption="report/count.rst", category="Step 1: counts",
               labels={"sample": "{sample}", "lines": lambda w, input: str(len(open(input[0]).readlines()))})
    params: token=os.environ["TOKEN"], limit=config["limit"]
    conda: "env.yaml"
    shell: "printf 'sample\\tlines\\n{wildcards.sample}\\t%s\\n' $(wc -l < {input}) > {output} # {params.token}"

rule plot:
    input: expand("counts/{sample}.tsv", sample=["A", "B"])
    output:
        report("plots/all.svg", category=lambda w: "Step 2", subcategory="{none}".format(none="Pictures"),
               caption="report/plain.rst", labels=lambda w, params: {"kind": params.kind, "number": 2})
    params: kind="picture"
    run:
        # as it is written
        with open(output[0], "w") as file:
            file.write('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')

rule tables:
    output: report(directory("tables"), caption="report/table.rst", patterns=["{name}.csv", "notes.txt"])
    shell: "mkdir {output}; echo a,b > {output}/x.csv; echo a,b > {output}/y.csv; echo hello > {output}/notes.txt"
"""
SECRET = "s3cr3t&word"
ENV = {"TOKEN": SECRET}
HOSTILE = [
    "</script ><script >alert(1)</script >", "\"quotes' & <b class=x>bold</b >", "\u202eright \u05d0\u05d1", "{{ x }}"
]


def prepared(folder, snakefile=SNAKEFILE):
    folder.write("Snakefile", snakefile)
    folder.write("config.yaml", "limit: 3\npassword: %s\n" % json.dumps(SECRET))
    folder.write("env.yaml", "dependencies: [coreutils]\n")
    folder.write("A.txt", "1\n")
    folder.write("B.txt", "1\n2\n")
    folder.write("report/workflow.rst", "Lines\n=====\n\n"
                                        "Limit {{ snakemake.config['limit'] }}, see `Step 2`_ and all.svg_.\n")
    folder.write("report/count.rst", "Lines of **{{ snakemake.wildcards.sample }}**, "
                                     "limit {{ snakemake.params.limit }}.\n")
    folder.write("report/plain.rst", "All <samples> & more.\n")
    folder.write("report/table.rst", "Table {{ snakemake.wildcards.name }} of {{ snakemake.rule }}.\n")
    return folder
