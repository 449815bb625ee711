"""Starts a `furrow run` that a test watches and disturbs while it runs."""
import subprocess
import time
from pathlib import Path

import engine


def marked_processes(mark):
    """The pids of all processes, except zombies, that have the mark NAME=VALUE in their environment."""
    wanted, found = mark.encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            pass  # it ended meanwhile
    return found


def command_line(pid):
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(ended)"


def wait_until(condition, timeout, what):
    """Calls condition every few milliseconds, and returns its value once that is true."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"after {timeout} s still not: {what}")


class Running:
    """The engine as a child process. All its descendants have a mark in their environment."""

    def __init__(self, arguments, folder, env, mark, program=None):
        self.mark, self.folder = mark, folder
        name, value = mark.split("=")
        self.output = open(folder / "engine.out", "w+")
        self.process = subprocess.Popen(
            [*(program or engine.FURROW_RUN), *arguments], cwd=folder, env={**env, name: value},
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
        )

    def signal(self, number):
        """Sends a signal to the engine alone, not to its children."""
        self.process.send_signal(number)

    def wait(self, timeout=30):
        """The exit code, negative for a signal."""
        return self.process.wait(timeout)

    def text(self):
        self.output.seek(0)
        return self.output.read()

    def wait_for_file(self, name, timeout=20):
        path = self.folder / name
        wait_until(path.exists, timeout, f"{name} is there; the engine says:\n{self.text()}")
        return path

    def left(self):
        return [f"{pid}: {command_line(pid)}" for pid in marked_processes(self.mark)]

    def wait_for_nothing_left(self, timeout):
        """Asserts that all descendants end within the time; names those that do not."""
        deadline = time.monotonic() + timeout
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not self.left()
