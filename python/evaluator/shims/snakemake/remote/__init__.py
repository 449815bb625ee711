"""Files from elsewhere."""

from furrow_evaluator.errors import NotYet

raise NotYet("snakemake.remote: files from elsewhere are not carried out yet")
