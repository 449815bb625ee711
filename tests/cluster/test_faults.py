"""Faults on a cluster: whatever happens, nothing is lost, and no job that succeeded runs twice.

Jobs write a line to a common log when they begin and when they end.
"""
import signal
import time

import engine
import pytest
from running import wait_until

# {command} runs between the two lines of the log.
ONE = """
rule all:
    output: "out.txt"
    {more}
    shell: "echo begin >> $JOBLOG; {command}; echo end >> $JOBLOG; touch {{output}}"
"""


def one(command, more="resources: mem_mb=100, runtime=5"):
    return ONE.format(command=command, more=more)


SEVERAL = """
rule all:
    input: expand("out/{{n}}", n=range({count}))
rule one:
    output: "out/{{n}}"
    resources: mem_mb=20, runtime={runtime}
    shell: "echo begin {{wildcards.n}} >> $JOBLOG; {command}; touch {{output}}; echo end {{wildcards.n}} >> $JOBLOG"
"""


def begun(folder, lines=1):
    wait_until(lambda: len(folder.log()) >= lines, 30, "jobs have begun")


def state_of(slurm, job):
    text = slurm.ask("scontrol", "-o", "show", "job", job).stdout
    return text.split("JobState=")[1].split()[0]


def test_a_cancelled_job_fails_as_cancelled(folder):
    folder.write("Snakefile", one("sleep 60"))
    run = folder.start("--executor", "slurm")
    begun(folder)
    (job,) = folder.slurm.queue()
    folder.slurm.ask("scancel", job)
    assert run.wait() == 1
    assert "CANCELLED" in run.text() and f"Slurm job {job} on n" in run.text()
    assert folder.log() == ["begin"]


def test_a_job_cancelled_in_the_queue_is_not_submitted_again(folder):
    for node in ("n1", "n2"):
        folder.slurm.set_node(node, "DRAIN")
    folder.write("Snakefile", one("true"))
    before = folder.slurm.submissions()
    run = folder.start("--executor", "slurm")
    (job,) = wait_until(folder.slurm.queue, 20, "the job waits")
    time.sleep(1.5)
    folder.slurm.ask("scancel", job)
    assert run.wait() == 1
    assert "CANCELLED" in run.text() and "before the job began" in run.text()
    assert folder.slurm.submissions() - before == 1 and folder.log() == []


def test_out_of_memory_is_named_and_a_retry_gets_more(folder):
    memory_hog = "/usr/bin/python3 -c 'import time; x = bytearray(300 << 20); time.sleep(4)'"
    folder.write("Snakefile", one(memory_hog, """retries: 1
    resources: mem_mb=lambda wildcards, attempt: 100 if attempt == 1 else 900"""))
    run = folder.start("--executor", "slurm")
    assert run.wait(60) == 0, run.text()
    assert "OUT_OF_MEMORY" in run.text()
    assert folder.log() == ["begin", "begin", "end"]


def test_out_of_time_is_named(folder):
    folder.write("Snakefile", one("sleep 100"))
    run = folder.start("--executor", "slurm")
    begun(folder)
    (job,) = folder.slurm.queue()
    # The shortest time limit is a minute. This end time takes effect as soon as Slurm checks it.
    assert folder.slurm.ask("scontrol", "update", f"JobId={job}", "EndTime=now").returncode == 0
    assert run.wait(80) == 1
    assert "TIMEOUT" in run.text() and f"Slurm job {job} on n" in run.text()
    assert folder.log() == ["begin"]


def test_a_job_whose_node_fails_runs_on_another_one_without_a_retry(folder):
    folder.write("Snakefile", one("[ -e again ] || {{ touch again; sleep 60; }}"))
    run = folder.start("--executor", "slurm")
    begun(folder)
    node = folder.slurm.ask("squeue", "-h", "-o", "%N").stdout.strip()
    folder.slurm.set_node(node, "DOWN")
    assert run.wait(60) == 0, run.text()
    assert "failed" not in run.text()
    assert folder.log() == ["begin", "begin", "end"]


