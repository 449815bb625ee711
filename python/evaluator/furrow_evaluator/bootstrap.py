"""Runs a Python script of a rule: `python3 bootstrap.py PAYLOAD SCRIPT`.

The script runs as `__main__`, with its own folder first on sys.path, its own path as __file__, and the object
`snakemake`. Little is imported: a script may be short, and there may be thousands. The Python may be that of a software
environment: what is imported here works from 3.7 on, and this file can be read by any.
"""

import os
import sys


def prepare(payload, path):
    here = os.path.dirname(os.path.abspath(__file__))
    if getattr(sys, "pycache_prefix", None) is None and not os.access(here, os.W_OK):
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        sys.pycache_prefix = os.path.join(cache, "furrow", "pycache")
    package = type(sys)("furrow_evaluator")
    package.__path__ = [here]
    sys.modules["furrow_evaluator"] = package
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]  # modules in this folder must not hide the user's
    from furrow_evaluator.values import unpickled

    sys.path[:0] = [os.path.dirname(path), os.path.join(os.path.dirname(here), "shims")]
    return unpickled(read(payload))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def cut_traceback(kind, error, traceback, own_file=__file__):
    """Leaves out the frames of this file."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == own_file:
        traceback = traceback.tb_next
    error.__traceback__ = traceback
    sys.__excepthook__(kind, error, traceback)


def main():
    if sys.version_info < (3, 7):
        version = "%d.%d" % sys.version_info[:2]
        sys.exit("%s is Python %s: Python scripts of rules need 3.7 or newer" % (sys.executable, version))
    payload, path = sys.argv[1:3]
    snakemake = prepare(payload, path)
    source = read(path)
    sys.excepthook = cut_traceback
    # Where Snakemake would have put a copy of the script: some look at the folder's name.
    real_file = os.path.join(os.getcwd(), ".snakemake", "scripts", os.path.basename(path))
    names = sys.modules["__main__"].__dict__
    for name in ("prepare", "read", "cut_traceback", "main", "os"):
        names.pop(name, None)
    sys.argv = [path]
    names.update(__file__=path, __real_file__=real_file, __doc__=None, snakemake=snakemake)
    if b"logger" in source:
        from furrow_evaluator.logger import logger

        names["logger"] = logger
    exec(compile(source, path, "exec", dont_inherit=True), names)


main()
