"""Started several times by an MPI launcher, the command refuses: each would do all the work."""
import os
import shutil

import engine
import pytest


@pytest.mark.skipif(not shutil.which("mpirun"), reason="no mpirun here")
@pytest.mark.parametrize("command", [["map", "touch", "{}", ":::", "made"], ["run", "made"]])
def test_ranks_of_mpirun_do_nothing(folder, command):
    folder.write("Snakefile", 'rule: output: "made"\n    shell: "touch made"\n')
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    result = engine.execute(["mpirun", *root, "--oversubscribe", "-n", "2", engine.FURROW, *command], folder.path)
    assert result.code == (255 if command[0] == "map" else 2), str(result)
    assert "mpirun has started this command 2 times" in result.err and "Start it once" in result.err
    assert not (folder.path / "made").exists()


def test_one_rank_alone_goes_on(folder):
    env = engine.environment(OMPI_COMM_WORLD_SIZE="1", OMPI_COMM_WORLD_RANK="0")
    assert engine.furrow("map", "touch", "{}", ":::", "made", cwd=folder.path, env=env).code == 0


def test_tasks_of_srun_are_told_apart_from_a_batch_script(folder):
    inside = dict(SLURM_STEP_NUM_TASKS="3", SLURM_PROCID="1")
    result = engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**inside))
    assert result.code == 255 and "srun has started this command 3 times" in result.err
    script = dict(SLURM_NTASKS="3", SLURM_PROCID="0")
    assert engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**script)).code == 0
