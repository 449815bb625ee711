"""The tests of the Python module, for /usr/bin/python3, with the module from build/python (or FURROW_PYTHON)."""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE),
                os.environ.get("FURROW_PYTHON") or str(HERE.parents[1] / "build" / "python")]
