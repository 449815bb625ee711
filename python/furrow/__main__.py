"""python3 -m furrow map|run|... runs the furrow command; mpirun -n 4 python3 -m furrow script.py a script over MPI.

A first argument that ends in .py, or holds a slash, is a script. Rank 0 runs it; all others work for its MPIPool. They
import the script as multiprocessing's spawned processes do, under the name __mp_main__, so that the workers find its
functions: what stands under `if __name__ == "__main__":` runs on rank 0 alone. Without that line they run the script
up to its MPIPool, and serve there.
"""

import io
import os
import sys
import traceback
import types


def main(arguments):
    first = arguments[0] if arguments else ""
    if first.endswith(".py") or (os.sep in first and not first.startswith("-")):
        return _run_script(arguments)
    return _run_command(arguments)


def _run_command(arguments):
    from furrow import _command

    try:
        program = _command.find()
    except FileNotFoundError as problem:
        print(f"furrow: {problem}", file=sys.stderr)
        return 2
    try:
        os.execv(program, [program, *arguments])
    except OSError as problem:
        print(f"furrow: cannot run {program}: {problem.strerror}", file=sys.stderr)
        return 2


def _run_script(arguments):
    from furrow import _mpi_pool

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
        _serve(_mpi_pool, mpi, script, code)
    try:
        exec(code, vars(_module("__main__", script)))
    finally:
        _mpi_pool.join_and_finish(mpi)
    return 0


def _serve(pools, mpi, script, code):
    problem = None
    try:
        exec(code, vars(_module("__mp_main__", script)))
    except BaseException:
        problem = f"the script could not be imported: {traceback.format_exc()}"
    pools.join_and_serve(mpi, problem)


def _module(name, script):
    """Makes a new main module, under both names that pickles may use."""
    module = types.ModuleType(name)
    module.__file__ = script
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
