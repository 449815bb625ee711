"""CPython's own tests of pools, from the installed package, with furrow's pools in place of multiprocessing's."""
import importlib.util

import conformance
import engine
import program
import pytest

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("test._test_multiprocessing"),
                                reason="needs libpython3.11-testsuite")


@pytest.mark.parametrize("flavour", ["fork", "spawn", "threads"])
def test_the_pool_tests_of_cpython_pass(flavour):
    done = program.run("conformance.py", flavour, timeout=conformance.SECONDS)
    assert done.code == 0 and "0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


def test_the_executor_tests_of_cpython_pass():
    # Those that wait for seconds run with the long tests.
    quick = "ForkInitializer|test_(submit|map|map_exception|map_chunksize|traceback)$"
    pattern = "" if engine.LONG_TESTS else quick
    done = program.run("conformance.py", "executor", "-k", pattern, timeout=conformance.SECONDS)
    assert done.code == 0 and "0 failed" in done.out, str(done)
    print(done.out.splitlines()[-1])


def test_at_most_two_tests_cannot_apply():
    assert len(conformance.NOT_APPLICABLE) <= 2
