"""Helpers for input functions."""

from furrow_evaluator.helpers import (
    as_py_module,
    branch,
    choose_file,
    choose_folder,
    choose_tmp,
    evaluate,
    exists,
    extract_checksum,
    flatten,
    lookup,
    parse_input,
    prepend_param,
    subpath,
)
from furrow_evaluator.patterns import expand as collect

__all__ = [
    "as_py_module", "branch", "choose_file", "choose_folder", "choose_tmp", "collect", "evaluate", "exists",
    "extract_checksum", "flatten", "lookup", "parse_input", "prepend_param", "subpath",
]
