"""CPython's own tests of pools, and joblib's of Parallel, from the installed packages, with furrow in their place."""
import importlib.util

import conformance
import engine
import program
import pytest

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("test._test_multiprocessing"),
                                reason="needs libpython3.11-testsuite")


@pytest.mark.parametrize("flavour", ["fork", "spawn", "threads", "managers"])
def test_the_pool_tests_of_cpython_pass(flavour):
    done = program.run("conformance.py", flavour, timeout=conformance.SECONDS)
    assert done.code == 0 and "0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


@pytest.mark.skipif(not importlib.util.find_spec("multiprocess"), reason="needs python3-multiprocess")
def test_the_pool_tests_of_multiprocess_pass():
    done = program.run("conformance.py", "multiprocess", timeout=conformance.SECONDS)
    assert done.code == 0 and " 0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


@pytest.mark.parametrize("flavour", conformance.EXECUTORS)
def test_the_executor_tests_of_cpython_pass(flavour):
    # Those that wait for seconds run with the long tests.
    quick = "(Fork|Spawn)(Failing)?Initializer|test_(submit|map|map_exception|map_chunksize|traceback|cancel_futures)$"
    pattern = "" if engine.LONG_TESTS else quick
    if flavour == "executor-forkserver" and not engine.LONG_TESTS:
        pytest.skip("with forkserver, furrow starts its workers as with spawn")
    done = program.run("conformance.py", flavour, "-k", pattern, timeout=conformance.SECONDS)
    assert done.code == 0 and "0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


@pytest.mark.skipif(not importlib.util.find_spec("joblib.test"), reason="needs python3-joblib")
def test_the_tests_of_joblib_pass():
    # Those with joblib's other backends, and many variants of the same, run with the long tests.
    quick = r"^(?!test_nested_loop)(?!.*(back_compat|multiprocessing|backend\d|threading|sequential))"
    pattern = "" if engine.LONG_TESTS else quick
    done = program.run("conformance.py", "joblib", "-k", pattern, timeout=conformance.SECONDS)
    assert done.code == 0 and " 0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


def test_at_most_two_tests_cannot_apply():
    assert len(conformance.NOT_APPLICABLE) <= 2
