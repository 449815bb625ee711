"""The object that scripts see."""

import sys

from furrow_evaluator.values import Snakemake

__all__ = ["Snakemake"]


def __getattr__(name):
    if name == "snakemake":
        found = getattr(sys.modules["__main__"], "snakemake", None)
        if found is not None:
            return found
    raise AttributeError(name)
