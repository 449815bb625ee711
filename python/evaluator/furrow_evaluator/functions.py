"""Calls input functions and the like with the arguments that they name."""

_VAR_KEYWORDS = 0x08
_FUNCTION = type(lambda: None)
_parameters_by_code = {}


def call(function, wildcards, known):
    """Calls a function with the wildcards and those known arguments that it names. A Lazy value is made only then."""
    return call_named(function, parameters(function), wildcards, known)


def call_named(function, names, wildcards, known):
    """The same; `names` are the parameters of the function."""
    if names is None:
        return function(wildcards, **{name: _concrete(value) for name, value in known.items()})
    if not names:
        return function(wildcards)
    return function(wildcards, **{name: _concrete(known[name]) for name in names if name in known})


class Lazy:
    """A value that is made when a function asks for it."""

    __slots__ = ("make", "made", "value")

    def __init__(self, make):
        self.make = make
        self.made = False

    def get(self):
        if not self.made:
            self.value = self.make()
            self.made = True
        return self.value


def _concrete(value):
    return value.get() if type(value) is Lazy else value


def parameters(function):
    """The names of the arguments after the first; None if the function takes any.

    They are cached, since one rule may have a million jobs.
    """
    if type(function) is not _FUNCTION:
        return _object_parameters(function)
    code = function.__code__
    try:
        return _parameters_by_code[code]
    except KeyError:
        names = _parameters_by_code[code] = _code_parameters(code)
        return names


def _code_parameters(code):
    if code.co_flags & _VAR_KEYWORDS:
        return None
    first = 1 if code.co_argcount else 0
    return code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]


def _object_parameters(function):
    """Partials, bound methods, classes and objects with __call__."""
    inner = getattr(function, "callable", None)
    if inner is not None and hasattr(function, "flags"):
        return parameters(inner)
    if getattr(type(function), "takes_all", False):
        return None
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return None
    names = [
        name for name, parameter in signature.parameters.items() if parameter.kind not in (parameter.VAR_POSITIONAL,)
    ]
    return tuple(names[1:])