def test_all_jobs_of_a_lost_batch_run_without_a_retry(folder):
    folder.write("Snakefile", SEVERAL.format(count=6, runtime=1, command="[ -e again ] || sleep 60"))
    run = folder.start("--executor", "slurm", "--batch-cores", "2", "--keep-going")
    begun(folder, 2)
    node = folder.slurm.ask("squeue", "-h", "-o", "%N").stdout.strip()
    folder.write("again", "")
    folder.slurm.set_node(node, "DOWN")
    assert run.wait(60) == 0, run.text()
    assert all(folder.times(f"end {n}") == 1 for n in range(6))
    # Each core may begin one more job while Slurm ends those on the node.
    begun_twice = sum(folder.times(f"begin {n}") == 2 for n in range(6))
    assert 2 <= begun_twice <= 4, "only the jobs that ran begin again"


def test_a_node_that_does_not_see_the_folder_is_left_out(folder):
    folder.write("Snakefile", SEVERAL.format(count=8, runtime=10, command="sleep 1"))
    slurm = folder.slurm
    slurm.stop_node("n2")
    slurm.start_node("n2", hidden=folder.path)
    try:
        wait_until(lambda: slurm.node_states() == ["idle", "idle"], 30, "the node is there")
        slurm.set_node("n1", "DRAIN")
        run = folder.start("--executor", "slurm", "--packing", "array")
        wait_until(lambda: "no further job is sent to n2" in run.text(), 60, "the node is left out")
        slurm.set_node("n1", "RESUME")
        assert run.wait(60) == 0, run.text()
    finally:
        slurm.stop_node("n2")
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in range(8) for what in ("begin", "end"))


AWAY_S = 60


def test_controller_down_for_a_minute_loses_nothing(folder):
    """Running jobs go on and end, and jobs that become ready are submitted when the controller is back."""
    folder.write("Snakefile", """
rule all:
    input: "after.txt", "later.txt"
rule short:
    output: "out/{n}"
    resources: mem_mb=20, runtime=60
    shell: "echo begin {wildcards.n} >> $JOBLOG; sleep 5; touch {output}; echo end {wildcards.n} >> $JOBLOG"
rule long:
    output: "long.txt"
    resources: mem_mb=20, runtime=60
    shell: "echo begin long >> $JOBLOG; sleep 65; touch {output}; echo end long >> $JOBLOG"
rule after:
    input: expand("out/{n}", n=range(3))
    output: "after.txt"
    resources: mem_mb=20, runtime=60
    shell: "echo begin after >> $JOBLOG; touch {output}; echo end after >> $JOBLOG"
rule later:
    input: "long.txt"
    output: "later.txt"
    resources: mem_mb=20, runtime=60
    shell: "echo begin later >> $JOBLOG; touch {output}; echo end later >> $JOBLOG"
""")
    run = folder.start("--executor", "slurm")
    begun(folder, 4)
    folder.slurm.stop_controller()
    away = time.monotonic()
    while time.monotonic() - away < AWAY_S:
        time.sleep(1)
        assert run.process.poll() is None, run.text()
    assert all(folder.times(f"end {n}") == 1 for n in range(3)), "they ended while the controller was down"
    assert folder.times("begin after") == 0
    folder.slurm.start_controller()
    assert run.wait(120) == 0, run.text()
    assert "failed" not in run.text()
    assert sorted(folder.log()) == sorted(f"{what} {job}" for job in (0, 1, 2, "long", "after", "later")
                                          for what in ("begin", "end"))


@pytest.mark.parametrize("runtime", [1, 60], ids=["packed", "array"])
def test_a_new_engine_adopts_the_jobs_of_a_killed_one(folder, runtime):
    folder.write("Snakefile", SEVERAL.format(count=4, runtime=runtime, command="sleep 3"))
    run = folder.start("--executor", "slurm")
    begun(folder, 4)
    before = folder.slurm.submissions()
    run.signal(signal.SIGKILL)
    run.wait()
    folder.run("--executor", "slurm")
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in range(4) for what in ("begin", "end"))
    assert folder.slurm.submissions() == before
    assert "Nothing to do" in folder.run("--executor", "slurm").text


