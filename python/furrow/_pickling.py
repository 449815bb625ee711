"""How functions and their arguments are pickled for the workers.

Pickle comes first: a function that can be imported travels by its name. Two kinds of functions travel by value, with
cloudpickle. A lambda or a closure has no name. And a worker knows __main__ as it was when the worker's template was
made: what a notebook has defined since then is missing there, or has its old definition. So whatever names a changed
__main__ travels by value too.
"""

import pickle
import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

PROTOCOL = 5
_MAIN_NAMES = ("__main__", "__mp_main__")


class Main:
    """The functions and classes of __main__ as the workers know them."""

    def __init__(self):
        self._known = dict(_definitions())

    def changed(self):
        """Whether any of them was added or redefined since."""
        known = self._known
        # At each call of a pool, so without a generator.
        for name, value in list(vars(sys.modules["__main__"]).items()):
            if isinstance(value, (FunctionType, type)) and known.get(name) is not value:
                return True
        return False

    def has(self, function):
        """Whether the workers have this very function, and everything that it uses."""
        return isinstance(function, FunctionType) and self._has(function, set())

    def _has(self, thing, seen):
        if id(thing) in seen:
            return True
        seen.add(id(thing))
        if thing.__module__ != "__main__":
            return True
        if self._known.get(thing.__qualname__) is not thing:
            return False
        if isinstance(thing, type):
            return all(self._same_names(each, seen) for each in vars(thing).values()
                       if isinstance(each, FunctionType))
        return self._same_names(thing, seen)

    def _same_names(self, function, seen):
        scope = vars(sys.modules["__main__"])
        for name in _names(function.__code__):
            value = scope.get(name)
            if isinstance(value, (FunctionType, type)) and not self._has(value, seen):
                return False
        return True

    def digest(self):
        """A number that is the same if __main__ has the same functions and classes, whatever its name is."""
        import hashlib

        parts = [(name, _digested(value)) for name, value in self._known.items() if value.__module__ in _MAIN_NAMES]
        return int(hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()[:7], 16)


class NoMain(Main):
    """For workers that may have another __main__, or none: everything in it travels by value."""

    def __init__(self):
        self._known = {}


class SpawnedMain(Main):
    """For workers that begin in a fresh interpreter, which has what importing __main__ defines."""

    def __init__(self, template):
        super().__init__()
        self._template = template
        self._asked = False

    def changed(self):
        self._ask()
        return super().changed()

    def has(self, function):
        self._ask()
        return super().has(function)

    def _ask(self):
        if not self._asked:
            names = self._template.names()
            self._known = {name: value for name, value in self._known.items() if name in names}
            self._asked = True


def identity(function):
    """Identifies a function in a resume file: its name, and its code if that is accessible."""
    import hashlib

    plain = _plain(function)
    name = f"{getattr(plain, '__module__', '')}.{getattr(plain, '__qualname__', repr(type(plain)))}"
    code = getattr(plain, "__code__", None)
    if code is None:
        return name
    return f"{name}:{hashlib.sha256(repr(_shape(code)).encode()).hexdigest()[:16]}"


def _digested(thing):
    if isinstance(thing, type):
        return [(name, _digested(each)) for name, each in vars(thing).items() if isinstance(each, FunctionType)]
    return _shape(thing.__code__), repr(thing.__defaults__)


def _shape(code):
    constants = [_shape(each) if hasattr(each, "co_code") else sorted(map(repr, each)) if isinstance(each, frozenset)
                 else repr(each) for each in code.co_consts]
    return code.co_code, constants, code.co_names, code.co_varnames


def _definitions():
    for name, value in list(vars(sys.modules["__main__"]).items()):
        if isinstance(value, (FunctionType, type)):
            yield name, value


def _names(code):
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names(constant)


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
        return _by_value(function, problem), False
    if b"__main__" in made and (main.changed() if changed is None else changed) and not main.has(_plain(function)):
        return _by_value(function, None), False
    return made, _is_named(function)


def _is_named(function):
    kind = type(function)
    return kind in (FunctionType, type) or (kind is BuiltinFunctionType and type(function.__self__) is ModuleType)


def _plain(function):
    return function.__func__ if isinstance(function, MethodType) else function


def _module(name):
    import importlib

    return importlib.import_module(name)


def _by_value(thing, problem, buffer_callback=None):
    try:
        import cloudpickle
    except ImportError:
        raise _without_cloudpickle(problem) from None
    try:
        return cloudpickle.dumps(thing, protocol=PROTOCOL, buffer_callback=buffer_callback)
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


def by_value(thing, made, buffer_callback):
    """Pickles an argument that names __main__, which has changed."""
    return _by_value(thing, None, buffer_callback)


def dump_value(value, main=None):
    """A value as bytes, and its buffers (PickleBuffer). main: how the workers know __main__; None: in a worker."""
    buffers = []
    try:
        made = pickle.dumps(value, PROTOCOL, buffer_callback=buffers.append)
    except Exception as problem:
        buffers.clear()
        return fallback(value, problem, buffers.append), buffers
    if main is not None and b"__main__" in made and main.changed():
        buffers.clear()
        return _by_value(value, None, buffers.append), buffers
    return made, buffers


def fallback(thing, problem, buffer_callback):
    """Pickles an argument that pickle refused: perhaps multiprocessing or cloudpickle can."""
    from multiprocessing.reduction import ForkingPickler

    try:
        return bytes(ForkingPickler.dumps(thing, PROTOCOL))
    except Exception:
        return _by_value(thing, problem, buffer_callback)
