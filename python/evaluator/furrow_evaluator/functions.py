"""Calls input functions and the like with the arguments that they name."""

_VAR_POSITIONAL = 0x04
_VAR_KEYWORDS = 0x08
_FUNCTION = type(lambda: None)
_FACTS = "furrow_evaluator.file_values"  # its values can be called, but are no functions
_parameters_by_code = {}


def call(function, wildcards, known):
    """Calls a function with the wildcards and those known arguments that it names. A Lazy value is made only then."""
    return call_named(function, parameters(function), wildcards, known)


def call_named(function, names, wildcards, known):
    """The same; `names` are the parameters of the function."""
    answer = _call(function, names, wildcards, known)
    return answer.plain_value() if type(answer).__module__ == _FACTS else answer


def _call(function, names, wildcards, known):
    if names is None or type(names) is _Open and type(known) is not OnDemand:
        return function(wildcards, **{name: _concrete(value) for name, value in known.items()})
    if not names:
        return function(wildcards)
    if "async_run" in names:
        known = {**known, "async_run": Lazy(_async_run)}
    return function(wildcards, **{name: _concrete(known[name]) for name in names if name in known})


def takes(function, names):
    """Whether a function takes one of these arguments, beside the wildcards."""
    if getattr(type(function), "takes_all", False) and callable(getattr(function, "function", None)):
        return takes(function.function, names)
    known = parameters(function)
    return known is None or not names.isdisjoint(known)


def may_take(known, names):
    """The names that a function with these parameters may be given."""
    return set(names) if known is None or type(known) is _Open else set(names).intersection(known)


class OnDemand(dict):
    """Known arguments that only those functions get whose code names them."""


class _Open(tuple):
    """The names that the code of a function with **kwargs holds: it may use others."""

    __slots__ = ()


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


def _async_run():
    from snakemake.common import async_run

    return async_run


def _concrete(value):
    return value.get() if type(value) is Lazy else value


def parameters(function):
    """The names of the arguments after the first; None if the function takes any.

    They are cached, since one rule may have a million jobs.
    """
    if type(function) is not _FUNCTION or function.__dict__:
        return _object_parameters(function)
    code = function.__code__
    try:
        return _parameters_by_code[code]
    except KeyError:
        names = _parameters_by_code[code] = _code_parameters(code)
        return names


def _code_parameters(code):
    first = 1 if code.co_argcount else 0
    names = code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & _VAR_KEYWORDS:
        names += tuple(text for text in code.co_consts if type(text) is str and text.isidentifier())
        # With *args before them, they belong to a function behind it, which may take fewer.
        return names if code.co_flags & _VAR_POSITIONAL else _Open(names)
    return names


def _object_parameters(function):
    """Partials, bound methods, classes, objects with __call__, and functions behind a decorator."""
    inner = getattr(function, "callable", None)
    if inner is not None and hasattr(function, "flags"):
        return parameters(inner)
    if getattr(type(function), "takes_all", False) or getattr(function, "takes_all", False):
        return None
    chosen = getattr(function, "_overwrite_params", None)
    if chosen is not None:
        return tuple(chosen)[1:]
    if type(function) is _FUNCTION:
        wrapped = getattr(function, "__wrapped__", None)
        passes_on = function.__code__.co_flags & _VAR_KEYWORDS
        return parameters(wrapped) if passes_on and callable(wrapped) else _code_parameters(function.__code__)
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [name for name, parameter in signature.parameters.items() if parameter.kind not in starred]
    if inspect.Parameter.VAR_KEYWORD in [parameter.kind for parameter in signature.parameters.values()]:
        code = getattr(getattr(function, "__func__", getattr(function, "func", function)), "__code__", None)
        return _Open(names[1:]) if code is None else type(_code_parameters(code))([*names[1:], *_code_parameters(code)])
    return tuple(names[1:])