def test_a_lost_connection_leaves_the_jobs_to_the_next_engine(folder):
    folder.write("Snakefile", SEVERAL.format(count=4, runtime=60, command="sleep 4"))
    run = folder.start("--executor", "slurm")
    begun(folder, 4)
    run.signal(signal.SIGHUP)
    assert run.wait(20) == 1
    assert "4 still on the cluster" in run.text()
    assert len(folder.slurm.queue()) == 4
    folder.run("--executor", "slurm")
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in range(4) for what in ("begin", "end"))


def test_an_engine_in_a_task_of_an_array_leaves_that_array_alone(folder):
    folder.write("Snakefile", """
rule all:
    input: "a", "b"
rule one:
    output: "{name}"
    resources: mem_mb=50, runtime=60
    shell: "echo $SLURM_JOB_ID ${{SLURM_MEM_PER_CPU-}} > {output}; sleep 2"
""")
    command = f"{engine.FURROW} run --executor slurm --packing one {' '.join(folder.QUICK)} && touch done"
    outer = folder.slurm.ask("sbatch", "--parsable", "--array=3", "--mem-per-cpu=400", "-o", str(folder / "outer.txt"),
                             "-D", str(folder.path), "--wrap", command).stdout.strip()
    wait_until(lambda: not folder.slurm.queue(), 60, "the outer job has ended")
    assert (folder / "done").exists(), folder.read("outer.txt")
    ran_as = {folder.read("a").strip(), folder.read("b").strip()}
    assert len(ran_as - {outer}) == 2 and all(name.isdigit() for name in ran_as)


def test_jobs_that_ended_without_an_engine_do_not_run_again(folder):
    folder.write("Snakefile", SEVERAL.format(count=4, runtime=1, command="sleep 1"))
    run = folder.start("--executor", "slurm")
    begun(folder, 4)
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not folder.slurm.queue(), 30, "all jobs have ended")
    assert "4 of 5" not in folder.run("--executor", "slurm").text
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in range(4) for what in ("begin", "end"))


def test_a_local_run_waits_for_jobs_on_the_cluster(folder):
    folder.write("Snakefile", SEVERAL.format(count=2, runtime=60, command="sleep 2"))
    run = folder.start("--executor", "slurm")
    begun(folder, 2)
    run.signal(signal.SIGKILL)
    run.wait()
    folder.run("-c", "2")
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in range(2) for what in ("begin", "end"))


def test_a_changed_job_is_refused_while_the_old_one_runs(folder):
    folder.write("Snakefile", one("sleep 30"))
    run = folder.start("--executor", "slurm")
    begun(folder)
    run.signal(signal.SIGKILL)
    run.wait()
    folder.write("Snakefile", one("true"))
    (job,) = folder.slurm.queue()
    text = folder.run("--executor", "slurm", code=1).text
    assert f"Slurm job {job}" in text and "still running" in text
    folder.slurm.ask("scancel", job)
    wait_until(lambda: not folder.slurm.queue(), 30, "the old job is gone")
    folder.run("--executor", "slurm")
    assert folder.log() == ["begin", "begin", "end"]


def test_engines_killed_at_many_moments_lose_nothing(folder):
    """Each engine lives a little longer than the one before. At the end all files exist, and no job succeeded twice."""
    folder.write("Snakefile", SEVERAL.format(count=12, runtime=1, command="sleep 0.4") + """
rule sum:
    input: rules.all.input
    output: "sum.txt"
    resources: mem_mb=20, runtime=1
    shell: "echo begin sum >> $JOBLOG; ls out | wc -l > {output}; echo end sum >> $JOBLOG"
""")
    for delay in (0.05, 0.3, 0.6, 0.9, 1.2, 1.6):
        run = folder.start("--executor", "slurm", "sum.txt")
        time.sleep(delay)
        run.signal(signal.SIGKILL)
        run.wait()
    folder.run("--executor", "slurm", "sum.txt")
    assert folder.read("sum.txt").strip() == "12"
    for name in [*range(12), "sum"]:
        assert folder.times(f"end {name}") == 1, folder.log()
    assert "Nothing to do" in folder.run("--executor", "slurm", "sum.txt").text


