"""Gives a notebook, or a script in a dialect of Python, the object `snakemake`, by a text that goes before its own."""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def python_preamble(values, script, folder=None):
    """One line of Python. VALUES is a pickle of what the object holds; FOLDER is where to work."""
    steps = [
        "import os, sys",
        "os.chdir(%r)" % folder if folder else None,
        'sys.modules["furrow_evaluator"] = type(sys)("furrow_evaluator")',
        'sys.modules["furrow_evaluator"].__path__ = [%r]' % _HERE,
        "from furrow_evaluator.preamble import received",
        f"snakemake = received({values!r}, {script!r})",
        "from furrow_evaluator.logger import logger",
        "del received",
    ]
    return "; ".join(step for step in steps if step)


def received(values, script):
    from .values import unpickled

    sys.path[:0] = [os.path.dirname(script), os.path.join(os.path.dirname(_HERE), "shims")]
    return unpickled(values)
