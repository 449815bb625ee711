"""The tests of furrow.MPIPool: real programs, started by a real mpirun, on this machine only."""
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "python"), str(HERE)]

import engine  # noqa: E402

sys.path.insert(3, engine.MODULE)


def pytest_collection_modifyitems(items):
    import mpirun

    needed = {"openmpi-bin": shutil.which("mpirun"),
              "an MPI when furrow was built (libopenmpi-dev)": mpirun.has_extension()}
    missing = [what for what, there in needed.items() if not there]
    if missing:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"needs {' and '.join(missing)}"))
