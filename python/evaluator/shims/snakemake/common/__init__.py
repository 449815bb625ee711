"""Small facts that Snakefiles ask for."""

import sys

from snakemake import __version__  # noqa: F401

MIN_PY_VERSION = (3, 9)
ON_WINDOWS = False
ON_MACOS = sys.platform == "darwin"


def is_local_file(path):
    return "://" not in str(path) or str(path).startswith("file:")
