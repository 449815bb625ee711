import os
import sibling_helper
with open(os.environ["JOBLOG"], "a") as f:
    f.write("a\n")
s = snakemake
with open(s.output[0], "w") as f:
    print(open(s.input.named).read(), s.params.d["k"][1], s.params["t"], s.wildcards.w, s.wildcards["w"], s.threads,
          s.resources.slots, s.config["c"], s.rule, s.log[0], sibling_helper.VALUE, file=f)
open(str(s.log), "w").write("log\n")
