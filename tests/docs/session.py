"""A Python that runs the blocks of a page one after the other, as a reader's own session would."""
import json
import os
import re
import select
import signal
import subprocess
import time

END = "\x00end of the block"
DRIVER = f"""
import json, sys, traceback
import __main__
for line in sys.stdin:
    code, name = json.loads(line)
    try:
        exec(compile(code, name, "exec"), __main__.__dict__)
        good = True
    except BaseException:
        traceback.print_exc()
        good = False
    print({END!r}, good, flush=True)
"""


class Session:
    """Ends with the `with` block, and takes along what it has started."""

    def __init__(self, python, folder, environment, seconds):
        self.seconds = seconds
        (folder / "session.py").write_text(DRIVER)
        self.process = subprocess.Popen(
            [python, "-u", str(folder / "session.py")],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.printed = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()

    def run(self, code, where):
        """What CODE printed, and whether it ended well."""
        try:
            self.process.stdin.write(json.dumps([code, where]).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return "the session has ended", False
        until = time.monotonic() + self.seconds
        while (end := re.search(rb"\x00end of the block (\w+)\n", self.printed)) is None:
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                return f"{self._taken(len(self.printed))}[still running after {self.seconds} s]", False
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                return f"{self._taken(len(self.printed))}[the session has ended]", False
            self.printed += more
        text = self._taken(end.start())
        self._taken(end.end() - end.start())
        return text, end[1] == b"True"

    def _taken(self, size):
        text, self.printed = self.printed[:size], self.printed[size:]
        return text.decode(errors="replace")


def expected(text):
    """What the output must match as a whole: every time that it took may differ."""
    lines = (re.sub(r"\d+\\\.\d+\\ s$", r"\\d+\\.\\d+\\ s", re.escape(line)) for line in text.splitlines())
    return "".join(line.replace(re.escape("..."), ".*") + "\n" for line in lines)
