"""Groups: which jobs share a submission, what it asks for, and what happens when something goes wrong."""
import json
import re
import signal
import time

import pytest
from running import wait_until

# A chain of three jobs for each sample, and one job that needs all chains.
CHAINS = """
SAMPLES = {samples}
rule all:
    input: "sum.txt"
rule first:
    output: "one/{{s}}"
    group: "chain"
    resources: mem_mb=50, runtime=2
    shell: "echo begin first {{wildcards.s}} >> $JOBLOG; {first}; "
           "echo {{wildcards.s}} > {{output}}; echo end first {{wildcards.s}} >> $JOBLOG"
rule second:
    input: "one/{{s}}"
    output: "two/{{s}}"
    group: "chain"
    resources: mem_mb=70, runtime=3
    shell: "echo begin second {{wildcards.s}} >> $JOBLOG; {second}; "
           "cat {{input}} {{input}} > {{output}}; echo end second {{wildcards.s}} >> $JOBLOG"
rule third:
    input: "two/{{s}}"
    output: "three/{{s}}"
    group: "chain"
    threads: 2
    resources: mem_mb=60, runtime=4
    shell: "echo begin third {{wildcards.s}} >> $JOBLOG; {third}; "
           "wc -l < {{input}} > {{output}}; echo end third {{wildcards.s}} >> $JOBLOG"
rule sum:
    input: expand("three/{{s}}", s=SAMPLES)
    output: "sum.txt"
    resources: mem_mb=20, runtime=1
    shell: "cat {{input}} > {{output}}"
"""
RULES = ("first", "second", "third")


def chains(samples="ab", first="true", second="true", third="true"):
    return CHAINS.format(samples=list(samples), first=first, second=second, third=third)


def batches(folder):
    """(the header, the jobs) of each batch that still exists."""
    found = []
    for path in sorted((folder / ".furrow" / "batches").glob("*/batch.*")):
        lines = [json.loads(line.split(" ", 1)[1]) for line in path.read_text().splitlines()]
        found.append((lines[0], lines[1:]))
    return found


def begun(folder, line, seconds=30):
    wait_until(lambda: folder.times(line) >= 1, seconds, line)


