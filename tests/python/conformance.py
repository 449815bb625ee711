"""Runs CPython's own tests of multiprocessing.Pool and ProcessPoolExecutor, multiprocess's of its pools, and joblib's
of Parallel, with furrow in their place: ./dev test conformance python [...]

    conformance.py [fork] [spawn] [forkserver] [threads] [managers] [multiprocess]
                   [executor] [executor-spawn] [executor-forkserver] [joblib] [-k PATTERN] [--pools multiprocessing]

The tests are those of the installed packages libpython3.11-testsuite, python3-multiprocess and python3-joblib; none of
them is copied here. Those of multiprocess run with fork.
furrow's pools are put into `multiprocessing`, or its backend into joblib in place of loky, before the tests take
theirs from there. `--pools multiprocessing` leaves the original ones in: a test that fails there too is not furrow's
fault.
"""
import argparse
import concurrent.futures
import faulthandler
import importlib.util
import multiprocessing
import multiprocessing.dummy
import multiprocessing.pool
import re
import subprocess
import sys
import time
import types
import unittest
from pathlib import Path

EXECUTORS = {"executor": "Fork", "executor-spawn": "Spawn", "executor-forkserver": "Forkserver"}
FLAVOURS = ("fork", "spawn", "forkserver", "threads", "managers", "multiprocess", *EXECUTORS, "joblib")
SECONDS = 300  # for one flavour; the slowest takes a third of that

# The test classes that make a pool, by their names in CPython's test modules.
POOL_TESTS = {
    "threads": ["WithThreadsTestPool"],
    "managers": ["WithManagerTestPool"],
    "processes": ["WithProcessesTestPool", "WithProcessesTestPoolWorkerErrors", "WithProcessesTestPoolWorkerLifetime",
                  "TestInitializers.test_pool_initializer", "TestStdinBadfiledescriptor.test_pool_in_process",
                  "TestPoolNotLeakOnFailure"],
}

EXECUTOR_TESTS = ["InitializerTest", "FailingInitializerTest", "ProcessPoolExecutorTest", "AsCompletedTest", "WaitTest",
                  "ProcessPoolShutdownTest", "ExecutorDeadlockTest"]
_GOES_ON = "it wants an executor that is broken when one call fails; furrow's goes on"
_INTERNAL = "it looks at the queue of ProcessPoolExecutor; furrow's has none"
_TOGETHER = "furrow's workers start together, with the first call"
_MAX_TASKS = "max_tasks_per_child works with fork too"

NOT_APPLICABLE = {
    "TestPoolNotLeakOnFailure.test_release_unused_processes":
        "it gives the pool a fake process class; furrow starts its workers itself, without such a class",
}

# The same for the tests of executors, by the name of the test, or of its class and the test.
NOT_FOR_EXECUTORS = {
    "test_killed_child": _GOES_ON,
    "test_error_at_task_unpickle": _GOES_ON,
    "test_exit_at_task_unpickle": _GOES_ON,
    "test_error_during_result_unpickle_in_result_handler": _GOES_ON,
    "test_exit_during_result_unpickle_in_result_handler": _GOES_ON,
    "test_exit_during_result_pickle_on_worker": _GOES_ON,
    "test_del_shutdown": _INTERNAL,
    "test_shutdown_no_wait": _INTERNAL,
    "ProcessPoolSpawnProcessPoolShutdownTest.test_processes_terminate": _TOGETHER,
    "ProcessPoolForkserverProcessPoolShutdownTest.test_processes_terminate": _TOGETHER,
    "test_idle_process_reuse_one": _TOGETHER,
    "test_idle_process_reuse_multiple": _TOGETHER,
    "test_max_tasks_per_child": _MAX_TASKS,
    "test_max_tasks_per_child_defaults_to_spawn_context": _MAX_TASKS,
}

_IS_LOKY = "it asks for loky's own class"
_MEMMAPS = "loky makes memory-mapped files of arrays; furrow shares memory"
_OWN_PYTHON = "it starts another Python, in which furrow is not put in"
_NESTS = "it wants a warning that no pool can be made there; furrow's can"

