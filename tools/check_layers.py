#!/usr/bin/python3
"""Checks that no folder of src/ includes upward: each may use the folders listed for it, and what those use.

The table is that of docs/design/; an include is written "folder/file.hpp" or "folder/part/file.hpp". A folder that is
not in the table is a mistake, and so are an include of an unknown folder and parts of a folder that include each other
in a circle.
"""
import re
import sys
from pathlib import Path

USES = {
    "base": [],
    "text": ["base"],
    "os": ["base"],
    "plan": ["base"],
    "store": ["base", "os", "plan"],
    "channel": ["base", "os"],
    "pool": ["base", "os", "channel"],
    "remote": ["pool"],
    "mpi_pool": ["remote"],
    "ranks": ["mpi_pool", "channel"],
    "exec": ["base", "text", "os", "plan", "channel"],
    "farm": ["plan", "os", "store"],
    "command": ["text", "plan", "os", "store", "exec"],
    "deploy": ["base", "os", "plan"],
    "workflow": ["text", "plan", "store", "os", "deploy"],
    "snakefile": ["text", "workflow"],
    "report": ["text", "store"],
    "cli": ["command", "workflow", "snakefile", "farm", "exec", "report", "store", "pool", "channel"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"/]+)/(?:([^"/]+)/)?[^"]*"')
TEST_SUPPORT = "support"  # shared by tests; only tests may include it


def reachable(folder):
    """A folder and everything that it may include."""
    found, todo = set(), [folder]
    while todo:
        current = todo.pop()
        if current not in found:
            found.add(current)
            todo += USES[current]
    return found


def circle(edges):
    """The names on a cycle, if there is one; EDGES: {name: names}."""
    def search(name, path):
        if name in path:
            return path[path.index(name):]
        return next(filter(None, (search(each, [*path, name]) for each in sorted(edges.get(name, ())))), None)

    return next(filter(None, (search(name, []) for name in sorted(edges))), None)


def mistakes(root):
    src = root / "src"
    folders = {path.name for path in src.iterdir() if path.is_dir()}
    for folder in sorted(folders - set(USES)):
        yield f"src/{folder}: not in the table of layers (tools/check_layers.py)"
    for folder in sorted(folders & set(USES)):
        allowed = reachable(folder) | {"furrow"}  # include/furrow/: the public headers, which all may include
        parts = {}
        for path in sorted((src / folder).rglob("*.[ch]pp")):
            part = path.parent.name
            is_test = path.name.endswith("_test.cpp")
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match or (is_test and match[1] == TEST_SUPPORT):
                    continue
                if match[1] not in allowed:
                    yield f'{path.relative_to(root)}:{number}: {folder}/ may not include "{match[1]}/": {line.strip()}'
                if match[1] == folder and match[2] and match[2] != part != folder and not is_test:
                    parts.setdefault(part, set()).add(match[2])
        if found := circle(parts):
            yield f"src/{folder}: parts that include each other in a circle: {' -> '.join([*found, found[0]])}"


def main():
    found = list(mistakes(Path(__file__).resolve().parents[1]))
    print("\n".join(found) if found else "no folder includes upward")
    sys.exit(bool(found))


main()
