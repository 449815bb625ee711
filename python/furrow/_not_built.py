"""Why furrow._furrow, the compiled part of the package, cannot be imported, and what to do about it."""

import re
import sys
from pathlib import Path

_BUILD = """  in a clone of furrow:  ./dev build, then PYTHONPATH=build/python /usr/bin/python3
  for another Python:    PYTHON -m venv FOLDER, then FOLDER/bin/pip install . in the clone"""


def explained(problem, package=Path(__file__).parent):
    """The ImportError to raise instead of problem; problem itself if the loader has said what is missing."""
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    built = sorted({_version(path.name) for path in package.glob("_furrow*.so")} - {None})
    if this in built or (not built and any(package.glob("_furrow*.so"))):
        return problem
    if built:
        text = f"furrow was built for Python {' and '.join(built)}, this is {this} ({sys.executable}). To build it:"
    else:
        text = f"{package} has no compiled furrow._furrow: it holds only the sources. To build it:"
    return ImportError(f"{text}\n{_BUILD}", name="furrow._furrow")


def _version(name):
    """'3.11' from _furrow.cpython-311-x86_64-linux-gnu.so; None if the name does not say."""
    found = re.search(r"\.cpython-(\d)(\d+)", name)
    return f"{found[1]}.{found[2]}" if found else None
