#!/usr/bin/python3
"""Checks the project's Python: the syntax of 3.9, and, where pyflakes is there, names that are not used or not known."""
import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 9)


def sources():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True)
    paths = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py")]
    # A script that a Snakefile runs finds the name `snakemake` there.
    return [p for p in paths if "/cases/" not in p and (ROOT / p).exists()]


def main():
    failed = False
    for path in sources():
        try:
            ast.parse((ROOT / path).read_text(), path, feature_version=OLDEST)
        except SyntaxError as error:
            print(f"{path}:{error.lineno}: {error.msg}")
            failed = True
    flakes = subprocess.run([sys.executable, "-m", "pyflakes", *sources()], cwd=ROOT, capture_output=True, text=True)
    if "No module named pyflakes" in flakes.stderr:
        print("pyflakes is not installed: syntax checked only")
    elif flakes.returncode:
        print(flakes.stdout + flakes.stderr, end="")
        failed = True
    sys.exit(failed)


main()
