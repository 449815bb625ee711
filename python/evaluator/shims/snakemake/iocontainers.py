"""The lists that functions and scripts receive."""

from snakemake.io import InputFiles, Log, Namedlist, OutputFiles, Params, ResourceList, Wildcards  # noqa: F401
from snakemake.script import Snakemake  # noqa: F401


def __getattr__(name):
    if name == "snakemake":
        from snakemake import script

        return script.snakemake
    raise AttributeError(name)
