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


SYNC = """
rule all:
    input: "a.txt", "b.txt"
rule make:
    output: "{x}.txt"
    threads: 2
    shell: "echo $LOADED > {output}; test {wildcards.x} = a || test ! -e fails"
"""


def test_a_command_that_waits_for_its_job(folder):
    folder.write("submit.sh", '#!/bin/sh\necho "$1" >> asked\nexec sh "$2"\n').chmod(0o755)
    options = ["-j", "2", "--latency-wait", "2", "--seconds-between-status-checks", "1",
               "--cluster-sync", "./submit.sh {rule}-{threads}", "--precommand", "export LOADED=yes"]
    folder.run(*options, snakefile=SYNC)
    assert folder.read("a.txt") == "yes\n" and folder.read("asked") == "make-2\nmake-2\n"
    folder.write("fails", "")
    failed = folder.run("-F", "-k", *options, code=1)
    assert "Job make (x=b) failed" in failed.err and "x=a) failed" not in failed.err
    folder.run("--cluster-sync", "x", "--cluster", "y", code=2)


def test_a_command_that_fails_before_its_job(folder):
    failed = folder.run("-j", "1", "--latency-wait", "0", "--seconds-between-status-checks", "0.2", "--retries", "0",
                        "--cluster-sync", "false", "a.txt", code=1, snakefile=SYNC)
    assert "ended before the job began" in failed.err


def test_a_precommand_that_fails_fails_the_job(folder):
    options = ["-j", "1", "--latency-wait", "0", "--seconds-between-status-checks", "0.2"]
    folder.run(*options, "--cluster-sync", "sh", "--precommand", "exit 3", "a.txt", code=1, snakefile=SYNC)
    assert not folder.exists("a.txt")
    folder.run("--precommand", "true", "a.txt", code=2)
