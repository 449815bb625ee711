"""`notebook:`, --edit-notebook and --draft-notebook."""

import json
import os
import shutil
import subprocess

import pytest

SNAKEFILE = """
rule all:
    input: "b"
rule a:
    output: "a"
    shell: "echo 1 > {output}"
rule b:
    input: one="a"
    output: made="b"
    params: n=2
    log: notebook="logs/executed.ipynb"
    notebook: "books/b%s.ipynb"
"""
PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
          "language_info": {"name": "python"}}
CELLS = [
    "import os\nprint('in', os.path.basename(os.getcwd()))",
    "text = open(snakemake.input.one).read()\nopen(snakemake.output.made, 'w').write(text * snakemake.params.n)",
]


def has_module(name):
    return subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], capture_output=True).returncode == 0


needs_nbconvert = pytest.mark.skipif(
    not (has_module("nbconvert") and has_module("ipykernel")), reason="nbconvert or ipykernel is not installed"
)


def book(cells, metadata=PYTHON):
    code = [{"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text}
            for text in cells]
    return json.dumps({"cells": code, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4})


def stand_in(folder, name, text):
    """A program that need not be installed; the environment that finds it."""
    program = folder.write("bin/" + name, text)
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:/usr/bin:/bin"}


def cells(folder, name):
    return ["".join(cell["source"]) for cell in json.loads(folder.read(name))["cells"]]


@needs_nbconvert
def test_a_notebook_makes_its_output_and_is_kept_as_it_was_executed(folder):
    folder.write("books/b.ipynb", book(CELLS))
    folder.run(snakefile=SNAKEFILE % "")
    assert folder.read("b") == "1\n1\n"
    executed = json.loads(folder.read("logs/executed.ipynb"))
    assert executed["cells"][1]["outputs"][0]["text"] == [f"in {folder.path.name}\n"]
    assert cells(folder, "books/b.ipynb") == CELLS
    assert "up to date" in folder.run().text or "othing to do" in folder.run().text
    # A cell that fails: what it holds, and its error, are shown.
    folder.write("books/b.ipynb", book(["x = 5\nx / 0"]))
    result = folder.run(code=1)
    assert "x / 0" in result.text and "ZeroDivisionError: division by zero" in result.text, str(result)
    assert "nbclient" not in result.text and not folder.exists("b")


@needs_nbconvert
@pytest.mark.skipif(not os.path.exists("/usr/share/jupyter/kernels/ir"), reason="IRkernel is not installed")
def test_a_notebook_in_r(folder):
    r = {"language_info": {"name": "R"}}
    folder.write("books/b.ipynb", book(["cat(readLines(snakemake@input[['one']]), 'R', file = 'b')"], r))
    folder.run(snakefile=SNAKEFILE % "")
    assert folder.read("b") == "1 R"


def test_papermill_is_preferred(folder):
    folder.write("books/b.ipynb", book(CELLS))
    env = stand_in(folder, "papermill", '#!/bin/sh\ncp "$4" "$5"; echo "$1 $2 $3" > b\n')
    folder.run(snakefile=SNAKEFILE % "", env=env)
    assert folder.read("b") == "--log-level ERROR --no-progress-bar\n"
    first, *rest = cells(folder, "logs/executed.ipynb")
    assert rest == CELLS and "snakemake = " in first


WRONG = {
    "text": ("# no notebook", "is not JSON"),
    "old": ('{"worksheets": [], "nbformat": 3}', "has no cells: it is not of format 4"),
    "language": (book([], {"language_info": {"name": "scala"}}), "is in scala; notebooks in Python and R can be run"),
    "no language": (book([], {}), "does not name its language"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_notebook_stops_the_run_before_it_begins(folder, what):
    text, message = WRONG[what]
    folder.write("books/b.ipynb", text)
    result = folder.run(code=1, snakefile=SNAKEFILE % "")
    assert message in result.text and "Snakefile:7" in result.text and not folder.exists("a"), str(result)


EDITOR = """#!/usr/bin/python3
import json, sys
assert sys.argv[1:7] == ["notebook", "--no-browser", "--log-level", "ERROR", "--ip", "0.0.0.0"], sys.argv
with open(sys.argv[9]) as file:
    book = json.load(file)
for cell in book["cells"]:
    exec("".join(cell["source"]))
cell = {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": [1], "source": "more = 1"}
book["cells"].append(cell)
with open(sys.argv[9], "w") as file:
    json.dump(book, file)
open(snakemake.output.made, "w").write("edited")
"""


@pytest.mark.parametrize("is_new", [False, True])
def test_editing_with_a_stand_in_for_jupyter(folder, is_new):
    """The editor sees the job's own object; the notebook takes over its changes without that, and without results."""
    if not is_new:
        folder.write("books/b.py.ipynb", book(CELLS))
    env = stand_in(folder, "jupyter", EDITOR)
    folder.run("--edit-notebook", "b", "--notebook-listen", "0.0.0.0:9999", snakefile=SNAKEFILE % ".py", env=env)
    assert folder.read("b") == "edited"
    assert cells(folder, "books/b.py.ipynb") == (["# start coding here"] if is_new else CELLS) + ["more = 1"]
    assert json.loads(folder.read("books/b.py.ipynb"))["cells"][-1]["outputs"] == []
    assert len(cells(folder, "logs/executed.ipynb")) == len(cells(folder, "books/b.py.ipynb")) + 1


@pytest.mark.parametrize("end, kernel", [(".py", "python3"), (".r", "ir")])
def test_a_draft_is_made_once_its_inputs_are_there(folder, end, kernel):
    result = folder.run("--draft-notebook", "b", snakefile=SNAKEFILE % end)
    assert folder.exists("a") and not folder.exists("b")
    notebook = json.loads(folder.read(f"books/b{end}.ipynb"))
    assert notebook["metadata"]["kernelspec"]["name"] == kernel
    assert f"drafted the notebook books/b{end}.ipynb" in result.text
    first, second = cells(folder, f"books/b{end}.ipynb")
    assert "snakemake" in first and second == "# start coding here"
    if end == ".py":
        done = subprocess.run(["/usr/bin/python3", "-c", first + "\nprint(snakemake.input.one)"], capture_output=True)
        assert done.stdout == b"a\n", done.stderr
    result = folder.run("--draft-notebook", "b", code=1)
    assert "is there already" in result.text


def test_options_that_contradict_each_other(folder):
    for more, message in [
        (["--draft-notebook", "b"], "contradict each other"),
        (["x"], "leave out x"),
        (["--notebook-listen", "8888"], "is not of the form IP:PORT"),
    ]:
        result = folder.run("--edit-notebook", "b", *more, code=2, snakefile=SNAKEFILE % "")
        assert message in result.text, str(result)
    for target, message in [("b", "must end in .py.ipynb or .r.ipynb"), ("a", "rule a has no notebook to work on")]:
        result = folder.run("--draft-notebook", target, code=1)
        assert message in result.text and "Snakefile:" in result.text and not folder.exists("a"), str(result)
    result = folder.run("--edit-notebook", "a", code=1)
    assert "rule a has no notebook to work on" in result.text and not folder.exists("a"), str(result)


def test_without_a_program_for_notebooks(folder):
    """A virtual environment does not see the packages of the system."""
    folder.write("books/b.ipynb", book(CELLS))
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder.path], check=True)
    for name in ("sh", "bash"):
        (folder.path / "bin" / name).symlink_to(shutil.which(name))
    result = folder.run(code=1, snakefile=SNAKEFILE % "", env={"PATH": str(folder.path / "bin")})
    assert "needs papermill or jupyter nbconvert" in result.text, str(result)
