"""`furrow run --executor slurm`: what a workflow asks Slurm for, and what it gets."""
import json
import shutil
import subprocess

import engine
from workflows import ELEVEN, ELEVEN_FILES


def test_slurm_makes_the_same_files_as_a_local_run(folder):
    folder.write("Snakefile", ELEVEN)
    folder.run("-c", "2", quick=False)
    here = {name: folder.read(name) for name in ELEVEN_FILES}
    shutil.rmtree(folder / "results")
    shutil.rmtree(folder / ".furrow")
    folder.run("--executor", "slurm")
    assert {name: folder.read(name) for name in ELEVEN_FILES} == here
    assert folder.slurm.submissions() > 0


def test_a_second_run_submits_nothing(folder):
    folder.write("Snakefile", ELEVEN)
    folder.run("--executor", "slurm")
    before = folder.slurm.submissions()
    assert "Nothing to do" in folder.run("--executor", "slurm").text
    assert folder.slurm.submissions() == before
    assert not list((folder / ".furrow" / "batches").iterdir()), "no batch is needed any longer"


def test_resources_reach_slurm(folder):
    folder.write("Snakefile", """
rule all:
    output: "out.txt"
    threads: 2
    resources:
        mem_mb=300, runtime=4, slurm_partition="short", slurm_extra="--nice=7 --job-name='my job'", tasks=2
    shell: "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    folder.run("--executor", "slurm")
    shown = folder.read("out.txt")
    for field in ("Partition=short", "MinMemoryNode=300M", "TimeLimit=00:04:00", "CPUs/Task=2", "NumTasks=2",
                  "Nice=7", "JobName=my job", "Requeue=0"):
        assert field in shown, field


def test_cpus_per_task_memory_per_cpu_and_runtime_in_words(folder):
    folder.write("Snakefile", """
rule all:
    output: "out.txt"
    resources: cpus_per_task=3, runtime="1h", mem_mb_per_cpu=150
    shell: "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    folder.run("--executor", "slurm", "--default-resources", "slurm_partition=main")
    shown = folder.read("out.txt")
    for field in ("CPUs/Task=3", "TimeLimit=01:00:00", "MinMemoryCPU=150M", "Partition=main"):
        assert field in shown, field


def test_a_report_names_the_node_of_each_job(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(6))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=50
    shell: "echo ${{SLURMD_NODENAME:-$(uname -n)}} > {output}"
""")
    folder.run("--executor", "slurm")
    command = [engine.FURROW, "report", "--format", "json"]
    done = subprocess.run(command, cwd=folder.path, capture_output=True, text=True)
    jobs = [job for job in json.loads(done.stdout)["jobs"] if job["rule"] == "one"]
    nodes = {job["wildcards"].partition("=")[2]: job["host"] for job in jobs}
    assert nodes == {str(n): folder.read(f"out/{n}").strip() for n in range(6)}


def test_short_jobs_share_an_allocation(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(60))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=50
    shell: "echo $SLURM_JOB_ID > {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert len(list((folder / "out").iterdir())) == 60
    assert folder.slurm.submissions() - before == 1


def test_an_allocation_with_time_left_runs_waiting_batches(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(600))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=50
    shell: "echo $SLURM_ARRAY_TASK_ID >> {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    ran_in = [(folder / "out" / str(n)).read_text().split() for n in range(600)]
    assert all(len(tasks) == 1 for tasks in ran_in), "each job has run once"
    # Six batches of half an hour each on two nodes: the first two allocations run them all.
    assert len({tasks[0] for tasks in ran_in}) <= 2
    assert folder.slurm.submissions() - before == 1
    assert not folder.slurm.queue(), "batches without work have left the queue"


def test_long_jobs_become_an_array(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(5))
rule one:
    output: "out/{n}"
    resources: runtime=60, mem_mb=50
    shell: "echo $SLURM_ARRAY_TASK_ID > {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert sorted(path.read_text().strip() for path in (folder / "out").iterdir()) == list("01234")
    assert folder.slurm.submissions() - before == 1


def test_core_and_memory_limits_apply_to_each_submission(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(30))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=50
    shell: "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm", "--cores", "2", "--resources", "mem_mb=90")
    assert folder.slurm.submissions() - before == 1, "the limits do not apply to jobs that wait in the queue"
    shown = folder.read("out/0")
    assert "CPUs/Task=2" in shown and "MinMemoryNode=90M" in shown, shown


def test_packed_jobs_keep_to_the_time_limit_of_their_partition(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(6))
rule one:
    output: "out/{n}"
    threads: 2
    resources: runtime=4, mem_mb=50, slurm_partition="short"
    shell: "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert "TimeLimit=00:05:00" in folder.read("out/0") and folder.slurm.submissions() - before == 1


MEETING = """
{scopes}
rule all:
    input: "1.out", "2.out"
rule meet:
    output: "{{n}}.out"
    resources: seats=1, mem_mb=40, runtime=1
    shell: "touch {{wildcards.n}}.here; for i in $(seq $MOST); do ls | grep -c here >> {{output}}; "
           "grep -q 2 {{output}} && break; sleep 0.1; done; rm {{wildcards.n}}.here"
"""


def most_at_a_time(folder, *arguments, tries=40):
    """How many of the two jobs have met; each looks so many times."""
    folder.run("--executor", "slurm", "-F", "--resources", "seats=1", "--packing", "one", "--max-jobs-per-second", "20",
               *arguments, MOST=str(tries))
    return max(int(count) for n in (1, 2) for count in folder.read(f"{n}.out").split())


def test_resource_scopes_decide_which_jobs_a_limit_covers(folder):
    folder.write("Snakefile", MEETING.format(scopes=""))
    assert most_at_a_time(folder, tries=15) == 1
    assert most_at_a_time(folder, "--set-resource-scopes", "seats=local") == 2
    folder.write("Snakefile", MEETING.format(scopes='resource_scopes: seats="local"'))
    assert most_at_a_time(folder) == 2
    assert most_at_a_time(folder, "--set-resource-scopes", "seats=global", tries=15) == 1


def test_packing_one_submits_each_job_within_the_job_limit(folder):
    folder.write("Snakefile", """
rule all:
    input: expand("out/{n}", n=range(5))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=100
    shell: "squeue -h -r | wc -l > {output}; sleep 0.3"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm", "--packing", "one", "--jobs", "2", "--max-jobs-per-second", "20")
    assert folder.slurm.submissions() - before == 5
    assert max(int(path.read_text()) for path in (folder / "out").iterdir()) <= 2


def test_local_rules_run_on_this_machine(folder):
    folder.write("Snakefile", """
localrules: all, here
rule all:
    input: "here", "there", "block"
rule here:
    output: "here"
    shell: "echo ${{SLURM_JOB_ID-none}} > {output}"
rule there:
    output: "there"
    shell: "echo ${{SLURM_JOB_ID-none}} > {output}"
rule block:
    output: "block"
    run:
        import os
        open(output[0], "w").write(os.environ.get("SLURM_JOB_ID", "none"))
""")
    folder.run("--executor", "slurm")
    assert folder.read("here") == "none\n"
    assert folder.read("there") != "none\n"
    assert folder.read("block") != "none", "a run: block runs on the node"


def test_scripts_and_unusual_file_names(folder):
    folder.write("make it.py",
                 "open(snakemake.output[0], 'w').write(snakemake.wildcards.name + snakemake.params.text)\n")
    folder.write("Snakefile", """
rule all:
    input: "out/a b'c.txt"
rule script:
    output: "out/{name}.txt"
    params: text="ä\\n"
    script: "make it.py"
""")
    folder.run("--executor", "slurm")
    assert folder.read("out/a b'c.txt") == "a b'cä\n"
    assert not list((folder / ".furrow").glob("payload/*"))


def test_a_failed_job_shows_its_output_node_and_log(folder):
    folder.write("Snakefile", """
rule all:
    output: "out.txt"
    shell: "echo this is why; exit 3"
""")
    text = folder.run("--executor", "slurm", code=1).text
    assert "this is why" in text
    assert "exit code 3, in Slurm job " in text and " on n" in text
    log = text.split("log of the batch: ")[1].split("\n")[0]
    assert "this is why" in open(log).read()


def test_a_retry_asks_for_more_memory(folder):
    folder.write("Snakefile", """
rule all:
    output: "out.txt"
    retries: 2
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt
    shell: "echo {resources.mem_mb} >> asked; [ {resources.mem_mb} = 300 ]; "
           "scontrol -o show job $SLURM_JOB_ID > {output}"
""")
    folder.run("--executor", "slurm")
    assert folder.read("asked") == "100\n200\n300\n"
    assert "MinMemoryNode=300M" in folder.read("out.txt")


def test_missing_slurm_is_reported(folder):
    folder.write("Snakefile", 'rule all:\n    output: "x"\n    shell: "touch {output}"\n')
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to("/usr/bin/python3")
    text = folder.run("--executor", "slurm", code=1, PATH=str(folder / "bin")).text
    assert "cannot submit" in text and "sbatch" in text
    assert "Is Slurm installed on this machine" in text


def test_an_unknown_partition_is_reported(folder):
    folder.write("Snakefile",
                 'rule all:\n    output: "x"\n    resources: slurm_partition="nope"\n    shell: "touch {output}"\n')
    text = folder.run("--executor", "slurm", code=1).text
    assert "invalid partition specified: nope" in text
    assert "--partition=nope" in text
