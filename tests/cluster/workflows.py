"""Workflows that several tests use."""

# Eleven jobs: shell rules, run blocks, local rules, threads and resources.
ELEVEN = """
localrules: all, list_samples

SAMPLES = ["a", "b", "c"]

rule all:
    input: "results/report.txt"

rule list_samples:
    output: "results/samples.txt"
    run:
        with open(output[0], "w") as file:
            file.write("\\n".join(SAMPLES) + "\\n")

rule make:
    input: "results/samples.txt"
    output: "results/{sample}.raw"
    threads: 2
    resources: mem_mb=120, cpus=2, time_min=2, runtime=2
    shell: "for i in 1 2 3; do echo {wildcards.sample} $i; done > {output}"

rule sort:
    input: "results/{sample}.raw"
    output: "results/{sample}.sorted"
    resources: mem_mb=150
    shell: "sort -r {input} > {output}"

rule count:
    input: expand("results/{sample}.sorted", sample=SAMPLES)
    output: "results/count.txt"
    run:
        with open(output[0], "w") as file:
            for name in input:
                file.write("%s %d\\n" % (name, len(open(name).readlines())))

rule join:
    input: expand("results/{sample}.sorted", sample=SAMPLES)
    output: "results/joined.txt"
    shell: "cat {input} > {output}"

rule report:
    input: "results/count.txt", "results/joined.txt"
    output: "results/report.txt"
    resources: mem_mb=200
    shell: "cat {input} > {output}"
"""
ELEVEN_FILES = ["results/samples.txt", *(f"results/{s}.{k}" for s in "abc" for k in ("raw", "sorted")),
                "results/count.txt", "results/joined.txt", "results/report.txt"]
