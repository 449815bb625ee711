"""Run Python functions over many inputs, in parallel and reproducibly.

    from furrow import Pool

    with Pool() as pool:
        squares = pool.map(lambda x: x * x, range(1000))

Pool takes the place of multiprocessing.Pool, and ThreadPool that of multiprocessing.pool.ThreadPool: the same
methods with the same meaning. Executor takes that of concurrent.futures.ProcessPoolExecutor. In addition, functions
may be lambdas and closures, arrays are sent without being copied through pipes, and a worker that dies costs one
item. MPIPool is such a pool on many computers. run() runs a Snakefile, and map_command() a command on many values.
"""

from multiprocessing import TimeoutError

from furrow._after_import import call_after
from furrow._failures import Failure, PoolError, RemoteError, TaskTimeout, WorkerDied

try:
    from furrow._furrow import cpu_count
except ImportError as problem:
    from furrow._not_built import explained

    raise explained(problem) from None

__all__ = ["AsyncResult", "CommandResult", "Executor", "Failure", "JobResult", "MPIPool", "MapCommandResult",
           "MapFailed", "MapResult", "Partitioned", "Pool", "PoolError", "PoolStatistics", "RemoteError", "RunResult",
           "TaskTimeout", "ThreadPool", "TimeoutError", "WorkerDied", "WorkflowFailed", "cpu_count", "map_command",
           "run", "shared_array", "task_rng", "task_stop_requested"]

_LAZY = {"Pool": "furrow._pool", "MPIPool": "furrow._mpi_pool", "ThreadPool": "furrow._thread_pool",
         "Executor": "furrow._executor", "AsyncResult": "furrow._results", "MapResult": "furrow._results",
         "Partitioned": "furrow._partitioned", "PoolStatistics": "furrow._statistics",
         "shared_array": "furrow._shared_array", "task_rng": "furrow._rng", "task_stop_requested": "furrow._stopping",
         "run": "furrow._workflow", "JobResult": "furrow._workflow", "RunResult": "furrow._workflow",
         "WorkflowFailed": "furrow._workflow", "map_command": "furrow._map_command",
         "CommandResult": "furrow._map_command", "MapCommandResult": "furrow._map_command",
         "MapFailed": "furrow._map_command"}


def _register(parallel):
    """Makes joblib.parallel_backend("furrow") known."""
    def backend(**words):
        from furrow._joblib import Backend

        return Backend(**words)

    parallel.register_parallel_backend("furrow", backend)


call_after("joblib.parallel", _register)


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'furrow' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
