"""The furrow command: where it is, and how Python programs start it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


class Results(list):
    """What became of each part of a command's work. `ok`: all went well. `output`: what the command itself printed."""

    def __init__(self, results, status, output):
        super().__init__(results)
        self.status = status
        self.output = output

    @property
    def ok(self):
        return self.status == 0

    def __repr__(self):
        return f"<{type(self).__name__}: {'ok' if self.ok else 'failed'}, {list.__repr__(self)}>"


def find(named=None):
    """The path of the command: the one named, that of FURROW, the one installed with this module, or that on PATH."""
    found = named or os.environ.get("FURROW") or _installed() or shutil.which("furrow") or _in_folder_of_python()
    if not found:
        raise FileNotFoundError("the furrow command is neither installed with the module nor on PATH; program= or the "
                                "variable FURROW says where it is")
    return os.fspath(found)


def _in_folder_of_python():
    return shutil.which("furrow", path=os.path.dirname(sys.executable))


def _installed():
    from importlib import metadata

    package = Path(__file__).resolve().parent
    for distribution in metadata.distributions(name="furrow"):
        if Path(distribution.locate_file("furrow")).resolve() == package:
            for path in distribution.files or ():
                if path.parts[-2:] == ("bin", "furrow"):
                    return Path(distribution.locate_file(path)).resolve()
    return None


def execute(command, quiet, stdin=subprocess.DEVNULL):
    """Runs the command to its end; returns its status and, if quiet, what it printed."""
    shown = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    with subprocess.Popen(command, stdin=stdin, encoding="utf-8", errors="replace", **shown) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.send_signal(signal.SIGINT)  # a notebook interrupts Python alone
            process.wait()
            raise
    return process.returncode, output or ""
