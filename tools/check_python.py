#!/usr/bin/python3
"""Checks the project's Python: flake8, set up by .flake8, and the syntax of the oldest Python that is supported."""
import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 9)


def sources():
    command = ["git", "ls-files", "-co", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    paths = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py")]
    return [path for path in paths if (ROOT / path).exists()]


def is_old_syntax(path):
    """flake8 parses with the Python that runs it, which accepts what the oldest one does not know."""
    try:
        ast.parse((ROOT / path).read_text(), path, feature_version=OLDEST)
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}")
        return False
    return True


def main():
    paths = sources()
    failed = [path for path in paths if not is_old_syntax(path)]
    flake8 = subprocess.run(["/usr/bin/python3", "-m", "flake8", *paths], cwd=ROOT)
    sys.exit(bool(failed) or flake8.returncode != 0)


main()
