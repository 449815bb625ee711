"""The evaluator: the process beside the engine that understands a Snakefile.

The engine starts it as `PYTHON main.py --fd N [--guard-fd M]`. The contract is docs/design/evaluator-protocol.md. This
file only prepares the interpreter: descriptors that no child may inherit, where byte code is cached, and where the
package and the modules named `snakemake` are found.
"""

import _frozen_importlib_external as machinery
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def parse_arguments(argv):
    values = {"--fd": None, "--guard-fd": None}
    rest = list(argv)
    while rest:
        name = rest.pop(0)
        if name not in values or not rest or not rest[0].isdigit():
            sys.exit("furrow evaluator: started by `furrow run`, as: main.py --fd N [--guard-fd M]")
        values[name] = int(rest.pop(0))
    if values["--fd"] is None:
        sys.exit("furrow evaluator: the option --fd is missing")
    return values["--fd"], values["--guard-fd"]


def byte_code_folder():
    """The folder for byte code; None means beside the sources.

    It is the user's cache if the sources are not writable or the user has turned off byte code beside sources.
    """
    if sys.pycache_prefix is not None:
        return sys.pycache_prefix
    if os.access(_HERE, os.W_OK) and not sys.dont_write_bytecode:
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "furrow", "pycache")


class OwnLoader(machinery.SourceFileLoader):
    """Caches the byte code of our modules whatever the user has set: without it each start takes 20 ms longer."""

    folder = None

    def get_code(self, fullname):
        kept = sys.pycache_prefix, sys.dont_write_bytecode
        sys.pycache_prefix, sys.dont_write_bytecode = self.folder, False
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix, sys.dont_write_bytecode = kept


def add_package():
    """Makes `furrow_evaluator` importable without its folder on sys.path, where `main` could hide a user's module."""
    package = type(sys)("furrow_evaluator")
    folder = os.path.join(_HERE, "furrow_evaluator")
    package.__path__ = [folder]
    sys.modules["furrow_evaluator"] = package
    OwnLoader.folder = byte_code_folder()
    sys.path_importer_cache[folder] = machinery.FileFinder(folder, (OwnLoader, [".py"]))
    if sys.path and os.path.abspath(sys.path[0]) == _HERE:
        del sys.path[0]
    sys.path.insert(0, os.path.join(_HERE, "shims"))


def check_version():
    if sys.version_info < (3, 9):
        sys.exit("furrow evaluator: Python 3.9 or newer is needed, this is %d.%d" % sys.version_info[:2])


def main():
    check_version()
    fd, guard_fd = parse_arguments(sys.argv[1:])
    os.set_inheritable(fd, False)
    if guard_fd is not None:
        os.set_inheritable(guard_fd, False)
    add_package()
    from furrow_evaluator.server import serve

    serve(fd, guard_fd)


if __name__ == "__main__":
    main()
