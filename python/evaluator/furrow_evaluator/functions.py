"""Calls input functions and their kin with the arguments that they name."""

kVarKeywords = 0x08
kFunction = type(lambda: None)
parameters_by_code = {}


def call(function, wildcards, known):
    """Calls a function with the wildcards and those of the known arguments that it names. A value that is a Lazy is made only then."""
    names = parameters(function)
    if names is None:
        return function(wildcards, **{name: concrete(value) for name, value in known.items()})
    if not names:
        return function(wildcards)
    return function(wildcards, **{name: concrete(known[name]) for name in names if name in known})


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


def concrete(value):
    return value.get() if type(value) is Lazy else value


def parameters(function):
    """The names of the arguments behind the first; None if the function takes any. Cached, since one rule may have a million jobs."""
    if type(function) is not kFunction:
        return object_parameters(function)
    code = function.__code__
    try:
        return parameters_by_code[code]
    except KeyError:
        names = parameters_by_code[code] = code_parameters(code)
        return names


def code_parameters(code):
    if code.co_flags & kVarKeywords:
        return None
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code.co_argcount else code.co_varnames[: code.co_kwonlyargcount]


def object_parameters(function):
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
    names = [name for name, parameter in signature.parameters.items() if parameter.kind not in (parameter.VAR_POSITIONAL,)]
    return tuple(names[1:])
