"""furrow.MPIPool on ranks that srun starts."""
import subprocess
import sys
from pathlib import Path

import engine
import pytest

MODULE = Path(engine.MODULE)

pytestmark = pytest.mark.skipif(not any((MODULE / "furrow").glob("_mpi*.so"))
                                or not any(Path("/usr/lib").glob("*/slurm-wlm/mpi_pmix.so")),
                                reason="needs libopenmpi-dev when furrow is built, and Slurm's plugin for PMIx")

SCRIPT = """
import multiprocessing, time
from furrow import MPIPool

def where(_):
    time.sleep(0.02)
    return multiprocessing.current_process().name

if __name__ == "__main__":
    with MPIPool(1) as pool:
        print(sorted(set(pool.map(where, range(60), 1))))
"""


@pytest.mark.parametrize("module", [[], ["-m", "furrow"]], ids=["script", "module"])
def test_srun_starts_the_ranks_of_a_pool(module, slurm, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    # One node only: PMIx tells nodes apart by host name, and the virtual nodes share one.
    done = subprocess.run(["srun", "--mpi=pmix", "-N1", "-n3", sys.executable, *module, "script.py"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env=engine.environment(PYTHONPATH=str(MODULE), SLURM_PMIX_TMPDIR=str(tmp_path),
                                                 **slurm.environment()))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['MPIPoolWorker-0-1', 'MPIPoolWorker-1-1', 'MPIPoolWorker-2-1']\n"
