"""Started several times by a launcher without MPI between them, the command refuses: each would do all the work.
(With MPI: tests/ranks.)"""
import engine
import pytest

SEVERAL = {"SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "1"}


@pytest.mark.parametrize("command", [["map", "touch", "{}", ":::", "made"], ["run", "made"]])
def test_tasks_of_srun_without_pmix_do_nothing(folder, command):
    folder.write("Snakefile", 'rule: output: "made"\n    shell: "touch made"\n')
    result = engine.execute([engine.FURROW, *command], folder.path, engine.environment(**SEVERAL))
    assert result.code == (255 if command[0] == "map" else 2), str(result)
    assert "srun has started this command 3 times" in result.err and "srun --mpi=pmix" in result.err
    assert not (folder.path / "made").exists()


@pytest.mark.parametrize("several", [{**SEVERAL, "PMIX_RANK": "1"},
                                     {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}])
def test_who_is_alone_for_mpi_does_nothing(folder, several):
    result = engine.furrow("map", "touch", "{}", ":::", "made", cwd=folder.path, env=engine.environment(**several))
    assert result.code == 255, str(result)
    assert "times" in result.err and ("each of them is alone" in result.err or "without MPI" in result.err)
    assert not (folder.path / "made").exists()


def test_the_command_itself_is_linked_to_no_mpi(folder):
    libraries = engine.execute(["ldd", engine.FURROW], folder.path).out.lower()
    assert "libc.so" in libraries and "mpi" not in libraries and "pmix" not in libraries


def test_one_rank_alone_goes_on(folder):
    env = engine.environment(OMPI_COMM_WORLD_SIZE="1", OMPI_COMM_WORLD_RANK="0")
    assert engine.furrow("map", "touch", "{}", ":::", "made", cwd=folder.path, env=env).code == 0


def test_tasks_of_srun_are_told_apart_from_a_batch_script(folder):
    inside = dict(SLURM_STEP_NUM_TASKS="3", SLURM_PROCID="1")
    result = engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**inside))
    assert result.code == 255 and "srun has started this command 3 times" in result.err
    script = dict(SLURM_NTASKS="3", SLURM_PROCID="0")
    assert engine.furrow("map", "true", ":::", "1", cwd=folder.path, env=engine.environment(**script)).code == 0
