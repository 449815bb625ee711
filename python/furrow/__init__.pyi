from concurrent.futures import Executor as _Executor
from multiprocessing import TimeoutError as TimeoutError
from multiprocessing.context import BaseContext
from os import PathLike
from types import TracebackType
from typing import Any, Callable, Dict, Generic, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Type, TypeVar, Union

_T = TypeVar("_T")
_S = TypeVar("_S")
_P = TypeVar("_P", bound="_BasePool")
_Path = Union[str, PathLike[str]]
_Value = Union[str, bytes, PathLike[str], int, float]
_Resume = Union[None, _Path, Tuple[_Path, str]]
_Progress = Union[bool, str, Callable[[int, int, int, float], object]]

__all__ = ["AsyncResult", "CommandResult", "Executor", "Failure", "JobResult", "MPIPool", "MapCommandResult", "MapFailed", "MapResult", "Partitioned", "Pool",
           "PoolError", "PoolStatistics", "RemoteError", "RunResult", "TaskTimeout", "ThreadPool", "TimeoutError", "WorkerDied", "WorkflowFailed", "cpu_count", "map_command",
           "run", "shared_array", "task_rng", "task_stop_requested"]

def cpu_count(logical: bool = ...) -> int: ...
def shared_array(shape: Union[int, Sequence[int]], dtype: Any = ...) -> Any: ...  # a numpy.ndarray
def task_rng() -> Any: ...  # a numpy.random.Generator
def task_stop_requested() -> bool: ...

class PoolError(RuntimeError): ...

class WorkerDied(PoolError):
    index: int
    signal: Optional[int]
    exitcode: Optional[int]
    def __init__(self, message: str, index: int = ..., signal: Optional[int] = ..., exitcode: Optional[int] = ...) -> None: ...

class TaskTimeout(PoolError):
    index: int
    timeout: Optional[float]
    def __init__(self, message: str, index: int = ..., timeout: Optional[float] = ...) -> None: ...

class RemoteError(PoolError): ...

class Failure:
    index: int
    error: BaseException
    def __init__(self, index: int, error: BaseException) -> None: ...
    def __bool__(self) -> bool: ...

class AsyncResult(Generic[_T]):
    def ready(self) -> bool: ...
    def successful(self) -> bool: ...
    def wait(self, timeout: Optional[float] = ...) -> None: ...
    def get(self, timeout: Optional[float] = ...) -> _T: ...

class MapResult(AsyncResult[List[_T]]): ...

class _Results(Iterator[_T]):
    def __iter__(self) -> Iterator[_T]: ...
    def __next__(self, timeout: Optional[float] = ...) -> _T: ...
    def next(self, timeout: Optional[float] = ...) -> _T: ...

class PoolStatistics(NamedTuple):
    workers: int
    unfinished: int
    completed: int
    failed: int
    workers_replaced: int

class _BasePool:
    def __enter__(self: _P) -> _P: ...
    def __exit__(self, exc_type: Optional[Type[BaseException]], exc_val: Optional[BaseException], exc_tb: Optional[TracebackType]) -> None: ...
    def apply(self, func: Callable[..., _T], args: Iterable[Any] = ..., kwds: Mapping[str, Any] = ..., *,
              timeout: Optional[float] = ..., retries: int = ..., seed: Optional[int] = ...) -> _T: ...
    def apply_async(self, func: Callable[..., _T], args: Iterable[Any] = ..., kwds: Mapping[str, Any] = ...,
                    callback: Optional[Callable[[_T], object]] = ...,
                    error_callback: Optional[Callable[[BaseException], object]] = ..., *,
                    timeout: Optional[float] = ..., retries: int = ..., seed: Optional[int] = ...) -> AsyncResult[_T]: ...
    def map(self, func: Callable[[_S], _T], iterable: Iterable[_S], chunksize: Optional[int] = ..., *,
            timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
            seed: Optional[int] = ..., resume: _Resume = ..., trace: Optional[_Path] = ...) -> List[_T]: ...
    def starmap(self, func: Callable[..., _T], iterable: Iterable[Iterable[Any]], chunksize: Optional[int] = ..., *,
                timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
                seed: Optional[int] = ..., resume: _Resume = ..., trace: Optional[_Path] = ...) -> List[_T]: ...
    def map_async(self, func: Callable[[_S], _T], iterable: Iterable[_S], chunksize: Optional[int] = ...,
                  callback: Optional[Callable[[List[_T]], object]] = ...,
                  error_callback: Optional[Callable[[BaseException], object]] = ..., *,
                  timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
                  seed: Optional[int] = ..., resume: _Resume = ..., trace: Optional[_Path] = ...) -> MapResult[_T]: ...
    def starmap_async(self, func: Callable[..., _T], iterable: Iterable[Iterable[Any]], chunksize: Optional[int] = ...,
                      callback: Optional[Callable[[List[_T]], object]] = ...,
                      error_callback: Optional[Callable[[BaseException], object]] = ..., *,
                      timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
                      seed: Optional[int] = ..., resume: _Resume = ..., trace: Optional[_Path] = ...) -> MapResult[_T]: ...
    def imap(self, func: Callable[[_S], _T], iterable: Iterable[_S], chunksize: int = ..., *,
             timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
             seed: Optional[int] = ...) -> _Results[_T]: ...
    def imap_unordered(self, func: Callable[[_S], _T], iterable: Iterable[_S], chunksize: int = ..., *,
                       timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
                       seed: Optional[int] = ...) -> _Results[_T]: ...
    def istarmap(self, func: Callable[..., _T], iterable: Iterable[Iterable[Any]], chunksize: int = ..., *,
                 timeout: Optional[float] = ..., retries: int = ..., on_error: str = ..., progress: _Progress = ...,
                 seed: Optional[int] = ...) -> _Results[_T]: ...
    def istarmap_unordered(self, func: Callable[..., _T], iterable: Iterable[Iterable[Any]], chunksize: int = ..., *,
                           timeout: Optional[float] = ..., retries: int = ..., on_error: str = ...,
                           progress: _Progress = ..., seed: Optional[int] = ...) -> _Results[_T]: ...
    def scatter(self, data: Iterable[_T], parts: Optional[int] = ...) -> Partitioned[_T]: ...
    def partition(self, size: int, make: Callable[[int], _T], parts: Optional[int] = ..., *, retries: int = ...,
                  seed: Optional[int] = ...) -> Partitioned[_T]: ...
    def statistics(self) -> PoolStatistics: ...
    def close(self) -> None: ...
    def terminate(self) -> None: ...
    def join(self) -> None: ...

