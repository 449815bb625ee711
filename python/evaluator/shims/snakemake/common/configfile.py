"""Config files."""

from snakemake.io import load_configfile  # noqa: F401
