"""An MPIPool behaves as furrow.Pool does: rank 0 runs the same tests while the other ranks work."""
import mpirun
import program
import pytest


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("file", ["test_pool_basics.py", "test_pool_extras.py", "test_values.py",
                                  "test_objects.py", "test_statistics.py", "test_stopping.py"])
def test_the_pool_tests_pass_on_an_mpi_pool(file, ranks):
    done = mpirun.run(ranks, "-m", "pytest", "-q", "-p", "no:cacheprovider", program.HERE / file, timeout=200,
                      FURROW_OVER_MPI="1")
    assert done.code == 0 and " passed" in done.out and " failed" not in done.out, str(done)
