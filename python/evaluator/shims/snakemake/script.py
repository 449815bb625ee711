"""The object that scripts see."""

import sys

from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.values import Snakemake

__all__ = ["Snakemake"]

_engine_only = stand_ins(
    __name__,
    "BashEncoder BashScript JuliaEncoder JuliaScript PythonScript REncoder RMarkdown RScript RustScript ScriptBase "
    "get_language get_source script",
)


def __getattr__(name):
    if name == "snakemake":
        found = getattr(sys.modules["__main__"], "snakemake", None)
        if found is not None:
            return found
    return _engine_only(name)
