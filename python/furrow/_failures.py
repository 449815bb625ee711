"""What a Pool raises, and how the exceptions of tasks come back from the workers.

A task's own exception is raised as it is, with the worker's traceback as its __cause__, as multiprocessing does. The
classes here are for failures that multiprocessing has no class for.
"""

import pickle
import signal as _signal


class PoolError(RuntimeError):
    """The pool cannot do what was asked, or cannot go on."""


class WorkerDied(PoolError):
    """The worker process ended while it ran this task, whose result is lost; the pool goes on.

    index: the item's index in its map (0 for apply). signal: the signal that killed the worker, or None. exitcode: as
    for a multiprocessing.Process: minus the signal, or the exit status.
    """

    def __init__(self, message, index=0, signal=None, exitcode=None):
        super().__init__(message)
        self.index = index
        self.signal = signal
        self.exitcode = exitcode

    def __reduce__(self):
        return type(self), (str(self), self.index, self.signal, self.exitcode)


class TaskTimeout(PoolError):
    """The task took longer than its timeout, and was stopped."""

    def __init__(self, message, index=0, timeout=None):
        super().__init__(message)
        self.index = index
        self.timeout = timeout

    def __reduce__(self):
        return type(self), (str(self), self.index, self.timeout)


class RemoteError(PoolError):
    """Stands for a task's exception that could not be sent back as it is."""


class Failure:
    """With on_error='collect', stands in the results for an item that failed. It is false."""

    __slots__ = ("index", "error")

    def __init__(self, index, error):
        self.index = index
        self.error = error

    def __bool__(self):
        return False

    def __repr__(self):
        return f"Failure({self.index}, {self.error!r})"


# The numbers of furrow::FailureKind.
_EXCEPTION, _DIED, _TIMEOUT, _LOST, _CANCELLED = range(5)


def make(kind, index, message, signal, exit_status, timeout):
    """The exception for a task that failed in a worker."""
    if kind == _EXCEPTION:
        return load(message)
    text = message.decode(errors="replace")
    if kind == _DIED:
        if signal:
            try:
                signal = _signal.Signals(signal)
            except ValueError:
                pass
            return WorkerDied(text, index, signal, -signal)
        return WorkerDied(text, index, None, exit_status)
    if kind == _TIMEOUT:
        return TaskTimeout(f"task {index}: {text}", index, timeout)
    if kind == _CANCELLED:
        return PoolError("the map was interrupted before this item was begun")
    return PoolError(text)


def dump(exception):
    """In the worker: an exception with its traceback, as bytes that load() can certainly read."""
    text = f'\n"""\n{_traceback(exception)}"""'
    problem = None
    for dumps in _dumpers():
        try:
            return pickle.dumps((_body(dumps, exception), text, None))
        except Exception as error:
            problem = error
    described = f"{type(exception).__module__}.{type(exception).__qualname__}: {safe_str(exception)}"
    return pickle.dumps((None, text, f"{described} (which cannot be pickled: {safe_str(problem)})"))


def _traceback(exception):
    import traceback

    try:
        return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    except Exception:  # its own code failed
        where = "".join(traceback.format_tb(exception.__traceback__))
        return f"Traceback (most recent call last):\n{where}{type(exception).__qualname__}\n"


def _dumpers():
    yield pickle.dumps
    yield _by_value


def _by_value(exception):
    from furrow import _by_value

    return _by_value.dumps_here(exception)


def _body(dumps, exception):
    body = dumps(exception)
    try:
        pickle.loads(body)  # some can be pickled but not unpickled
        return body
    except Exception:
        if not _is_plain(type(exception)):
            raise
    parts = dumps(exception.__reduce__())
    _remade(parts)
    return dumps(_Parts(parts))


def _is_plain(kind):
    """Whether pickle calls it with its args, which its own __init__ may not want."""
    reducing = next(each for each in kind.__mro__ if "__reduce__" in vars(each))
    return reducing.__module__ == "builtins" and kind.__reduce_ex__ is object.__reduce_ex__


class _Parts:
    """Pickles as an exception that is put together without its own __init__."""

    def __init__(self, parts):
        self._parts = parts

    def __reduce__(self):
        return _remade, (self._parts,)


def _remade(parts):
    kind, args, *state = pickle.loads(parts)
    exception = kind.__new__(kind, *args)
    builtin = next(each for each in kind.__mro__ if each.__module__ == "builtins")
    builtin.__init__(exception, *args)  # sets what a builtin type keeps beside its attributes
    if state:
        exception.__setstate__(state[0])
    return exception


def safe_str(thing):
    try:
        return str(thing)
    except Exception:
        return f"<{type(thing).__name__}>"


def load(message):
    """The exception that dump() wrote, with the worker's traceback as its cause."""
    from multiprocessing.pool import RemoteTraceback

    body, text, instead = pickle.loads(message)
    if body is None:
        exception = RemoteError(instead)
    else:
        try:
            exception = pickle.loads(body)
        except Exception as problem:
            exception = RemoteError(f"the task's exception cannot be read here: {safe_str(problem)}")
    if not isinstance(exception, BaseException):
        exception = RemoteError(f"the task's exception came back as {type(exception).__name__}")
    exception.__cause__ = RemoteTraceback(text)
    return exception
