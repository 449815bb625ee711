"""What tasks print in a notebook appears in the cell that runs, whichever cell has made the pool."""
import os

import engine
import pytest
from program import MODULE

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

CELLS = [
    """
import furrow, logging, os, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s", level="INFO")
def task(x):
    print("task", x)
    return x
pool = furrow.Pool(2)
executor = furrow.Executor(2)
""",
    "pool.map(task, range(3));",
    "for _ in pool.imap(task, [10, 11]): pass\nfor _ in executor.map(task, [12]): pass",
    "pool.apply(lambda: logging.info('logged'))",
    "pool.apply(lambda: print('no newline', end=''))\nimport time\ntime.sleep(1)",
    "pool.map(lambda x: print('y' * 100_000), range(2));",
    "pool.apply(lambda: [print(i, 'é') for i in range(20_000)] and None)",
    "result = pool.apply_async(task, ('late',))\nimport time\ntime.sleep(1)",
    "pool.map(lambda x: print('killed') or os.kill(os.getpid(), 9), [1], on_error='collect');",
    "pool.close(); pool.join(); executor.shutdown(); print('closed')",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prints")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    old = os.environ.copy()
    os.environ.update(
        PATH=engine.environment()["PATH"],
        PYTHONPATH=MODULE,
        JUPYTER_RUNTIME_DIR=str(folder),
        IPYTHONDIR=str(folder / "ipython"),
    )
    try:
        place = {"metadata": {"path": str(folder)}}
        book = nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=place).execute()
    finally:
        os.environ.clear()
        os.environ.update(old)
    return ["".join(out.get("text", "") for out in cell.outputs) for cell in book.cells]


def test_the_cell_that_maps_shows_what_its_tasks_print(cells):
    assert cells[0] == ""
    assert sorted(cells[1].splitlines()) == ["task 0", "task 1", "task 2"]
    assert sorted(cells[2].splitlines()) == ["task 10", "task 11", "task 12"]


def test_a_handler_of_logging_that_has_kept_the_stream_prints_too(cells):
    assert cells[3] == "logged\n"


def test_text_without_a_newline_comes_when_the_worker_is_idle(cells):
    assert cells[4] == "no newline"


def test_long_lines_and_many_lines_are_whole(cells):
    assert sorted(cells[5].splitlines()) == ["y" * 100_000] * 2
    assert cells[6].splitlines() == [f"{i} é" for i in range(20_000)]


def test_a_call_that_nobody_waits_for_prints_at_once(cells):
    assert cells[7] == "task late\n"


def test_what_a_killed_worker_has_printed_is_there(cells):
    assert cells[8] == "killed\n"


def test_the_pool_ends(cells):
    assert cells[9] == "closed\n"
