checkpoint names:
    output: config["folder"] + "/names.txt"
    shell: "echo names-" + config["folder"] + " >> $JOBLOG; echo " + config["names"] + " > {output}"
rule make:
    output: config["folder"] + "/made/{n}"
    shell: "echo make-{wildcards.n} >> $JOBLOG; touch {output}"
def made(wildcards):
    with open(checkpoints.names.get().output[0]) as file:
        return [config["folder"] + "/made/" + n for n in file.read().split()]
rule collect:
    input: made
    output: config["folder"] + "/all.txt"
    shell: "echo collect-" + config["folder"] + " >> $JOBLOG; echo {input} > {output}"