def test_ctrl_c_cancels_running_and_waiting_jobs(folder):
    folder.write("Snakefile", SEVERAL.format(count=20, runtime=60, command="sleep 60"))
    run = folder.start("--executor", "slurm")
    begun(folder, 4)
    run.signal(signal.SIGINT)
    assert run.wait(60) != 0
    assert "interrupted" in run.text()
    wait_until(lambda: not folder.slurm.queue(), 20, "nothing is left in the queue")
    assert not [line for line in folder.log() if line.startswith("end")]
    assert not (folder / "out").exists(), "this run made the folder, and nothing in it was finished"


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("how", [["--executor", "slurm"], ["--cluster", "sbatch -p short -t 60 -o log"]],
                         ids=["slurm", "cluster"])
def test_ctrl_c_cancels_a_job_that_only_waits(folder, how, times):
    folder.write("Snakefile", """
rule all:
    output: "out"
    resources: slurm_partition="short", runtime=60, mem_mb=50
    shell: "touch {output}"
""")
    run = folder.start(*how)
    wait_until(lambda: folder.slurm.queue(), 20, "the job waits: it asks for more time than the partition allows")
    time.sleep(0.3)
    for _ in range(times):
        run.signal(signal.SIGINT)
    assert run.wait(60) != 0
    assert not folder.slurm.queue(), "the job was cancelled before the engine ended"


def test_a_runner_killed_in_a_second_batch_loses_only_its_job(folder):
    kill = "test {wildcards.n} != 599 || test -e killed || (touch killed; sleep 2; kill -9 $PPID; sleep 20)"
    folder.write("Snakefile", SEVERAL.format(count=600, runtime=1, command=kill))
    folder.run("--executor", "slurm", "--retries", "1", "-q")
    ends = [int(line.split()[1]) for line in folder.log() if line.startswith("end")]
    assert set(ends) == set(range(600)), "each job has succeeded"
    assert ends.count(599) == 1
    # Neighbours whose outputs are not on the disk yet when the runner dies are not in its journal: they run again.
    assert len(ends) <= 600 + 50, "jobs that ended long before do not run again"
    assert folder.times("begin 599") == 2
    assert not folder.slurm.queue()


def test_a_claimed_batch_is_not_submitted_again_while_its_job_runs(folder):
    folder.write("Snakefile", one("true", 'resources: slurm_partition="short", runtime=60, mem_mb=50'))
    run = folder.start("--executor", "slurm")
    (waiting,) = wait_until(folder.slurm.queue, 20, "the job waits: it asks for more time than the partition allows")
    (batches,) = (folder / ".furrow" / "batches").iterdir()
    wait_until((batches / "submitted").exists, 20, "the engine knows the name of the job")
    other = folder.slurm.ask("sbatch", "--parsable", "-o", "/dev/null", "--mem=50", "--wrap", "sleep 8").stdout.strip()
    (batches / "claim.0").write_text(f"run {other}\n")
    folder.slurm.ask("scancel", waiting)
    wait_until(lambda: other not in folder.slurm.queue(), 30,
               "the job with the claim ends without having done anything")
    assert run.process.poll() is None and not folder.slurm.queue(), "the engine waits for it"
    wait_until(folder.slurm.queue, 30, "the lost batch is submitted again")
    run.signal(signal.SIGINT)
    assert run.wait(60) != 0


def test_a_killed_runner_fails_its_job_with_the_reason(folder):
    folder.write("Snakefile", one("kill -9 $PPID; sleep 20"))
    text = folder.run("--executor", "slurm", code=1).text
    assert "ended while the job ran" in text
    assert folder.log() == ["begin"]
