"""What workers know of __main__: its functions and classes as they were when the workers' template was made.

Workers have a function or class if theirs, under the same name, is this very one, and so is everything in __main__ that
it uses. Then it can travel by its name. Data in globals are not followed.
"""

import functools
import re
import sys
from types import FunctionType, MethodType

NAMES = ("__main__", "__mp_main__")

CACHED = type(functools.lru_cache(abs))
_KINDS = (FunctionType, type, CACHED)
# Where other callables keep the functions that they call.
_HOLDERS = {MethodType: ("__func__",), staticmethod: ("__func__",), classmethod: ("__func__",),
            property: ("fget", "fset", "fdel"), functools.partial: ("func",), functools.partialmethod: ("func",),
            functools.cached_property: ("func",), CACHED: ("__wrapped__",)}


class Main:
    """__main__ as the workers know it.

    initializer: sets globals in the workers, which functions that travel by value use there.
    """

    def __init__(self, initializer=None):
        self._known = dict(_definitions())
        self.set_by_initializer = set_by(initializer)

    def changed(self):
        """Whether any of them was added or redefined since."""
        known = self._known
        # At each call of a pool, so without a generator.
        for name, value in list(vars(sys.modules["__main__"]).items()):
            if isinstance(value, _KINDS) and known.get(name) is not value:
                return True
        return False

    def has(self, thing):
        """Whether the workers have this very function or class, and everything that it uses."""
        return isinstance(thing, _KINDS) and self._has(thing, set())

    def _has(self, thing, seen):
        if id(thing) in seen or thing.__module__ != "__main__":
            return True
        seen.add(id(thing))
        if _found(self._known, thing.__qualname__) is not thing:
            return False
        whole = self._known[thing.__qualname__.partition(".")[0]]  # of a method, its class
        return all(self._has_what_it_names(each, seen) for each in _functions(whole, set()))

    def _has_what_it_names(self, function, seen):
        scope = vars(sys.modules["__main__"])
        if function.__globals__ is not scope:
            return True
        for name in names_in(function.__code__):
            value = scope.get(name)
            value = value if isinstance(value, _KINDS) else type(value)  # an object brings its class along
            if not self._has(value, seen):
                return False
        return True

    def digest(self):
        """A number that is the same if __main__ has the same functions and classes, whatever its name is."""
        import hashlib

        parts = [(name, _digested(value)) for name, value in self._known.items() if value.__module__ in NAMES]
        return int(hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()[:7], 16)


class NoMain(Main):
    """For workers that may have another __main__, or none: everything in it travels by value."""

    def __init__(self, initializer=None):
        super().__init__(initializer)
        self._known = {}


class SpawnedMain(Main):
    """For workers that begin in a fresh interpreter, which has what importing __main__ defines."""

    def __init__(self, template, initializer=None):
        super().__init__(initializer)
        self._template = template
        self._asked = False

    def changed(self):
        self._ask()
        return super().changed()

    def has(self, thing):
        self._ask()
        return super().has(thing)

    def _ask(self):
        if not self._asked:
            theirs = self._template.names()
            # What stands below the guard may have redefined what the import has defined.
            self._known = {name: value for name, value in self._known.items()
                           if name in theirs and theirs[name] in (None, _digested(value))}
            self._asked = True


class OwnMain(Main):
    """In a worker, for what it sends: its __main__ is the program's, but for what the program has redefined since."""

    def __init__(self):
        self.set_by_initializer = frozenset()

    def _has(self, thing, seen):
        return thing.__module__ != "__main__" or _found(vars(sys.modules["__main__"]), thing.__qualname__) is thing


def described():
    """In a template: the names of its __main__, and what tells their functions and classes apart."""
    return {name: _digested(value) if isinstance(value, _KINDS) and value.__module__ in NAMES else None
            for name, value in list(vars(sys.modules["__main__"]).items()) if not name.startswith("__")}


class OfWorker:
    """Stands for a global, and is unpickled as its value in the worker."""

    def __init__(self, name):
        self._name = name

    def __reduce__(self):
        return _of_worker, (self._name,)


def _of_worker(name):
    try:
        return vars(sys.modules["__main__"])[name]
    except KeyError:
        raise NameError(f"name {name!r} is not defined: the initializer has not set it in this worker") from None


def keep_initial(initializer):
    """In a worker, after its initializer has run: what that has set, if it has globals of its own."""
    scope = vars(sys.modules["__main__"])
    for each in _reached(initializer):
        if each.__globals__ is not scope:
            own = each.__globals__
            scope.update((name, own[name]) for name in _set_in(each.__code__) if name in own)


def set_by(function):
    """The globals of __main__ that this function sets, or one that it calls."""
    scope = vars(sys.modules["__main__"])
    functions = (each for each in _reached(function) if each.__globals__ is scope)
    return frozenset(name for each in functions for name in _set_in(each.__code__))


def _reached(function):
    """The functions of __main__ of which this one consists, and those that they name."""
    waiting, seen = [function], set()
    while waiting:
        for each in _functions(waiting.pop(), seen):
            if each.__module__ in NAMES:
                yield each
                named = [each.__globals__.get(name) for name in names_in(each.__code__)]
                waiting += [value for value in named if isinstance(value, _KINDS)]


def _set_in(code):
    import opcode

    store, extended = opcode.opmap["STORE_GLOBAL"], opcode.EXTENDED_ARG
    high = 0
    for operation, low in zip(code.co_code[::2], code.co_code[1::2]):
        number = high << 8 | low
        if operation == store:
            yield code.co_names[number]
        high = number if operation == extended else 0


def _found(names, path):
    """What is at this path of names, or None."""
    first, *rest = path.split(".")
    thing = names.get(first)
    for each in rest:
        thing = getattr(thing, each, None) if isinstance(thing, type) else None
    return thing


def _functions(thing, seen):
    """The functions that a function, class or other callable consists of."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, FunctionType):
        yield thing
        parts = map(_contents, thing.__closure__ or ())
    elif isinstance(thing, type):
        parts = [each for base in thing.__mro__ if base.__module__ in NAMES for each in vars(base).values()]
    else:
        parts = [getattr(thing, name) for name in _held_by(type(thing))]
    for each in parts:
        yield from _functions(each, seen)


def _contents(cell):
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


def _digested(thing):
    if isinstance(thing, type):
        return [(name, _digested(each)) for name, each in vars(thing).items() if isinstance(each, FunctionType)]
    function = getattr(thing, "__wrapped__", thing) if isinstance(thing, CACHED) else thing
    if not isinstance(function, FunctionType):
        return repr(type(function))
    return shape(function.__code__), re.sub(" at 0x[0-9a-f]+", "", repr(function.__defaults__))


def shape(code):
    """What makes up code, but for the places of its lines."""
    constants = [shape(each) if hasattr(each, "co_code") else sorted(map(repr, each)) if isinstance(each, frozenset)
                 else repr(each) for each in code.co_consts]
    return code.co_code, constants, code.co_names, code.co_varnames


def _definitions():
    for name, value in list(vars(sys.modules["__main__"]).items()):
        if isinstance(value, _KINDS):
            yield name, value


def names_in(code):
    """The names in code and in the functions that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from names_in(constant)


def _held_by(kind):
    """The attributes in which objects of this class hold functions."""
    return next((_HOLDERS[each] for each in kind.__mro__ if each in _HOLDERS), ())
