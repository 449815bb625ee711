"""GNU's OpenMP in workers, after its threads have run in the program."""
import shutil
import subprocess

import program
import pytest

PROBE = """
int threads(void) {
  int n = 0;
#pragma omp parallel reduction(+ : n)
  n += 1;
  return n;
}
"""

TEXT = """
import ctypes, furrow, sys
library = ctypes.CDLL("{library}")

def task(_):
    return library.threads()

{guard}
    print(library.threads() > 1, end=" ")
    with furrow.Pool({workers}, context="{start}", threads_per_worker={threads}) as pool:
        print(set(pool.map_async(task, range(4)).get(30)), library.threads() > 1)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    built = tmp_path_factory.mktemp("probe") / "probe.so"
    command = ["gcc", "-x", "c", "-", "-shared", "-fPIC", "-fopenmp", "-o", built]
    subprocess.run(command, input=PROBE.encode(), check=True)
    return built


@pytest.mark.parametrize("start, guard", [("fork", "if True:"),
                                          ("spawn", "library.threads()\nif __name__ == '__main__':")])
@pytest.mark.parametrize("threads, expected", [(1, "{1}"), (2, "{2}"), (3, "{3}")])
def test_tasks_use_their_share_of_threads(library, threads, expected, start, guard, tmp_path):
    text = TEXT.format(library=library, workers=1, threads=threads, start=start, guard=guard)
    came = program.run_text(text, cwd=tmp_path, OMP_DYNAMIC="false")
    assert came.out == f"True {expected} True\n", str(came)


def test_the_number_that_the_user_has_set_holds(library, tmp_path):
    text = TEXT.format(library=library, workers=1, threads=None, start="fork", guard="if True:")
    came = program.run_text(text, cwd=tmp_path, OMP_NUM_THREADS="2")
    assert came.out == "True {2} True\n", str(came)


def test_one_thread_is_left_where_openmp_cannot_end_its_threads(library, tmp_path):
    text = TEXT.format(library=library, workers=1, threads=2, start="fork", guard="if True:")
    came = program.run_text("from furrow import _blas\n_blas._paused = lambda library: False\n" + text, cwd=tmp_path)
    assert came.out == "True {1} True\n", str(came)
