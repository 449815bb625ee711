"""Starts Python programs on several ranks."""
import sys
from pathlib import Path

import engine
import program

# By default mpirun refuses root, and more ranks than cores. The tests stay on this machine.
OPTIONS = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader"]


def has_extension():
    return any(Path(program.MODULE, "furrow").glob("_mpi*.so"))


def command(ranks, *arguments):
    return ["mpirun", "-n", str(ranks), *OPTIONS, sys.executable, *map(str, arguments)]


def run(ranks, *arguments, timeout=60, cwd=None, **more):
    """Runs `mpirun -n RANKS python3 ARGUMENTS`, whatever its exit code."""
    return engine.execute(command(ranks, *arguments), cwd or program.HERE, program.environment(**more), timeout)


def run_text(ranks, text, folder, *arguments, module=False, **options):
    """Runs a program text from a file; if module is true, with `python3 -m furrow`."""
    path = folder / "program_text.py"
    path.write_text(text)
    return run(ranks, *(["-m", "furrow"] if module else []), path, *arguments, cwd=folder, **options)


def lines(ranks, text, folder, *arguments, **options):
    """The lines that the program printed; it must succeed."""
    done = run_text(ranks, text, folder, *arguments, **options)
    assert done.code == 0, str(done)
    return done.out.splitlines()
