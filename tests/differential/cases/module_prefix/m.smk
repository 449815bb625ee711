def of_c(wildcards):
    return ["results/b.txt", "results/a.txt"]
rule a:
    input: "not there"
    output: "results/a.txt"
    log: "logs/a.log"
    shell: "echo {rule} >> $JOBLOG; cat {input} > {output}; echo log > {log}"
rule b:
    input: "results/a.txt", "../" + os.path.basename(os.getcwd()) + "/in.txt"
    output: "results/b.txt"
    shell: "echo {rule} >> $JOBLOG; cat {input} > {output}"
rule c:
    input: of_c
    output: "results/c.txt", "other/d.txt"
    shell: "echo {rule} >> $JOBLOG; cat {input} > {output[0]}; touch {output[1]}"
