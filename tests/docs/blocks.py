"""The fenced code blocks of the documentation, and their marks (README.md).

As a program, lists them.
"""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DESIGN_MARK = "<!-- run the code blocks of this page -->"
SESSION_MARK = "<!-- one Python session -->"
NO_CODE = {"text", "mermaid"}
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
FENCE = re.compile(r"^( *)(```+|~~~+)\s*(\S*)")


class Malformed(Exception):
    """A page that the tests cannot read."""


@dataclass
class Block:
    page: Path
    line: int  # of the first line of code
    language: str
    code: str
    marks: dict = field(default_factory=dict)  # by name: "setup", "file", "not run"

    @property
    def where(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_code(self):
        return self.language not in NO_CODE

    @property
    def runs(self):
        return self.is_code and "not run" not in self.marks


@dataclass
class Page:
    path: Path
    setup: str
    blocks: list
    one_session: bool  # its Python blocks follow each other in one process


def pages():
    named = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "RELEASING.md")]
    design = [path for path in sorted((ROOT / "docs/design").glob("*.md")) if DESIGN_MARK in path.read_text()]
    return [path for path in named if path.exists()] + sorted((ROOT / "docs").glob("*.md")) + design


def read(path):
    """The page, or Malformed: all of its faults at once."""
    lines = path.read_text().splitlines()
    faults, blocks, setups, marks = [], [], [], {}
    at, in_list = 0, False
    while at < len(lines):
        line = lines[at]
        if fence := FENCE.match(line):
            block, at = _block(path, lines, at, fence, marks, faults)
            blocks.append(block)
            marks = {}
            continue
        if line.startswith("<!--"):
            text, at = _comment(lines, at)
            _note(text, marks, setups)
            continue
        if line.strip():
            if line.startswith("    ") and not in_list and (at == 0 or not lines[at - 1].strip()):
                where = f"{path.relative_to(ROOT)}:{at + 1}"
                faults.append(f"{where}: an indented code block: fence it, and name its language")
            in_list = in_list and line.startswith(" ") or bool(re.match(r" *([-*+]|\d+[.)]) ", line))
            marks = {}
        at += 1
    if faults:
        raise Malformed("\n".join(faults))
    return Page(path, "\n".join(setups), blocks, SESSION_MARK in lines)


def _block(path, lines, at, fence, marks, faults):
    indent, mark, language = fence.groups()
    begin = at + 1
    end = begin
    while end < len(lines) and lines[end].strip() != mark:
        end += 1
    block = Block(path, begin + 1, language, "\n".join(lines[begin:end]) + "\n", marks)
    if end == len(lines):
        faults.append(f"{block.where}: the block has no end")
    if indent:
        faults.append(f"{block.where}: the fence is indented")
    if not language:
        faults.append(f"{block.where}: the block names no language")
    if block.marks.get("not run") == "":
        faults.append(f"{block.where}: 'not run' gives no reason")
    return block, end + 1


def _comment(lines, at):
    begin = at
    while "-->" not in lines[at]:
        at += 1
    return COMMENT.search("\n".join(lines[begin : at + 1]))[1], at + 1


def _note(text, marks, setups):
    name, colon, value = text.partition(":")
    name = name.strip()
    if not colon or name not in ("setup", "file", "not run", "page setup"):
        return
    if name == "page setup":
        setups.append(value)
    elif name == "setup":
        marks[name] = value.strip("\n").lstrip(" ") + "\n"
    else:
        marks[name] = " ".join(value.split())


def summary():
    """Lines that count the blocks, and name those that are not run."""
    found = [block for path in pages() for block in read(path).blocks if block.is_code]
    left_out = [block for block in found if not block.runs]
    yield f"{len(found)} code blocks, {len(left_out)} of them not run"
    for block in left_out:
        yield f"  {block.where} ({block.language}): {block.marks['not run']}"


if __name__ == "__main__":
    try:
        print("\n".join(summary()))
    except Malformed as faults:
        sys.exit(str(faults))
