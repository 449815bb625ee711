"""Starts Python programs that use furrow, each in its own session, and finds which of their processes are left."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import engine

HERE = Path(__file__).resolve().parent
MODULE = engine.MODULE


def environment(**more):
    kept = {name: os.environ[name] for name in ["PYTHONMALLOC"] if name in os.environ}  # set for sanitizers
    return {**engine.environment(), "PYTHONPATH": os.pathsep.join([MODULE, str(HERE)]), **kept, **more}


def run(*arguments, timeout=60, cwd=None, **more):
    """Runs `python3 ARGUMENTS`, whatever its exit code; fails if it takes longer than timeout seconds."""
    return engine.execute([sys.executable, *map(str, arguments)], cwd or HERE, environment(**more), timeout)


def run_text(text, **options):
    """Runs a program text from a file, so that spawned workers can import what it defines."""
    folder = options["cwd"]
    path = folder / "program_text.py"
    path.write_text(text)
    return run(path, **options)


class Running:
    """A program that runs while the test acts on it. It is killed at the end of the `with` block."""

    def __init__(self, *arguments, cwd=None, **more):
        self.process = subprocess.Popen([sys.executable, *map(str, arguments)], cwd=cwd or HERE,
                                        env=environment(**more),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for pid in [*self.members(), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.communicate()

    def read_line(self):
        return self.process.stdout.readline().strip()

    def members(self):
        """The running processes of its session, without zombies."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self.runs(pid)]

    def runs(self, pid):
        try:
            state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            return False
        return int(session) == self.process.pid and state not in "ZX"

    def wait_until_alone(self, timeout, but=()):
        """Waits until no process of the session runs, except those in but; returns the seconds that took."""
        began = time.monotonic()
        while set(self.members()) - set(but):
            if time.monotonic() - began > timeout:
                raise AssertionError(f"still running after {timeout} s: {self.members()}")
            time.sleep(0.005)
        return time.monotonic() - began
