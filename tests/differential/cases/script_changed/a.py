import os
open(os.environ["JOBLOG"], "a").write("a\n")
open(snakemake.output[0], "w").write("one")
