"""How functions and their arguments are pickled for the workers.

Pickle comes first: a function that can be imported travels by its name. Two kinds of functions travel by value, with
cloudpickle. A lambda or a closure has no name. And a worker knows __main__ as it was when the worker's template was
made: what a notebook has defined since then is missing there, or has its old definition. So whatever names a changed
__main__ travels by value too, but for the classes that the workers have: those go by name, so that an object is of the
class that the worker's own functions ask for.
"""

import functools
import pickle
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from furrow._main import OwnMain, shape

PROTOCOL = 5


def identity(function):
    """Identifies a function in a resume file: its name, and its code if that is accessible."""
    import hashlib

    plain = _plain(function)
    name = f"{getattr(plain, '__module__', '')}.{getattr(plain, '__qualname__', repr(type(plain)))}"
    code = getattr(plain, "__code__", None)
    if code is None:
        return name
    return f"{name}:{hashlib.sha256(repr(shape(code)).encode()).hexdigest()[:16]}"


def dump_function(function, main, serializer=None):
    """A function as bytes, for pickle.loads in a worker."""
    return dump(function, main, serializer)[0]


def dump(function, main, serializer=None, changed=None):
    """The same, and whether the function is found by its name: then it carries no state that a call could change.

    changed: what main.changed() has just said, if the caller knows it.
    """
    if serializer is not None:
        return _module(serializer).dumps(function, protocol=PROTOCOL), False
    try:
        made = pickle.dumps(function, PROTOCOL)
    except Exception as problem:
        return _by_value(function, problem, main), False
    if b"__main__" in made and (main.changed() if changed is None else changed) and not main.has(function):
        return _by_value(function, None, main), False
    return made, _is_named(function)


def _is_named(function):
    kind = type(function)
    return kind in (FunctionType, type) or (kind is BuiltinFunctionType and type(function.__self__) is ModuleType)


def _plain(function):
    return function.__func__ if isinstance(function, MethodType) else function


def _module(name):
    import importlib

    return importlib.import_module(name)


def _by_value(thing, problem, main, buffer_callback=None):
    try:
        from furrow import _by_value as by_value
    except ImportError:
        raise _without_cloudpickle(problem) from None
    try:
        return by_value.dumps(thing, main, buffer_callback)
    except Exception as worse:
        if problem is None or isinstance(problem, (pickle.PicklingError, AttributeError)):
            raise
        raise problem from worse


def _without_cloudpickle(problem):
    """problem with a hint that cloudpickle may help; problem is pickle's error, or None if pickle was not tried."""
    hint = "install cloudpickle (Debian: python3-cloudpickle)"
    if problem is None:
        return ImportError(f"what __main__ has defined since the pool was made travels by value: {hint}",
                           name="cloudpickle")
    if type(problem) not in (pickle.PicklingError, AttributeError):
        return problem  # cloudpickle would refuse it too
    return type(problem)(f"{problem}. For lambdas, closures and functions of a notebook, {hint}")


def by_value(main, thing, made, buffer_callback):
    """Pickles an argument that names __main__, which has changed. main: how the workers know it."""
    return _by_value(thing, None, main, buffer_callback)


def dump_value(value, main=None):
    """A value as bytes, and its buffers (PickleBuffer). main: how the workers know __main__; None: in a worker."""
    buffers = []
    try:
        made = pickle.dumps(value, PROTOCOL, buffer_callback=buffers.append)
    except Exception as problem:
        buffers.clear()
        return fallback(main or OwnMain(), value, problem, buffers.append), buffers
    if main is not None and b"__main__" in made and main.changed():
        buffers.clear()
        return _by_value(value, None, main, buffers.append), buffers
    return made, buffers


def fallback(main, thing, problem, buffer_callback):
    """Pickles an argument that pickle refused: perhaps multiprocessing or cloudpickle can."""
    from multiprocessing.reduction import ForkingPickler

    try:
        return bytes(ForkingPickler.dumps(thing, PROTOCOL))
    except Exception:
        return _by_value(thing, problem, main, buffer_callback)


def for_items(main):
    """The functions that the extension calls for what pickle does not do alone. main: how the workers know __main__."""
    return functools.partial(by_value, main), functools.partial(fallback, main)
