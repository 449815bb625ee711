"""The functions that the C++ worker calls in a worker process."""

import os
import pickle
import sys

from furrow import _blas, _failures, _global_rng, _logs, _main

dumps = pickle.dumps
loads = pickle.loads
dump_failure = _failures.dump
seed_task = _global_rng.seed_task
seed_worker = _global_rng.seed_worker

_COUNT = 8  # bytes of a number in shared memory


def forked():
    """The first Python code in a worker: what multiprocessing does in its own children."""
    import atexit
    import gc

    atexit._clear()  # what the program has registered runs in the program
    gc.freeze()  # the collector does not touch inherited objects, so their pages stay shared
    for util in of_libraries("util"):
        util._finalizer_registry.clear()
        util._run_after_forkers()
        util._close_stdin()
    _forget_loky()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)  # otherwise the output of a killed worker is lost


def of_libraries(name):
    """This module of multiprocessing, and of multiprocess if the program uses that."""
    for library in ("multiprocessing", "multiprocess"):
        module = sys.modules.get(f"{library}.{name}")
        if module:
            yield module


def _forget_loky():
    """The executor that loky keeps for all its callers needs the program's threads: here, a call would wait forever."""
    for name in ("joblib.externals.loky.reusable_executor", "loky.reusable_executor"):
        module = sys.modules.get(name)
        if getattr(module, "_executor", None) is not None:
            import threading

            _kept.append(module._executor)  # if it went, it would wake the program's threads
            module._executor = None
            module._executor_lock = threading.RLock()


_kept = []


def beginning(workers, initializer, initargs, threads, name, key, outlet=None, streams=()):
    """The function that each worker runs first, given its number. Call it just before the template is forked.

    threads: how many BLAS and OpenMP may use; None: as many as they like. key: what global_rng.new_key() returned.
    outlet: takes what is logged, and printed to these streams, to the parent; None: the worker's own handlers do.
    """
    import mmap

    known = _blas.before_fork(threads)
    starts = mmap.mmap(-1, workers * _COUNT)  # shared: how often each worker was started

    def begin(worker):
        _blas.limit(threads, known)
        if streams:
            from furrow import _prints

            _prints.redirect(outlet, streams)
        if outlet is not None:
            _logs.forward(outlet)
        for process in of_libraries("process"):
            process._current_process = _Process(process, f"{name}-{worker + 1}", worker + 1)
            process._children = set()
        place = slice(worker * _COUNT, (worker + 1) * _COUNT)
        start = int.from_bytes(starts[place], "little")
        starts[place] = (start + 1).to_bytes(_COUNT, "little")
        _global_rng.begin(key, name, worker, start)
        _start_coverage()
        if initializer is not None:
            initializer(*initargs)
            _main.keep_initial(initializer)

    return begin


def _start_coverage():
    """Does what coverage with concurrency=multiprocessing does in a process of multiprocessing."""
    import atexit
    import multiprocessing

    if hasattr(multiprocessing, "_coverage$patched"):
        from coverage import Coverage

        measured = Coverage(data_suffix=True, auto_data=True)
        measured._warn_preimported_source = False
        measured.start()
        atexit.register(measured.save)
        atexit.register(measured.stop)


def flush():
    """Called when the worker is idle: its output appears before it ends, and memory that is not needed goes back."""
    segments = sys.modules.get("furrow._segments")
    if segments is not None:
        segments.drop_released()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def finish():
    """Called at the worker's end, unless it is killed."""
    import atexit

    for util in of_libraries("util"):
        util._exit_function()
    atexit._run_exitfuncs()
    flush()


def describe(exception):
    import traceback  # slow to import

    return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__)).rstrip()


def exit_status(exception):
    """The exit status of a process that raised SystemExit."""
    code = exception.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def end_copy(outcome):
    """Ends a process that a task has forked, when the task has ended in it. outcome: what it returned or raised."""
    status = 1
    try:
        if isinstance(outcome, Exited):
            outcome = _failures.load(outcome.exception)
        if isinstance(outcome, SystemExit):
            status = exit_status(outcome)
        elif isinstance(outcome, BaseException):
            sys.stderr.write(describe(outcome) + "\n")
        else:
            sys.stderr.write("furrow: a task has forked a process, and has returned in it, too: what it returned there "
                             "is dropped. End such a process with os._exit()\n")
        flush()
    finally:
        os._exit(status)


def learn(spec):
    """A map's function, and how to call it: (function, calling, retries, seed, number, together, seeded)."""
    function, *how = pickle.loads(spec)
    return (pickle.loads(function), *how)


class Exited:
    """The result of an executor's call that raised SystemExit."""

    def __init__(self, exception):
        self.exception = exception


_named = {}  # the functions of calls that were found by name, by their pickles


def run_call(call):
    """Runs a call of an executor."""
    made, args, kwargs, named = call
    function = _named.get(made) if named else None
    if function is None:
        function = pickle.loads(made)
        if named:
            _named[made] = function
    try:
        return function(*args, **kwargs)
    except SystemExit as exception:
        return Exited(dump_failure(exception))


def dump_hard(result, problem):
    """Tries again with a result that pickle refused: (bytes, None), or (None, the exception to raise instead)."""
    if "__main__" in str(problem) or type(result).__module__ in _main.NAMES:
        try:
            from furrow import _by_value

            return _by_value.dumps_here(result), None
        except Exception:
            pass
    from multiprocessing.pool import MaybeEncodingError

    return None, MaybeEncodingError(problem, result)


def run_together(*arguments):
    from furrow import _async

    return _async.run_together(*arguments)


class _Process:
    """What multiprocessing.current_process() returns in a worker. process: its module."""

    def __new__(cls, process, name, number):
        parent = process.current_process()

        class PoolWorker(process.BaseProcess):
            def _after_fork(self):
                pass

        self = PoolWorker.__new__(PoolWorker)
        self._identity = (*parent._identity, number)
        self._config = parent._config.copy()
        self._config["daemon"] = False  # a task may have a pool of its own
        self._parent_pid = os.getppid()
        self._parent_name = parent.name
        self._popen = None
        self._closed = False
        self._target = None
        self._args = ()
        self._kwargs = {}
        self._name = name
        return self
