"""The logger."""

from furrow_evaluator.logger import Logger, logger  # noqa: F401
