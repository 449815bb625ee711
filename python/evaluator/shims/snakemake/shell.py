"""shell(...)."""

from furrow_evaluator.shell import shell  # noqa: F401
