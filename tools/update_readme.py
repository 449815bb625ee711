#!/usr/bin/python3
"""Puts the demo's output into the README: ./dev demo 2>&1 | tools/update_readme.py

The lines about single jobs are shortened to the first and last of them, and the clone's path to its name.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- demo output: begin -->\n", "<!-- demo output: end -->"
JOB = re.compile(r"\[\d+/\d+\] ")


def shortened(lines):
    jobs = [number for number, line in enumerate(lines) if JOB.match(line)]
    hidden = set(jobs[2:-3])
    for number, line in enumerate(lines):
        if number not in hidden:
            yield line
        elif number == jobs[2]:
            yield f"    ... {len(hidden)} more"


def main():
    text = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdin.read()).replace(str(ROOT), "furrow")
    # What building says is of no interest.
    lines = text[text.index("== the workflow on one core") :].rstrip().splitlines()
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    shown = "\n".join(f"    {line}".rstrip() for line in shortened(lines))
    readme.write_text(f"{before}{BEGIN}\n{shown}\n\n{END}{after}")


main()
