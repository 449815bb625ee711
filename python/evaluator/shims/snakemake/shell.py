"""shell(...)."""

from furrow_evaluator.shell import shell

__all__ = ["shell"]
