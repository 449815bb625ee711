"""Clusters as in Snakemake 7: user-supplied commands, in profiles as people have them today."""
import shutil
import time

from running import wait_until
from workflows import ELEVEN, ELEVEN_FILES

PROFILE = """
cluster:
  mkdir -p logs &&
  sbatch
    --time={resources.time_min}
    --mem={resources.mem_mb}
    -c {resources.cpus}
    -o logs/{rule}_{wildcards}
default-resources:
  - cpus=1
  - mem_mb=100
  - time_min=5
jobs: 10
local-cores: 1
latency-wait: 10
rerun-incomplete: True
printshellcmds: True
"""

# Scripts for an arbitrary batch system. Here it is Slurm, but only the scripts know that.
STATUS = """#!/bin/sh
echo asked >> "$(dirname "$0")/asked"
case $(scontrol -o show job "$1" | sed 's/.* JobState=\\([A-Z_]*\\).*/\\1/') in
  PENDING|RUNNING|COMPLETING) echo running;;
  COMPLETED) echo success;;
  *) echo failed;;
esac
"""
SUBMIT = """#!/usr/bin/python3
import json, re, subprocess, sys
script = sys.argv[-1]
properties = json.loads(re.search("^# properties = (.*)$", open(script).read(), re.M).group(1))
assert properties["type"] == "single" and properties["cluster"] == {}
words = ["sbatch", "--parsable", "--mem", str(properties["resources"]["mem_mb"]), "-J", properties["rule"],
         "-o", "/dev/null", script]
print("job:" + subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())
"""


def scripts(folder):
    for name, text in {"status": STATUS.replace('"$1"', '"${1#job:}"'), "submit": SUBMIT,
                       "cancel": '#!/bin/sh\necho cancel "$@" >> "$(dirname "$0")/cancelled"\n'
                                 'scancel $(echo "$@" | tr -d jb:o)\n'}.items():
        folder.write(name, text).chmod(0o755)


def test_a_profile_named_slurm_makes_the_same_files_as_a_local_run(folder):
    folder.write("Snakefile", ELEVEN)
    folder.run("-c", "2", quick=False)
    here = {name: folder.read(name) for name in ELEVEN_FILES}
    shutil.rmtree(folder / "results")
    shutil.rmtree(folder / ".furrow")
    folder.write("home/.config/snakemake/slurm/config.yaml", PROFILE)
    before = folder.slurm.submissions()
    text = folder.run("--profile", "slurm").text
    assert {name: folder.read(name) for name in ELEVEN_FILES} == here
    assert folder.slurm.submissions() - before == 9, "eleven jobs, two of them local"
    assert "9 submissions" in text
    assert {path.name for path in (folder / "logs").iterdir()} >= {"make_sample=a", "sort_sample=b", "join_"}


def test_resources_of_the_profile_reach_sbatch(folder):
    folder.write("Snakefile", """
rule all:
    output: "out.txt"
    threads: 3
    resources: mem_mb=250
    shell: "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    folder.write("profile/config.yaml",
                 PROFILE.replace("-c {resources.cpus}", "-c {threads} --job-name={rule}.{jobid}"))
    folder.run("--profile", "profile")
    shown = folder.read("out.txt")
    for field in ("MinMemoryNode=250M", "TimeLimit=00:05:00", "CPUs/Task=3", "JobName=all.1"):
        assert field in shown, field


def test_any_batch_system_works_through_user_commands(folder):
    scripts(folder)
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(3))
rule one:
    output: "out/{n}"
    resources: mem_mb=100
    shell: "sleep 2; touch {output}"
""")
    folder.run("--cluster", "./submit", "--cluster-status", "./status", "--cluster-cancel", "./cancel", "-j", "4")
    assert len(list((folder / "out").iterdir())) == 3
    assert folder.read("asked")


def test_a_job_fails_if_the_status_command_says_so(folder):
    scripts(folder)
    folder.write("Snakefile",
                 'rule all:\n    output: "x"\n    resources: mem_mb=100\n    shell: "touch begun; sleep 60"\n')
    run = folder.start("--cluster", "./submit", "--cluster-status", "./status", "-j", "4")
    run.wait_for_file("begun")
    time.sleep(0.5)
    folder.slurm.ask("scancel", *folder.slurm.queue(), "--signal=KILL", "--full")
    assert run.wait(60) == 1
    assert "cluster job job:" in run.text()


def test_ctrl_c_cancels_with_the_users_command(folder):
    scripts(folder)
    folder.write("Snakefile",
                 'rule all:\n    output: "x"\n    resources: mem_mb=100\n    shell: "touch begun; sleep 60"\n')
    run = folder.start("--cluster", "./submit", "--cluster-status", "./status", "--cluster-cancel", "./cancel", "-j",
                       "4")
    run.wait_for_file("begun")
    time.sleep(0.5)
    (job,) = folder.slurm.queue()
    run.signal(2)
    assert run.wait(60) != 0
    assert folder.read("cancelled") == f"cancel job:{job}\n"
    wait_until(lambda: not folder.slurm.queue(), 20, "the job is cancelled")


def test_a_cancelled_job_is_noticed_without_a_status_command(folder):
    folder.write("Snakefile", 'rule all:\n    output: "x"\n    shell: "touch begun; sleep 60"\n')
    run = folder.start("--cluster", "sbatch -o out.log", "-j", "4")
    run.wait_for_file("begun")
    (job,) = folder.slurm.queue()
    folder.slurm.ask("scancel", job)
    assert run.wait(60) == 1
    assert "CANCELLED" in run.text() and f"Slurm job {job}" in run.text()


def test_an_unknown_name_in_the_submit_command_is_reported(folder):
    folder.write("Snakefile", 'rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    text = folder.run("--cluster", "sbatch --mem={resources.gigabytes}", "-j", "4", code=1).text
    assert "gigabytes" in text


def test_executor_in_a_profile_makes_the_same_files_as_a_local_run(folder):
    folder.write("Snakefile", ELEVEN)
    folder.run("-c", "2", quick=False)
    here = {name: folder.read(name) for name in ELEVEN_FILES}
    shutil.rmtree(folder / "results")
    shutil.rmtree(folder / ".furrow")
    folder.write("profile/config.yaml",
                 "executor: slurm\njobs: 20\ncores: 4\ndefault-resources:\n  mem_mb: 100\n  slurm_partition: short\n"
                 "  runtime: 1\n")
    before = folder.slurm.submissions()
    folder.run("--profile", "profile")
    assert {name: folder.read(name) for name in ELEVEN_FILES} == here
    assert folder.slurm.submissions() > before


def test_contradictory_options_are_refused(folder):
    folder.write("Snakefile", 'rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    assert "two ways to the same" in folder.run("--executor", "slurm", "--cluster", "sbatch", code=2).text
    assert "needs the command of --cluster" in folder.run("--executor", "cluster-generic", code=2).text
    assert "not one of local, slurm" in folder.run("--executor", "googlebatch", code=2).text
    assert "DRMAA" in folder.run("--drmaa", code=2).text


def test_executor_option_overrides_the_profile(folder):
    folder.write("Snakefile", 'rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    folder.write("profile/config.yaml", "cluster: ./no-such-submit\n")
    text = folder.run("--profile", "profile", "--executor", "slurm", "--default-resources", "mem_mb=20").text
    assert "1 submission" in text, text
