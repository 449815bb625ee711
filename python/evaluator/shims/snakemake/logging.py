"""The logger."""

from furrow_evaluator.logger import Logger, logger

__all__ = ["Logger", "logger"]
