"""The tests of the Python module, for /usr/bin/python3, with the module from build/python (or FURROW_PYTHON)."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]

import engine  # noqa: E402

sys.path.insert(2, engine.MODULE)
