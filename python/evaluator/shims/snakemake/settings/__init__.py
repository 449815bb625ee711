"""Settings of a run."""

from snakemake.settings.enums import *  # noqa: F401,F403
from snakemake.settings.types import *  # noqa: F401,F403
