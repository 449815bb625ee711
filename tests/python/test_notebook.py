"""The notebooks of examples/notebook/, run by a real kernel."""
import os
import re
import subprocess
import sys

import engine
import pytest
from program import MODULE

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

NOTEBOOKS = engine.ROOT / "examples" / "notebook"


def executed(name, folder):
    """The notebook with its outputs. A cell that raises ends the test with its traceback."""
    book = nbformat.read(NOTEBOOKS / name, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit the notebook without outputs"
    old = os.environ.copy()
    path = os.pathsep.join([os.path.dirname(engine.FURROW), engine.environment()["PATH"]])
    os.environ.update(PATH=path, PYTHONPATH=MODULE, JUPYTER_RUNTIME_DIR=str(folder), IPYTHONDIR=str(folder / "ipython"))
    os.environ.pop("FURROW_PYTHON", None)  # for the command it names the interpreter, for the tests the module
    try:
        place = {"metadata": {"path": str(folder)}}
        return nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=place).execute()
    finally:
        os.environ.clear()
        os.environ.update(old)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return executed("cores.ipynb", tmp_path_factory.mktemp("notebook"))


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    return executed("tutorial.ipynb", tmp_path_factory.mktemp("tutorial"))


def output_of(notebook, source):
    """What the first cell that contains SOURCE showed, as text."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    return "".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs)


def test_cpu_count_gives_a_number_of_cores(notebook):
    assert 1 <= int(output_of(notebook, "cpu_count")) <= os.cpu_count()


@pytest.mark.parametrize("call", ["%timeit -n 20 -r 3 pool.map(work", "%timeit -n 20 -r 3 pool.map(lambda"])
def test_a_function_from_a_cell_and_a_lambda_are_timed(notebook, call):
    assert re.search(r"[0-9.]+ .?s ± .* per loop", output_of(notebook, call))


def test_a_redefined_function_runs_as_it_is_now(notebook):
    assert output_of(notebook, "roots = ").startswith("[0.0, 2.0,")
    assert output_of(notebook, "pool.map(work, range(5))") == "[0.0, 3.0, 6.0, 9.0, 12.0]"


def test_a_worker_that_died_is_named_with_its_item(notebook):
    text = output_of(notebook, "os.abort")
    assert "3" in text and "Abort" in text


def test_the_bar_is_shown(notebook):
    assert "24 of 24" in output_of(notebook, "progress=True")


def test_the_pool_was_closed(notebook):
    assert notebook.cells[-1].execution_count


def test_the_tutorial_is_the_page_of_the_docs():
    tool = engine.ROOT / "tools" / "docs" / "notebook.py"
    print_it = "import notebook; print(notebook.notebook(), end='')"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [sys.executable, "-c", print_it], cwd=tool.parent, env=environment, capture_output=True, text=True, check=True
    )
    assert made.stdout == (NOTEBOOKS / "tutorial.ipynb").read_text(), f"run {tool}"


def test_the_tutorial_runs_to_its_end(tutorial):
    assert all(cell.execution_count for cell in tutorial.cells if cell.cell_type == "code")
    assert "from the file: " in output_of(tutorial, "outbreaks.resume")


def test_the_tutorial_runs_programs_and_a_workflow(tutorial):
    assert output_of(tutorial, "furrow map -k").split() == ["1142", "4", "2", "1183"]
    assert "25 of 25 jobs done" in output_of(tutorial, "furrow run\ncat table.txt")
