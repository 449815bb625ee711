import os
open(os.environ["JOBLOG"], "a").write("two\n")
open(snakemake.output[0], "w").write("two")
