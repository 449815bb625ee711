"""Small facts that Snakefiles ask for."""

import sys

from snakemake import __version__

__all__ = ["__version__", "is_local_file", "MIN_PY_VERSION", "ON_MACOS", "ON_WINDOWS"]

MIN_PY_VERSION = (3, 9)
ON_WINDOWS = False
ON_MACOS = sys.platform == "darwin"


def is_local_file(path):
    return "://" not in str(path) or str(path).startswith("file:")
