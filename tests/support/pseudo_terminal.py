"""A program on a terminal that a test reads and types on."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

from running import wait_until


class PseudoTerminal:
    def __init__(self, argv, cwd, env, columns=100, lines=30):
        self.fd, self._theirs = pty.openpty()
        self.resize(columns, lines, of=self._theirs)
        self.before = termios.tcgetattr(self._theirs)
        self.output = b""
        self.process = subprocess.Popen(
            argv, cwd=cwd, env={**env, "TERM": "xterm"}, stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.set_blocking(self.fd, False)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)
        os.close(self._theirs)

    def resize(self, columns, lines, of=None):
        fcntl.ioctl(of or self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def settings(self):
        return termios.tcgetattr(self._theirs)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self):
        try:
            while data := os.read(self.fd, 65536):
                self.output += data
        except OSError:
            pass
        return self.output.decode("utf-8", "replace")

    def picture(self):
        """The lines of the last picture, without colours."""
        last = self.read().rsplit("\x1b[H", 1)[-1].split("\x1b[J")[0]
        while "\x1b[" in last:
            before, after = last.split("\x1b[", 1)
            last = before + after.lstrip("0123456789;?")[1:]
        return [line.rstrip() for line in last.split("\r\n")]

    def wait_for(self, condition, what, timeout=30):
        """CONDITION is asked for the lines of a whole picture."""
        return wait_until(lambda: self.read().count("\x1b[J") and condition(self.picture()), timeout,
                          f"{what}; the terminal shows:\n" + "\n".join(self.picture()))

    def wait(self, timeout=30):
        wait_until(lambda: (self.read(), self.process.poll() is not None)[1], timeout, "the program ends")
        self.read()
        return self.process.returncode
