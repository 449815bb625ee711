import os
open(os.environ["JOBLOG"], "a").write(snakemake.rule + "\n")
open(snakemake.output[0], "w").write(snakemake.config["word"] + "\n")
