"""mpirun -n 4 python3 -m furrow script.py [arguments]: rank 0 runs the script; all others work for its MPIPool.

The other ranks import the script as multiprocessing's spawned processes do, under the name __mp_main__, so that the
workers find its functions: what stands under `if __name__ == "__main__":` runs on rank 0 alone. Without that line
they run the script up to its MPIPool, and serve there.
"""

import io
import os
import sys
import traceback
import types

from furrow import _mpi_pool

_USAGE = "usage: mpirun -n RANKS python3 -m furrow SCRIPT [ARGUMENT...]"


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__ if arguments[:1] in (["-h"], ["--help"]) else _USAGE)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    script = arguments[0]
    try:
        with io.open_code(os.path.abspath(script)) as file:
            code = compile(file.read(), script, "exec")
    except OSError as problem:
        print(f"furrow: cannot read the script {script}: {problem.strerror}", file=sys.stderr)
        return 2
    mpi = _mpi_pool._extension()
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    if _mpi_pool.rank_by_environment():
        _serve(mpi, script, code)
    try:
        exec(code, vars(_module("__main__", script)))
    finally:
        _mpi_pool.join_and_finish(mpi)
    return 0


def _serve(mpi, script, code):
    problem = None
    try:
        exec(code, vars(_module("__mp_main__", script)))
    except BaseException:
        problem = f"the script could not be imported: {traceback.format_exc()}"
    _mpi_pool.join_and_serve(mpi, problem)


def _module(name, script):
    """Makes a new main module, under both names that pickles may use."""
    module = types.ModuleType(name)
    module.__file__ = script
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