# The same for the tests of joblib.
NOT_FOR_JOBLIB = {
    "test_nested_parallel_warnings[loky-multiprocessing-True]": _NESTS,
    "test_nested_parallel_warnings[multiprocessing-loky-True]": _NESTS,
    "test_nested_parallel_warnings[threading-loky-True]": _NESTS,
    "test_nested_loop[back_compat_backend-furrow]": "loky's own workers there have not imported furrow",
    "test_parallel_with_interactively_defined_functions": _OWN_PYTHON,
    "test_parallel_with_interactively_defined_functions_default_backend": _OWN_PYTHON,
    "test_parallel_with_interactively_defined_bound_method": _OWN_PYTHON,
    "test_parallel_with_unpicklable_functions_in_args": _OWN_PYTHON,
    "test_error_capture[loky]": "it looks at loky's executor",
    "test_backend_context_manager[loky]": _IS_LOKY,
    "test_backend_hinting_and_constraints": _IS_LOKY,
    "test_nested_parallelism_limit[loky]": _IS_LOKY,
    "test_auto_memmap_on_arrays_from_generator[loky]": _MEMMAPS,
    "test_memmapping_leaks[loky]": _MEMMAPS,
    "test_parallel_pickling": "loky raises another exception than __reduce__ has raised; furrow raises that one",
}


def put_furrow_in():
    """Replaces every name under which the tests get a pool of processes or threads."""
    import furrow

    def pool(processes=None, initializer=None, initargs=(), maxtasksperchild=None):
        # Uses the start method that is set, as multiprocessing.Pool does.
        return furrow.Pool(processes, initializer, initargs, maxtasksperchild, context=multiprocessing.get_context())

    multiprocessing.Pool = pool
    multiprocessing.pool.Pool = furrow.Pool
    multiprocessing.pool.ThreadPool = multiprocessing.dummy.Pool = furrow.ThreadPool
    concurrent.futures.ProcessPoolExecutor = furrow.Executor
    if importlib.util.find_spec("multiprocess"):
        put_furrow_in_multiprocess(pool, furrow)
    put_furrow_in_scripts(furrow)


def put_furrow_in_multiprocess(pool, furrow):
    import multiprocess.dummy
    import multiprocess.pool

    multiprocess.Pool = pool
    multiprocess.pool.Pool = furrow.Pool
    multiprocess.pool.ThreadPool = multiprocess.dummy.Pool = furrow.ThreadPool


def put_furrow_in_scripts(furrow):
    """One test passes a program text to another Python, which does not read PYTHONPATH."""
    from test.support import script_helper
    run = script_helper.assert_python_ok
    home = str(Path(furrow.__file__).absolute().parents[1])

    def assert_python_ok(*arguments, **options):
        *others, text = arguments
        changed = re.sub("from (multiprocessing import Pool|concurrent.futures import Executor)",
                         lambda found: f"import sys; sys.path.insert(0, {home!r}); "
                                       f"from furrow import {found[0].split()[-1]}", text)
        return run(*others, changed, **options)

    script_helper.assert_python_ok = assert_python_ok


# At the top level, since a spawned worker imports this file again: the pools that it makes must be furrow's too.
if Path(sys.argv[0]).name == Path(__file__).name and not {"--pools", "joblib"} & set(sys.argv):
    put_furrow_in()


class Result(unittest.TextTestResult):
    """Ends the run with tracebacks when a test hangs."""

    def startTest(self, test):
        super().startTest(test)
        faulthandler.dump_traceback_later(SECONDS, exit=True)


def name_of(test):
    return ".".join(test.id().split(".")[-2:])


def tests_of(flavour, pattern):
    """The suite, and how many tests were left out."""
    if flavour in EXECUTORS:
        return executor_tests(EXECUTORS[flavour], pattern)
    if flavour == "multiprocess":
        module, names = multiprocess_tests(), [name for kind in POOL_TESTS.values() for name in kind]
    else:
        kind = flavour if flavour in POOL_TESTS else "processes"
        module = f"test.test_multiprocessing_{'fork' if flavour in POOL_TESTS else flavour}"
        module, names = importlib.import_module(module), POOL_TESTS[kind]
    found = unittest.TestLoader().loadTestsFromNames(names, module)
    chosen = [test for test in flatten(found) if re.search(pattern, name_of(test))]
    kept = [test for test in chosen if name_of(test) not in NOT_APPLICABLE]
    return unittest.TestSuite(kept), len(chosen) - len(kept)


