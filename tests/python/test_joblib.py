"""joblib.parallel_backend("furrow")."""
import multiprocessing
import os
import signal
import time

import engine
import program
import pytest

import furrow

joblib = pytest.importorskip("joblib")
delayed = joblib.delayed
WorkerInterrupt = pytest.importorskip("joblib.my_exceptions").WorkerInterrupt


@pytest.fixture
def backend():
    with joblib.parallel_backend("furrow", n_jobs=2):
        yield


def shifted(x, by=1):
    return x + by


def inner(count):
    return joblib.Parallel(n_jobs=2)(delayed(shifted)(x) for x in range(count))


def test_results_come_in_order_whatever_the_batches(backend):
    for words in ({}, {"batch_size": 3}, {"pre_dispatch": "all"}):
        assert joblib.Parallel(**words)(delayed(shifted)(x, by=5) for x in range(500)) == list(range(5, 505))


def test_it_runs_in_other_processes_which_serve_all_calls_of_the_block(backend):
    first = set(joblib.Parallel()(delayed(os.getpid)() for _ in range(50)))
    again = set(joblib.Parallel()(delayed(os.getpid)() for _ in range(50)))
    assert os.getpid() not in first | again and len(first | again) <= 2


def test_lambdas_and_large_arrays_travel(backend):
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(100_000.0)
    assert joblib.Parallel()(delayed(lambda a, k: float(a[k]))(array, k) for k in (0, 5, 99_999)) == [0, 5, 99_999]


def test_a_parallel_within_a_task_works(backend):
    assert joblib.Parallel()(delayed(inner)(count) for count in (2, 3)) == [[1, 2], [1, 2, 3]]


def test_an_exception_of_a_task_is_raised_and_the_next_call_works(backend):
    with joblib.Parallel() as parallel:
        with pytest.raises(ZeroDivisionError):
            parallel(delayed(divmod)(1, x) for x in (1, 0, 1))
        assert parallel(delayed(abs)(x) for x in range(4)) == [0, 1, 2, 3]


def test_a_worker_that_dies_and_a_task_that_takes_too_long_are_errors(backend):
    with pytest.raises(furrow.WorkerDied):
        joblib.Parallel()(delayed(lambda: os.kill(os.getpid(), signal.SIGKILL))() for _ in range(2))
    began = time.monotonic()
    with pytest.raises((TimeoutError, furrow.TimeoutError)):
        joblib.Parallel(timeout=0.3)(delayed(time.sleep)(60) for _ in range(2))
    assert time.monotonic() - began < 40


def test_numbers_of_jobs_mean_what_they_mean_to_joblib():
    for n_jobs in (3, -1, 1):
        with joblib.parallel_backend("furrow", n_jobs=n_jobs):
            expected = joblib.cpu_count() if n_jobs == -1 else n_jobs
            assert joblib.effective_n_jobs(None) == expected
            assert joblib.Parallel()(delayed(abs)(x) for x in (-1, -2)) == [1, 2]
    with pytest.raises(ValueError, match="n_jobs"):
        joblib.Parallel(n_jobs=0, backend="furrow")(delayed(abs)(x) for x in (-1, -2))


@pytest.mark.parametrize("imports", ["import joblib, furrow", "import furrow, joblib"])
def test_the_backend_is_known_whichever_is_imported_first(tmp_path, imports):
    done = program.run_text(f"{imports}\nprint('furrow' in joblib.parallel.BACKENDS)\n", cwd=tmp_path)
    assert done.out == "True\n", str(done)


def test_furrow_does_not_import_joblib(tmp_path):
    done = program.run_text("import furrow, sys\nfurrow.Executor\nprint('joblib' in sys.modules)\n", cwd=tmp_path)
    assert done.out == "False\n", str(done)


@pytest.mark.skipif(not engine.LONG_TESTS, reason="its imports take seconds")
def test_the_models_of_scikit_learn_are_the_same(backend):
    pytest.importorskip("sklearn")
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_score

    x, y = make_classification(120, 6, random_state=1)

    def fitted():
        search = GridSearchCV(LogisticRegression(), {"C": [0.5, 5]}, cv=2).fit(x, y)
        forest = RandomForestClassifier(8, random_state=3)
        return search.best_params_, list(cross_val_score(forest, x, y, cv=2)), forest.fit(x, y).predict(x).tolist()

    seen = fitted()
    with joblib.parallel_backend("sequential"):
        assert seen == fitted()


def test_a_task_uses_loky_after_the_program_has():
    code = """
import furrow, joblib, operator

def negated(_):
    return joblib.Parallel(n_jobs=2)(map(joblib.delayed(operator.neg), [4, 9]))

before = negated(0)
pool = furrow.Pool(2)
print(before, pool.map(negated, [0, 1]))
"""
    done = program.run("-c", code, timeout=300)
    # Processes of loky that have not started yet when the program ends say so.
    assert "[-4, -9] [[-4, -9], [-4, -9]]" in done.out.splitlines(), str(done)


def test_a_timeout_is_the_one_of_multiprocessing(backend):
    with pytest.raises(multiprocessing.TimeoutError):
        joblib.Parallel(timeout=0.05)(delayed(time.sleep)(5) for _ in range(4))


def test_an_interrupt_that_a_task_raises_is_not_the_programs(backend):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(WorkerInterrupt):
        joblib.Parallel()(delayed(interrupted)() for _ in range(2))


def test_a_number_of_threads_comes_before_variables(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    threads = [delayed(os.getenv)(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")]
    with joblib.parallel_backend("furrow", n_jobs=2):
        assert joblib.Parallel()(threads) == ["4", None]
    with joblib.parallel_backend("furrow", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(threads) == ["1", "1"]
