"""The lists that functions and scripts receive."""

from snakemake.io import InputFiles, Log, Namedlist, OutputFiles, Params, ResourceList, Wildcards
from snakemake.script import Snakemake

__all__ = ["InputFiles", "Log", "Namedlist", "OutputFiles", "Params", "ResourceList", "Snakemake", "Wildcards"]


def __getattr__(name):
    if name == "snakemake":
        from snakemake import script

        return script.snakemake
    raise AttributeError(name)