class Partitioned(Generic[_T]):
    @property
    def parts(self) -> int: ...
    def __len__(self) -> int: ...
    def map(self, func: Callable[[_T], _S], *, retries: int = ..., seed: Optional[int] = ...) -> Partitioned[_S]: ...
    def for_each(self, func: Callable[[_T], object], *, retries: int = ..., seed: Optional[int] = ...) -> None: ...
    def map_reduce(self, func: Callable[[_T], _S], op: Callable[[Any, Any], Any], *, retries: int = ...,
                   seed: Optional[int] = ...) -> _S: ...
    def map_parts(self, func: Callable[[Any], _S], *, retries: int = ..., seed: Optional[int] = ...) -> List[_S]: ...
    def gather(self) -> Any: ...  # a list, or the numpy.ndarray or pandas.DataFrame that was scattered
    def release(self) -> None: ...
    def __enter__(self) -> Partitioned[_T]: ...
    def __exit__(self, *problem: object) -> None: ...

class Pool(_BasePool):
    def __init__(self, processes: Optional[int] = ..., initializer: Optional[Callable[..., object]] = ...,
                 initargs: Iterable[Any] = ..., maxtasksperchild: Optional[int] = ...,
                 context: Union[BaseContext, str, None] = ..., *, backend: Optional[str] = ...,
                 slurm: Optional[Iterable[str]] = ..., serializer: Optional[str] = ...,
                 threads_per_worker: Optional[int] = ...) -> None: ...

class MPIPool(Pool):
    def __init__(self, processes: Optional[int] = ..., initializer: Optional[Callable[..., object]] = ...,
                 initargs: Iterable[Any] = ..., maxtasksperchild: Optional[int] = ...,
                 context: Union[BaseContext, str, None] = ..., *, root_works: bool = ..., serializer: Optional[str] = ...,
                 threads_per_worker: Optional[int] = ...) -> None: ...

class ThreadPool(_BasePool):
    def __init__(self, processes: Optional[int] = ..., initializer: Optional[Callable[..., object]] = ...,
                 initargs: Iterable[Any] = ...) -> None: ...

class Executor(_Executor):
    def terminate(self) -> None: ...
    def __init__(self, max_workers: Optional[int] = ..., mp_context: Union[BaseContext, str, None] = ...,
                 initializer: Optional[Callable[..., object]] = ..., initargs: Iterable[Any] = ..., *,
                 max_tasks_per_child: Optional[int] = ..., serializer: Optional[str] = ...,
                 threads_per_worker: Optional[int] = ...) -> None: ...

class WorkflowFailed(RuntimeError): ...

class JobResult:
    rule: str
    wildcards: Dict[str, str]
    output: List[str]
    log: List[str]
    state: str
    reason: Optional[str]
    attempt: Optional[int]
    started_at: Optional[float]
    seconds: Optional[float]
    status: Optional[int]
    signal: Optional[int]
    error: Optional[str]

class RunResult(List[JobResult]):
    status: int
    output: str
    @property
    def ok(self) -> bool: ...

def run(snakefile: Optional[_Path] = ..., targets: Union[_Path, Iterable[_Path]] = ..., *, cores: Union[int, str, None] = ...,
        config: Optional[Mapping[str, Any]] = ..., dry_run: bool = ..., directory: Optional[_Path] = ...,
        options: Iterable[str] = ..., quiet: bool = ..., program: Optional[_Path] = ...) -> RunResult: ...

class MapFailed(RuntimeError): ...

class CommandResult:
    values: Tuple[str, ...]
    state: str
    command: Optional[str]
    stdout: Optional[str]
    stderr: Optional[str]
    status: Optional[int]
    signal: Optional[int]
    started_at: Optional[float]
    seconds: Optional[float]

class MapCommandResult(List[CommandResult]):
    status: int
    output: str
    @property
    def ok(self) -> bool: ...

def map_command(command: Union[str, Sequence[_Value]], values: Iterable[Union[_Value, Tuple[_Value, ...]]], *,
                jobs: Union[int, str, None] = ..., directory: Optional[_Path] = ..., options: Iterable[str] = ..., quiet: bool = ...,
                program: Optional[_Path] = ...) -> MapCommandResult: ...
