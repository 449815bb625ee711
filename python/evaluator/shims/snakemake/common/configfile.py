"""Config files."""

from snakemake.io import load_configfile

__all__ = ["load_configfile"]