def test_jobs_of_a_chain_share_a_submission(folder):
    folder.write("Snakefile", chains("abc"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 4, "three chains, and the job that needs them all"
    assert folder.read("sum.txt").split() == ["2"] * 3
    for s in "abc":
        own = [line for line in folder.log() if line.endswith(" " + s)]
        assert own == [f"{what} {rule} {s}" for rule in RULES for what in ("begin", "end")]
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_group_components_put_several_chains_together(folder):
    folder.write("Snakefile", chains("abcde"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm", "--group-components", "chain=3")
    assert folder.slurm.submissions() - before == 3, "three chains, two chains, and the job that needs them all"
    assert folder.read("sum.txt").split() == ["2"] * 5


def test_groups_and_components_from_a_profile(folder):
    text = chains("abcd").replace('group: "chain"', "")
    folder.write("Snakefile", text)
    folder.write("profile/config.yaml",
                 "executor: slurm\ngroups:\n  first: x\n  second: x\n  third: x\ngroup-components:\n  x: 4\n")
    before = folder.slurm.submissions()
    folder.run("--profile", "profile")
    assert folder.slurm.submissions() - before == 2
    assert folder.read("sum.txt").split() == ["2"] * 4


def test_a_group_asks_for_what_its_levels_need(folder):
    """Jobs of one level run at the same time, levels one after the other."""
    folder.write("Snakefile", chains("ab", second="scontrol -o show job $SLURM_JOB_ID > shown"))
    folder.run("--executor", "slurm", "--group-components", "chain=2")
    shown = folder.read("shown")
    for field in ("CPUs/Task=4", "MinMemoryNode=140M", "TimeLimit=00:09:00", "JobName=furrow-chain"):
        assert field in shown, (field, shown)


def test_limits_make_jobs_of_a_group_run_in_turn(folder):
    folder.write("Snakefile", chains("ab", second="scontrol -o show job $SLURM_JOB_ID > shown"))
    folder.run("--executor", "slurm", "--group-components", "chain=2", "--cores", "2", "--resources", "mem_mb=100")
    shown = folder.read("shown")
    # first: 2 x 50 MB at the same time; second, third: one after the other.
    for field in ("CPUs/Task=2", "MinMemoryNode=100M", f"TimeLimit=00:{2 + 2 * 3 + 2 * 4}:00"):
        assert field in shown, (field, shown)


def test_a_group_asks_for_no_more_than_a_node_has(folder):
    folder.write("Snakefile", chains("abcdef", second="scontrol -o show job $SLURM_JOB_ID > shown"))
    folder.run("--executor", "slurm", "--group-components", "chain=6")
    assert "CPUs/Task=4" in folder.read("shown")


def test_different_partitions_within_a_group_are_an_error(folder):
    text = chains("a").replace("mem_mb=70", 'mem_mb=70, slurm_partition="short"')
    text = text.replace("mem_mb=60", 'mem_mb=60, slurm_partition="main"')
    folder.write("Snakefile", text)
    before = folder.slurm.submissions()
    text = folder.run("--executor", "slurm", code=1).text
    assert "different values of slurm_partition: rule second for short, rule third for main" in text
    assert folder.slurm.submissions() == before and folder.log() == []


def test_local_rules_of_a_group_run_in_its_batch(folder):
    folder.write("Snakefile", "localrules: second, sum\n" + chains("a", second="echo $SLURM_JOB_ID > where"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 1, "sum is in no group, and runs locally"
    assert folder.read("where").strip()


def test_a_group_can_be_a_function_of_wildcards(folder):
    text = chains("abcd").replace('group: "chain"', 'group: lambda wildcards: "ab" if wildcards.s in "ab" else None')
    folder.write("Snakefile", text)
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm", "--group-components", "ab=2", "--packing", "one")
    assert folder.slurm.submissions() - before == 1 + 2 * 3 + 1


def test_temp_files_are_removed_after_their_last_use_in_the_batch(folder):
    folder.write("Snakefile", """
rule all:
    input: "c", "kept"
rule a:
    output: temp("a"), temp("for_later")
    group: "g"
    shell: "echo a | tee {output}"
rule b:
    input: "a"
    output: "b", touch("touched")
    group: "g"
    shell: "cat {input} > b; rm -f touched"
rule c:
    input: "b", "touched"
    output: "c"
    group: "g"
    shell: "test ! -e a; test -e touched; test -e for_later; cat b > {output}"
rule later:
    input: "c", "for_later"
    output: "kept"
    shell: "cat {input} > {output}"
""")
    folder.run("--executor", "slurm")
    assert folder.read("kept") == "a\\na\\n".replace("\\n", "\n")
    assert not (folder / "a").exists() and not (folder / "for_later").exists()
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_after_a_failure_only_independent_members_run(folder):
    folder.write("Snakefile", chains("ab", second="[ {wildcards.s} = b ]").replace("{{", "{").replace("}}", "}"))
    text = folder.run("--executor", "slurm", "--group-components", "chain=2", code=1).text
    assert "Job second (sample=a)" in text or "second (s=a) failed" in text
    assert folder.times("begin third a") == 0 and folder.times("end third b") == 1
    assert (folder / "three" / "b").exists() and not (folder / "two" / "a").exists()
    # Jobs that have succeeded do not run again.
    folder.write("Snakefile", chains("ab"))
    folder.run("--executor", "slurm", "--group-components", "chain=2", "--rerun-triggers", "mtime")
    assert folder.times("begin first a") == 1 and folder.times("begin third b") == 1
    assert folder.read("sum.txt").split() == ["2"] * 2


def test_a_retry_includes_members_that_have_not_succeeded(folder):
    folder.write("Snakefile",
                 chains("ab", second="[ -e again.{wildcards.s} ] || {{ touch again.{wildcards.s}; exit 3; }}"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm", "--retries", "1", "--group-components", "chain=2")
    assert [folder.times(f"begin {rule} {s}") for rule in RULES for s in "ab"] == [1, 1, 2, 2, 1, 1]
    assert folder.slurm.submissions() - before <= 4
    assert folder.read("sum.txt").split() == ["2"] * 2


def test_a_missing_output_stops_the_jobs_that_need_it(folder):
    folder.write("Snakefile", """
rule all:
    input: "b"
rule a:
    output: "a"
    group: "g"
    shell: "true"
rule b:
    input: "a"
    output: "b"
    group: "g"
    shell: "echo ran >> $JOBLOG; touch {output}"
""")
    text = folder.run("--executor", "slurm", "--latency-wait", "1", code=1).text
    assert "did not make a" in text and folder.log() == []


TIED = """
rule all:
    input: "1.c", "2.c"
rule a:
    output: temp("{{n}}.a", group_jobs=True)
    resources: mem_mb=20, runtime=1
    shell: "echo {{wildcards.n}} > {{output}}"
rule b:
    input: "{{n}}.a"
    output: temp("{{n}}.b", group_jobs=True)
    resources: mem_mb=20, runtime=1
    shell: "{b}"
rule c:
    input: "{{n}}.b"
    output: "{{n}}.c"
    resources: mem_mb=20, runtime=1
    shell: "cat {{input}} > {{output}}; scontrol -o show job $SLURM_JOB_ID >> {{output}}"
"""


def test_group_jobs_puts_makers_and_users_in_one_group(folder):
    folder.write("Snakefile", TIED.format(b="cat {input} {input} > {output}"))
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.slurm.submissions() - before == 2
    assert folder.read("2.c").startswith("2\n2\n") and "JobName=furrow-temp-a" in folder.read("2.c")
    assert not (folder / "1.a").exists() and not (folder / "1.b").exists()
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_files_of_group_jobs_may_be_visible_only_on_the_node(folder):
    folder.write("Snakefile", TIED.format(b="mv {input} {input}.unseen; sleep 4; cat {input}.unseen > {output}"))
    folder.run("--executor", "slurm", "--latency-wait", "1")
    assert folder.read("1.c").startswith("1\n")


def test_a_group_that_needs_itself_is_refused(folder):
    folder.write("Snakefile", """
rule all:
    input: "c"
rule a:
    output: "a"
    group: "g"
    shell: "touch {output}"
rule b:
    input: "a"
    output: "b"
    shell: "touch {output}"
rule c:
    input: "a", "b"
    output: "c"
    group: "g"
    shell: "touch {output}"
""")
    text = folder.run("--executor", "slurm", code=1).text
    assert "group g needs itself" in text and "jobs of b" in text
    folder.run("-c", "2")  # locally groups do not matter


def test_a_member_whose_params_read_a_group_file_goes_later(folder):
    folder.write("Snakefile", """
rule all:
    input: "c"
rule a:
    output: "a"
    group: "g"
    shell: "echo 7 > {output}"
rule b:
    input: "a"
    output: "b"
    group: "g"
    params: n=lambda wildcards, input: int(open(input[0]).read())
    shell: "echo {params.n} > {output}"
rule c:
    input: "b"
    output: "c"
    group: "g"
    shell: "cat {input} > {output}"
""")
    before = folder.slurm.submissions()
    folder.run("--executor", "slurm")
    assert folder.read("c") == "7\n"
    assert folder.slurm.submissions() - before == 2


def test_run_blocks_scripts_and_shadow_in_a_group(folder):
    folder.write("double.py", "open(snakemake.output[0], 'w').write(open(snakemake.input[0]).read() * 2)\n")
    folder.write("Snakefile", """
rule all:
    input: "d"
rule a:
    output: "a"
    group: "g"
    run:
        open(output[0], "w").write("x")
rule b:
    input: "a"
    output: "b"
    group: "g"
    script: "double.py"
rule c:
    input: "b"
    output: "c"
    group: "g"
    shadow: "minimal"
    shell: "touch litter; cat {input} {input} > {output}"
rule d:
    input: "c"
    output: "d"
    group: "g"
    shell: "cat {input} > {output}"
""")
    folder.run("--executor", "slurm")
    assert folder.read("d") == "xxxx" and not (folder / "litter").exists()


@pytest.mark.parametrize("when", ["first", "second", "third"])
def test_a_new_engine_adopts_a_running_group(folder, when):
    folder.write("Snakefile", chains("ab", **{when: "sleep 3"}))
    run = folder.start("--executor", "slurm", "--group-components", "chain=2")
    begun(folder, f"begin {when} a")
    before = folder.slurm.submissions()
    run.signal(signal.SIGKILL)
    run.wait()
    folder.run("--executor", "slurm", "--group-components", "chain=2")
    assert sorted(folder.log()) == sorted(f"{what} {rule} {s}" for rule in RULES for s in "ab"
                                          for what in ("begin", "end"))
    assert folder.slurm.submissions() - before == 1, "only sum is submitted"
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_a_group_that_ended_without_an_engine_does_not_run_again(folder):
    text = chains("ab", first="sleep 2").replace('output: "one/{s}"', 'output: temp("one/{s}")')
    folder.write("Snakefile", text)
    run = folder.start("--executor", "slurm", "--group-components", "chain=2")
    begun(folder, "begin first a")
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not folder.slurm.queue(), 30, "the group has ended")
    assert not list((folder / "one").iterdir()) if (folder / "one").exists() else True
    folder.run("-c", "1")  # a local run adopts it, too
    assert sorted(folder.log()) == sorted(f"{what} {rule} {s}" for rule in RULES for s in "ab"
                                          for what in ("begin", "end"))
    assert folder.read("sum.txt").split() == ["2"] * 2


def test_a_cancelled_group_fails_as_cancelled(folder):
    folder.write("Snakefile", chains("a", second="sleep 60"))
    run = folder.start("--executor", "slurm")
    begun(folder, "begin second a")
    (job,) = folder.slurm.queue()
    folder.slurm.ask("scancel", job)
    assert run.wait(60) == 1
    assert "CANCELLED" in run.text() and f"Slurm job {job} on n" in run.text()
    assert folder.times("begin third a") == 0


def test_a_lost_node_repeats_only_the_job_that_ran(folder):
    folder.write("Snakefile", chains("a", second="[ -e again ] || {{ touch again; sleep 60; }}"))
    run = folder.start("--executor", "slurm", "--retries", "1")
    begun(folder, "begin second a")
    time.sleep(0.5)
    node = folder.slurm.ask("squeue", "-h", "-o", "%N").stdout.strip()
    folder.slurm.set_node(node, "DOWN")
    assert run.wait(60) == 0, run.text()
    assert "NODE_FAIL" in run.text()
    assert [folder.times(f"begin {rule} a") for rule in RULES] == [1, 2, 1]


def test_ctrl_c_cancels_a_group(folder):
    folder.write("Snakefile", chains("ab", second="sleep 60"))
    run = folder.start("--executor", "slurm", "--group-components", "chain=2")
    begun(folder, "begin second a")
    run.signal(signal.SIGINT)
    assert run.wait(60) != 0
    wait_until(lambda: not folder.slurm.queue(), 20, "nothing is left in the queue")
    assert folder.times("end second a") == 0
    folder.write("Snakefile", chains("ab"))
    folder.run("--executor", "slurm", "--group-components", "chain=2", "--rerun-triggers", "mtime")
    assert folder.read("sum.txt").split() == ["2"] * 2


def test_groups_with_a_user_supplied_submit_command(folder):
    submit = "#!/bin/sh\ngrep '^# properties' \"$1\" >> properties\nsbatch --parsable -o /dev/null \"$@\"\n"
    folder.write("submit", submit).chmod(0o755)
    folder.write("Snakefile", chains("ab"))
    before = folder.slurm.submissions()
    folder.run("--cluster", "./submit", "-j", "4")
    assert folder.slurm.submissions() - before == 3
    properties = [json.loads(line.split("=", 1)[1]) for line in folder.read("properties").splitlines()]
    groups = [one for one in properties if one["type"] == "group"]
    assert len(groups) == 2 and {one["groupid"] for one in groups} == {"chain"}
    assert sorted(one["output"] for one in groups) == [["three/a"], ["three/b"]]
    assert groups[0]["threads"] == 2
    assert groups[0]["resources"]["runtime"] == 9 and groups[0]["resources"]["mem_mb"] == 70


def test_groups_with_a_snakemake_7_profile(folder):
    folder.write("Snakefile", chains("a"))
    folder.write("profile/config.yaml",
                 'cluster: "mkdir -p logs && sbatch --time={resources.runtime} --mem={resources.mem_mb} -c {threads} '
                 '-o logs/{rule}.{name}"\njobs: 5\n')
    folder.run("--profile", "profile")
    assert (folder / "logs" / "GROUP.chain_first_second_third").exists()
    folder.write("Snakefile", re.sub("( *)output:", r"\1params: x=1\n\1output:", chains("a")))
    text = folder.run("-F", "--cluster", "sbatch --comment={params.x}", "-j", "5", code=1).text
    assert "not known of a group" in text
