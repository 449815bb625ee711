"""If a launcher starts the command several times without MPI, it refuses to run: each process would do all the work.
(For runs with MPI, see tests/ranks.)"""
import engine
import pytest

SEVERAL = {"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"}


@pytest.mark.parametrize("command", [["map", "touch", "{}", ":::", "made"], ["run", "made"]])
def test_tasks_of_srun_without_pmix_are_refused(folder, command):
    folder.write("Snakefile", 'rule: output: "made"\n    shell: "touch made"\n')
    result = engine.execute([engine.FURROW, *command], folder.path, engine.environment(**SEVERAL))
    assert result.code == (255 if command[0] == "map" else 2), str(result)
    assert "srun has started this command 3 times" in result.err and "srun --mpi=pmix" in result.err
    assert not (folder.path / "made").exists()


@pytest.mark.parametrize("several", [{**SEVERAL, "PMIX_RANK": "1"},
                                     {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}])
def test_processes_that_mpi_does_not_connect_are_refused(folder, several):
    result = engine.furrow("map", "touch", "{}", ":::", "made", cwd=folder.path, env=engine.environment(**several))
    assert result.code == 255, str(result)
    assert "times" in result.err and ("sees each of them alone" in result.err or "without MPI" in result.err)
    assert not (folder.path / "made").exists()


def test_the_command_is_not_linked_to_mpi(folder):
    libraries = engine.execute(["ldd", engine.FURROW], folder.path).out.lower()
    assert "libc.so" in libraries and "mpi" not in libraries and "pmix" not in libraries


def test_a_single_rank_runs(folder):
    env = engine.environment(OMPI_COMM_WORLD_SIZE="1", OMPI_COMM_WORLD_RANK="0")
    assert engine.furrow("map", "touch", "{}", ":::", "made", cwd=folder.path, env=env).code == 0


def test_tasks_of_srun_are_refused_but_a_batch_script_runs(folder):
    inside = dict(SLURM_STEP_NUM_TASKS="3", SLURM_PROCID="1")
    result = engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**inside))
    assert result.code == 255 and "srun has started this command 3 times" in result.err
    script = dict(SLURM_NTASKS="3", SLURM_PROCID="0")
    assert engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**script)).code == 0
