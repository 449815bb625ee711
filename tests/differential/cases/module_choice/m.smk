p = config["p"]
rule a:
    output: p + "a.txt"
    threads: 1
    shell: "echo {rule} {threads} >> $JOBLOG; touch {output}"
rule b:
    input: rules.a.output
    output: p + "b.txt"
    threads: 1
    shell: "echo {rule} {threads} >> $JOBLOG; touch {output}"
rule all:
    input: p + "a.txt", p + "b.txt"