def multiprocess_tests():
    """A module with the tests of multiprocess."""
    from test import support
    from test.support import import_helper, os_helper, threading_helper, warnings_helper

    for helper in (import_helper, os_helper, threading_helper, warnings_helper):
        for name in set(dir(helper)) - set(dir(support)):
            setattr(support, name, getattr(helper, name))  # where the suite of Python 3.9 looks for them
    from multiprocess import tests

    module = types.ModuleType("multiprocess_tests")
    sys.modules[module.__name__] = module
    tests.install_tests_in_module_dict(vars(module), "fork")
    return module


def executor_tests(method, pattern):
    import test.test_concurrent_futures as module

    names = [f"ProcessPool{method}{each}" for each in EXECUTOR_TESTS]
    found = unittest.TestLoader().loadTestsFromNames(names, module)
    chosen = [test for test in flatten(found) if re.search(pattern, name_of(test))]
    kept = [test for test in chosen
            if not {name_of(test), name_of(test).partition(".")[2]} & set(NOT_FOR_EXECUTORS)]
    return unittest.TestSuite(kept), len(chosen) - len(kept)


class JoblibTests:
    """A plugin of pytest for joblib's tests."""

    def __init__(self, pattern):
        self._pattern = pattern
        self.counts = dict.fromkeys(["passed", "failed", "skipped", "left out"], 0)

    def pytest_collection_modifyitems(self, items):
        chosen = [item for item in items if re.search(self._pattern, item.name)]
        items[:] = [item for item in chosen if not {item.name, item.name.partition("[")[0]} & set(NOT_FOR_JOBLIB)]
        self.counts["left out"] = len(chosen) - len(items)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1


def run_joblib(pattern, furrows):
    import joblib
    import pytest

    if furrows:
        from furrow._joblib import Backend

        joblib.parallel.BACKENDS["loky"] = Backend
    tests, began = JoblibTests(pattern), time.perf_counter()
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    pytest.main(["-q", "-p", "no:cacheprovider",
                 str(Path(joblib.__file__).parent / "test" / "test_parallel.py")], [tests])
    counts = tests.counts
    print(f"joblib: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped by the suite, "
          f"{counts['left out']} not applicable, in {time.perf_counter() - began:.0f} s", flush=True)
    return counts["failed"] == 0 and counts["passed"] > 0


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def run(flavour, pattern):
    suite, left_out = tests_of(flavour, pattern)
    began = time.perf_counter()
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result, buffer=False).run(suite)
    faulthandler.cancel_dump_traceback_later()
    bad = len(result.failures) + len(result.errors)
    passed = result.testsRun - bad - len(result.skipped)
    for test, reason in result.skipped:
        print(f"{flavour}: skipped by the suite: {name_of(test)}: {reason}")
    print(f"{flavour}: {passed} passed, {bad} failed, {len(result.skipped)} skipped by the suite, {left_out} not "
          f"applicable, "
          f"in {time.perf_counter() - began:.0f} s", flush=True)
    return bad == 0 and result.testsRun > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("flavours", nargs="*", choices=[*FLAVOURS, []], metavar="|".join(FLAVOURS))
    parser.add_argument("-k", dest="pattern", default="", metavar="PATTERN",
                        help="run only the tests whose name matches")
    parser.add_argument("--pools", choices=["multiprocessing"], help="leave the original pools in, to compare")
    options = parser.parse_args()
    if options.flavours == ["joblib"]:
        return run_joblib(options.pattern, not options.pools)
    if len(options.flavours) == 1:
        return run(options.flavours[0], options.pattern)
    # Each flavour in a process of its own, since the start method is a setting of the process.
    more = ["-k", options.pattern, *(["--pools", options.pools] if options.pools else [])]
    codes = [subprocess.run([sys.executable, __file__, flavour, *more]).returncode
             for flavour in options.flavours or FLAVOURS]
    for name, reason in {**NOT_APPLICABLE, **NOT_FOR_EXECUTORS, **NOT_FOR_JOBLIB}.items():
        print(f"not applicable: {name}: {reason}")
    return not any(codes)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
