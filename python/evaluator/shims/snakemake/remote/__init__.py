"""Remote files."""

from furrow_evaluator.errors import NotYet

raise NotYet("snakemake.remote: remote files are not supported yet")
