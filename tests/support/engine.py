"""Runs the command under test, and Debian's Snakemake, for the tests that run real programs.

Environment variables:

FURROW       the furrow command (default: build/bin/furrow of this checkout)
FURROW_RUN   the command to run instead of `furrow run`: FURROW_RUN=/usr/bin/snakemake runs the tests of behaviour
             that both share against Snakemake
FURROW_PYTHON  the folder with the Python module (default: build/python of this checkout)
FURROW_LONG_TESTS  if set, tests that draw at random draw more often (./dev test long)
"""
import os
import shlex
import signal
import subprocess
from pathlib import Path

import snakemake_server

ROOT = Path(__file__).resolve().parents[2]
FURROW = os.environ.get("FURROW") or str(ROOT / "build" / "bin" / "furrow")
# Absolute, since the tests start programs in other folders.
MODULE = str(Path(os.environ.get("FURROW_PYTHON") or ROOT / "build" / "python").resolve())
FURROW_RUN = shlex.split(os.environ.get("FURROW_RUN", "")) or [FURROW, "run"]
SNAKEMAKE = ["/usr/bin/snakemake"]
LONG_TESTS = bool(os.environ.get("FURROW_LONG_TESTS"))
# Programs that a shell starts in the background ignore SIGINT, and so would all that these tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
IS_SNAKEMAKE = "snakemake" in os.path.basename(FURROW_RUN[0])


def environment(**more):
    """The environment for both engines: Debian's python3 first, a fixed language, none of the caller's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "FURROW", "PYTHON"))}
    path = os.pathsep.join(["/usr/bin", "/bin", kept.get("PATH", "")])
    return {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1",
            "PARALLEL_SHELL": "/bin/bash", **more}


class Result:
    """A finished run: its exit code (negative for a signal) and its output."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    @property
    def text(self):
        return self.out + self.err

    def __str__(self):
        return f"$ {shlex.join(map(str, self.argv))}\n{self.out}{self.err}[exit code {self.code}]"


def execute(argv, cwd, env=None, timeout=60, stdin=subprocess.DEVNULL):
    """Runs a program in a session of its own, so that all its processes can be killed if it hangs."""
    process = subprocess.Popen(
        argv, cwd=cwd, env=env or environment(), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"still running after {timeout} s: {Result(argv, None, *map(decode, (out, err)))}")
    return Result(argv, process.returncode, decode(out), decode(err))


def snakemake(*arguments, cwd, env=None):
    """Runs Debian's `snakemake ARGUMENTS`."""
    arguments = list(map(str, arguments))
    code, out, err = snakemake_server.run(arguments, cwd, env or environment())
    return Result([*SNAKEMAKE, *arguments], code, decode(out), decode(err))


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def furrow_run(*arguments, cwd, env=None, timeout=60):
    """Runs `furrow run ARGUMENTS`, on two cores unless the arguments say otherwise."""
    arguments = list(map(str, arguments))
    given = any(argument.startswith(("-c", "-j", "--cores", "--jobs")) for argument in arguments)
    return execute([*FURROW_RUN, *([] if given else ["--cores", "2"]), *arguments], cwd, env, timeout)


def furrow(*arguments, cwd, env=None, timeout=60):
    """Runs `furrow ARGUMENTS`."""
    return execute([FURROW, *map(str, arguments)], cwd, env, timeout)
