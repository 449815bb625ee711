import os

from snakemake.shell import shell

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=False)
shell("(sort {extra} {snakemake.input[0]} > {snakemake.output[0]}) {log}")
with open(os.environ["JOBLOG"], "a") as file:
    file.write("a\n")
