"""--jobscript and --cluster-config, with a cluster that is no more than a shell."""

from running import wait_until

SNAKEFILE = """
rule a:
    output: "a"
    shell: "echo $LOADED > {output}"
"""
SUBMIT = '#!/bin/sh\necho "$1" >> asked\n(sh "$2"; touch over) > /dev/null 2>&1 &\necho $$\n'
SCRIPT = "#!/bin/sh\n# properties = {properties}\nexport LOADED={rule}-{cluster.queue}\n{exec_job}\ntouch after\n"


def test_the_template_of_a_profile_surrounds_each_job(folder):
    folder.write("Snakefile", SNAKEFILE)
    folder.write("prof/config.yaml", "cluster: submit.sh {cluster.queue}\njobscript: job.sh\n"
                                     "cluster-config: cluster.yaml\njobs: 1\nlatency-wait: 20\n")
    folder.write("prof/submit.sh", SUBMIT).chmod(0o755)
    folder.write("prof/job.sh", SCRIPT)
    folder.write("prof/cluster.yaml", "__default__:\n  queue: short\na:\n  queue: long\n")
    folder.run("--profile", "prof")
    assert folder.read("a") == "a-long\n"
    assert folder.read("asked") == "long\n"
    wait_until(lambda: folder.exists("after"), 30, "the line after the job")


def test_they_belong_to_a_command_that_submits(folder):
    folder.write("job.sh", SCRIPT)
    done = folder.run("-n", "--jobscript", "job.sh", snakefile=SNAKEFILE, code=2)
    assert "--jobscript belongs to --cluster" in done.err
