"""A real notebook, run by a real kernel: examples/notebook/cores.ipynb."""
import os
import re

import engine
import pytest
from program import MODULE

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

NOTEBOOK = engine.ROOT / "examples" / "notebook" / "cores.ipynb"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The notebook with its outputs. A cell that raises ends the test with its traceback."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit the notebook without outputs"
    folder = tmp_path_factory.mktemp("notebook")
    old = os.environ.copy()
    os.environ.update(PYTHONPATH=MODULE, JUPYTER_RUNTIME_DIR=str(folder), IPYTHONDIR=str(folder / "ipython"))
    try:
        client = nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
        yield client.execute()
    finally:
        os.environ.clear()
        os.environ.update(old)


def output_of(notebook, source):
    """What the first cell that contains SOURCE showed, as text."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    return "".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs)


def test_it_counts_cores(notebook):
    assert 1 <= int(output_of(notebook, "cpu_count")) <= os.cpu_count()


@pytest.mark.parametrize("call", ["%timeit -n 20 -r 3 pool.map(work", "%timeit -n 20 -r 3 pool.map(lambda"])
def test_a_function_from_a_cell_and_a_lambda_are_timed(notebook, call):
    assert re.search(r"[0-9.]+ .?s ± .* per loop", output_of(notebook, call))


def test_a_function_that_was_redefined_runs_as_it_is_now(notebook):
    assert output_of(notebook, "roots = ").startswith("[0.0, 2.0,")
    assert output_of(notebook, "pool.map(work, range(5))") == "[0.0, 3.0, 6.0, 9.0, 12.0]"


def test_a_worker_that_died_is_named_with_its_item(notebook):
    text = output_of(notebook, "os.abort")
    assert "3" in text and "Abort" in text


def test_the_bar_is_shown(notebook):
    assert "24 of 24" in output_of(notebook, "progress=True")


def test_the_pool_was_closed(notebook):
    assert notebook.cells[-1].execution_count
