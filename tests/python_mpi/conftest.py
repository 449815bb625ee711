"""The tests of furrow.MPIPool: real programs, started by a real mpirun on this machine alone."""
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "python"), str(HERE),
                os.environ.get("FURROW_PYTHON") or str(HERE.parents[1] / "build" / "python")]


def pytest_collection_modifyitems(items):
    import mpirun

    missing = [what for what, there in (("openmpi-bin", shutil.which("mpirun")),
                                        ("an MPI when furrow was built (libopenmpi-dev)", mpirun.has_extension())) if not there]
    if missing:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"needs {' and '.join(missing)}"))
