#!/usr/bin/python3
"""Makes the notebook of the tutorial: tools/docs/notebook.py, after a change to docs/tutorial.md.

Blocks of Python and of shell become cells. The notebook leaves out the C++ and the outputs, and INTRODUCTION takes the
place of the preparations.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
NOTEBOOK = ROOT / "examples" / "notebook" / "tutorial.ipynb"
INTRODUCTION = """# Parallel computing, step by step

This is [the tutorial](../../docs/tutorial.md) as a notebook, without its C++. Start Jupyter with Furrow on `PATH` and
`PYTHONPATH`, as the tutorial says, and run the cells in order. They write some files into this folder."""
PART = re.compile(r"(?P<comments>(?:<!--.*?-->\n)*)```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def parts(text):
    """Text and code blocks alternate: ("markdown" or the block's language, its comments, its text)."""
    last = 0
    for block in PART.finditer(text):
        yield "markdown", "", text[last : block.start()]
        yield block["language"], block["comments"], block["code"].rstrip()
        last = block.end()
    yield "markdown", "", text[last:]


def cells():
    text = TUTORIAL.read_text()
    yield "markdown", INTRODUCTION
    waiting = ""
    for language, comments, code in parts(text[text.index("## The example") :]):
        file = re.search(r"<!-- file: (\S+) -->", comments)
        if language == "markdown":
            waiting += code
        elif language == "cpp":
            waiting = waiting.rstrip().rpartition("\n\n")[0]  # the paragraph that introduces it
        elif language != "text":
            if "not run" in comments or "mpirun" in code:
                waiting = f"{waiting.rstrip()}\n\n```bash\n{code}\n```\n"
                continue
            if waiting.strip():
                yield "markdown", prose(waiting)
            waiting = ""
            if file:
                code = f"%%writefile {file[1]}\n{code}"
            elif language == "console":
                code = "%%bash\n" + "\n".join(line[2:] for line in code.splitlines() if line.startswith("$ "))
            elif language != "python":
                code = f"%%bash\n{code}"
            yield "code", code
    yield "markdown", prose(waiting)


def prose(text):
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = re.sub(r"\]\((?!\w+:|\.\./)", "](../../docs/", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"\]\(\.\./(?!\.\./)", "](../../", text)).strip()


def notebook():
    made = []
    for number, (kind, text) in enumerate(cells()):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        made.append({**cell, "execution_count": None, "outputs": []} if kind == "code" else cell)
    kernel = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return (
        json.dumps(
            {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False
        )
        + "\n"
    )


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    NOTEBOOK.write_text(notebook())


if __name__ == "__main__":
    main()
