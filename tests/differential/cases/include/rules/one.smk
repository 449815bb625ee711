include: "deep/two.smk"

rule one:
    output: "one.out"
    params: v=VALUE
    shell: "echo one >> $JOBLOG; echo {params.v} {TWO} > {output}"
