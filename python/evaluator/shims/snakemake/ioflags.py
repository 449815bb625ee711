"""Flags of files."""

from furrow_evaluator.flags import before_update, update

__all__ = ["before_update", "update"]
