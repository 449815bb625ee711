"""Ranks of the command on a real Slurm: started by `srun --mpi=pmix`, and in packed batches that span several nodes."""
import os
import signal
from pathlib import Path

import engine
import pytest

from running import marked_processes, wait_until
from workflows import ELEVEN, ELEVEN_FILES

PLUGIN = Path(engine.FURROW).resolve().parents[1] / "lib" / "furrow" / "ranks.so"
ROOT = "--allow-run-as-root" if os.geteuid() == 0 else ""


@pytest.fixture(autouse=True)
def pmix(request):
    if "slurm" not in request.fixturenames:
        return
    if not PLUGIN.exists():
        pytest.skip("furrow was built without MPI (Debian: libopenmpi-dev)")
    if "pmix" not in request.getfixturevalue("slurm").ask("srun", "--mpi=list").stdout:
        pytest.skip("this Slurm has no PMIx: srun --mpi=list does not name it")


def srun(folder, *arguments, options=("--mpi=pmix", "--kill-on-bad-exit=1"), code=0, timeout=60):
    argv = ["srun", "--nodes=2", "--ntasks=2", "--cpus-per-task=2", *options, engine.FURROW,
            *map(str, arguments)]
    result = engine.execute(argv, folder.path, folder.environment(), timeout)
    assert result.code == code, str(result)
    return result


def test_a_workflow_under_srun_makes_the_same_files_as_a_local_run(folder):
    folder.write("Snakefile", ELEVEN)
    result = srun(folder, "run")
    there = {name: folder.read(name) for name in ELEVEN_FILES}
    assert "of 2 ranks" in result.err
    for name in ELEVEN_FILES:
        (folder / name).unlink()
    folder.run("--cores", "2", quick=False)
    assert there == {name: folder.read(name) for name in ELEVEN_FILES}


def test_both_nodes_run_jobs_and_one_rank_reads_standard_input(folder):
    argv = ["srun", "--mpi=pmix", "--nodes=2", "--ntasks=2", engine.FURROW, "map", "-k", "-j2",
            "echo {} $SLURMD_NODENAME; sleep 0.05"]
    folder.write("inputs", "".join(f"{i}\n" for i in range(20)))
    with open(folder / "inputs") as inputs:
        result = engine.execute(argv, folder.path, folder.environment(), stdin=inputs)
    assert result.code == 0, str(result)
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[0] for row in rows] == [str(i) for i in range(20)]
    assert {row[1] for row in rows} == {"n1", "n2"}


def test_tasks_without_mpi_refuse_to_start(folder):
    result = srun(folder, "map", "touch", "{}", ":::", "made", options=("--mpi=none",), code=255)
    assert "srun has started this command 2 times" in result.err and "srun --mpi=pmix" in result.err
    assert not (folder / "made").exists()


def test_a_job_can_start_mpi_itself(folder):
    inner = f"mpirun {ROOT} --oversubscribe -n 2 sh -c 'echo $OMPI_COMM_WORLD_SIZE' #"
    assert srun(folder, "map", "-j1", inner, ":::", 1, 2).out == "2\n" * 4


SHORT = """
localrules: all
rule all:
    input: expand("out/{n}", n=range(40)), expand("block/{n}", n=range(6))
rule one:
    output: "out/{n}"
    resources: runtime=1, mem_mb=50
    retries: 2
    shell: "echo {wildcards.n} >> $JOBLOG; echo $SLURM_JOB_ID $SLURMD_NODENAME > {output}; sleep 0.2"
rule two:
    output: "block/{n}"
    resources: runtime=1, mem_mb=50
    run:
        import time
        time.sleep(0.2)
        open(output[0], "w").write(os.environ["SLURM_JOB_ID"] + " " + os.environ["SLURMD_NODENAME"])
"""
BATCH = ["--executor", "slurm", "--batch-nodes", "2", "--batch-cores", "2"]


def test_short_jobs_share_an_allocation_of_two_nodes(folder):
    folder.write("Snakefile", SHORT)
    before = folder.slurm.submissions()
    result = folder.run(*BATCH)
    assert folder.slurm.submissions() - before == 1, str(result)
    for kind, count in (("out", 40), ("block", 6)):
        rows = [path.read_text().split() for path in (folder / kind).iterdir()]
        assert len(rows) == count and len({row[0] for row in rows}) == 1
        assert {row[1] for row in rows} == {"n1", "n2"}, kind
    assert sorted(folder.log()) == sorted(map(str, range(40)))


def test_map_jobs_share_an_allocation_of_two_nodes(folder):
    before = folder.slurm.submissions()
    argv = [engine.FURROW, "map", "--executor", "slurm", "--batch-nodes", "2", "--packing", "packed", "-k",
            "--resource", "runtime=1",
            "--resource", "mem_mb=50", "echo {} $SLURMD_NODENAME; sleep 0.2", ":::", *map(str, range(40))]
    result = engine.execute(argv, folder.path, folder.environment(), 90)
    assert result.code == 0, str(result)
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[0] for row in rows] == [str(i) for i in range(40)] and {row[1] for row in rows} == {"n1", "n2"}
    assert folder.slurm.submissions() - before == 1


def test_a_dead_rank_ends_its_batch_and_its_jobs_are_retried(folder):
    folder.write("Snakefile", SHORT)
    run = folder.start(*BATCH)
    wait_until(lambda: len(folder.log()) >= 4, 60, "some jobs have begun")

    def rank_on_second_node():
        for pid in marked_processes("SLURM_PROCID=1"):
            try:
                own = f"SLURM_CONF={folder.slurm.configuration}".encode()
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if own in variables and b"batch\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except OSError:
                pass
        return None

    os.kill(wait_until(rank_on_second_node, 20, "there is a second rank"), signal.SIGKILL)
    assert run.wait(120) == 0, run.text()
    assert len(list((folder / "out").iterdir())) == 40


def test_a_new_engine_waits_for_a_batch_of_two_nodes(folder):
    folder.write("Snakefile", SHORT.replace("sleep 0.2", "sleep 0.5"))
    run = folder.start(*BATCH)
    wait_until(lambda: len(folder.log()) >= 4, 60, "some jobs have begun")
    run.signal(signal.SIGKILL)
    run.wait()
    before = folder.slurm.submissions()
    folder.run(*BATCH, timeout=120)
    assert folder.slurm.submissions() == before, "nothing was submitted again"
    assert sorted(folder.log()) == sorted(map(str, range(40))), "nothing ran twice"


def test_an_interrupt_cancels_a_batch_of_two_nodes(folder):
    folder.write("Snakefile", SHORT.replace("sleep 0.2", "sleep 60"))
    run = folder.start(*BATCH)
    wait_until(lambda: len(folder.log()) >= 4, 60, "some jobs have begun")
    run.signal(signal.SIGINT)
    assert run.wait(60) == 1
    wait_until(lambda: not folder.slurm.queue(), 30, "the queue is empty")
    assert not list((folder / "out").iterdir()) if (folder / "out").exists() else True


def test_batches_of_several_nodes_need_mpi(folder):
    copy = folder / "bin" / "furrow"
    copy.parent.mkdir()
    copy.write_bytes(Path(engine.FURROW).read_bytes())
    copy.chmod(0o755)
    result = engine.execute([copy, "map", "--executor", "slurm", "--batch-nodes", "2", "echo", ":::", "1"], folder.path,
                            folder.environment())
    assert result.code == 255 and "--batch-nodes needs MPI" in result.err
