"""Measures `furrow map` against a C loop of vfork, make, xargs and GNU parallel: ./dev bench map [--quick] [--rows RE]

The programs of a row run in turn, several times, so that other load on the machine affects all of them alike; the best
time of each counts. A ratio above 1 means that furrow is faster than the program of that line.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from map_rows import ROWS
from measure import environment

HERE = Path(__file__).resolve().parent
FURROW = os.environ.get("FURROW") or str(HERE.parent / "build" / "bin" / "furrow")


class Bench:
    """A folder to work in, with its files; and how often and how much to measure."""

    def __init__(self, folder, quick):
        self.folder, self.quick, self.furrow = folder, quick, FURROW
        self.rounds = 2 if quick else 3
        self.tool = folder / "vfork_loop"
        subprocess.run(["cc", "-O2", "-o", self.tool, HERE / "vfork_loop.c", "-lpthread"], check=True)

    def share(self, count):
        return count // 10 if self.quick else count

    def numbers(self, count):
        path = self.folder / f"numbers{count}"
        if not path.exists():
            path.write_text("".join(f"{i}\n" for i in range(1, count + 1)))
        return path

    def makefile(self, count, command):
        path = self.folder / "Makefile"
        jobs = " ".join(f"j{i}" for i in range(1, count + 1))
        path.write_text(f"jobs := {jobs}\n.PHONY: all $(jobs)\nall: $(jobs)\n$(jobs): j%:\n"
                        f"\t@{command.replace('{}', '$*')}\n")
        return path

    def data(self, size):
        """A file of this size, and its number of lines."""
        path, line = self.folder / "data", b"the quick brown fox jumps over the lazy dog, and the dog does not mind\n"
        block = line * (1_000_000 // len(line))
        with open(path, "wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
        return path, size // len(block) * (len(block) // len(line))

    def seconds(self, command):
        """The time of a line of shell, which must succeed."""
        begin = time.perf_counter()
        done = subprocess.run(["/bin/bash", "-o", "pipefail", "-c", command], cwd=self.folder, stdin=subprocess.DEVNULL,
                              env={**environment(), "SHELL": "/bin/bash"}, capture_output=True)
        took = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n"
                               f"{done.stderr[-2000:].decode(errors='replace')}")
        return took

    def in_turn(self, commands, rounds=None):
        """The best time of each command, by name."""
        times = {name: [] for name in commands}
        for _ in range(rounds or self.rounds):
            for name, command in commands.items():
                times[name].append(self.seconds(command))
        return {name: min(taken) for name, taken in times.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a tenth of the work, half as often")
    arguments.add_argument("--rows", default="", metavar="RE", help="only rows whose name matches")
    options = arguments.parse_args()
    names = [name for name in ROWS if re.search(options.rows, name)]
    if not names:
        sys.exit(f"no row matches {options.rows!r}; there are:\n  " + "\n  ".join(ROWS))
    print(f"{FURROW} on {os.cpu_count()} cores" + (", a tenth of the work" if options.quick else ""))
    goals = missed = 0
    with tempfile.TemporaryDirectory(prefix="furrow-bench-") as folder:
        bench = Bench(Path(folder), options.quick)
        for name in names:
            print(f"\n{name}")
            for line in ROWS[name](bench):
                verdict = "" if not line.goal else "met" if line.met else "MISS"
                goals += bool(line.goal)
                missed += not line.met
                print(f"  {line.name:24}  {line.value:>14}  {line.ratio:>12}  {line.goal:>14}  {verdict}".rstrip(),
                      flush=True)
    print(f"\n{goals - missed} of {goals} goals met")


if __name__ == "__main__":
    main()
