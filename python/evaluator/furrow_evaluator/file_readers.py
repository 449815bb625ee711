"""Finds out whether a function may look at files, so that it may answer once other jobs have made them.

Only asked about functions that have failed: it need not be fast, and in doubt the answer is yes.
"""

import builtins
import types

# What their functions answer does not depend on files.
_PURE_MODULES = frozenset(
    "re math cmath itertools functools operator string textwrap collections copy json datetime time random statistics "
    "decimal fractions numbers enum types typing hashlib base64 bisect heapq".split()
)
_READING_BUILTINS = frozenset(["open", "exec", "eval", "compile", "__import__", "input"])
_MOST_FUNCTIONS = 100


def may_look_at_files(function):
    seen = set()
    waiting = [function]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if len(seen) > _MOST_FUNCTIONS or _reads(value):
            return True
        waiting += _used_by(value)
    return False


def _reads(value):
    if isinstance(value, types.ModuleType):
        return value.__name__.partition(".")[0] not in _PURE_MODULES
    if isinstance(value, (types.BuiltinFunctionType, types.BuiltinMethodType)):
        of_module = getattr(value, "__module__", None) or "builtins"
        return value.__name__ in _READING_BUILTINS if of_module == "builtins" else of_module not in _PURE_MODULES
    if isinstance(value, type):
        return not (issubclass(value, BaseException) or value.__module__ in _PURE_MODULES | {"builtins"})
    known = (types.FunctionType, types.MethodType)
    return callable(value) and not isinstance(value, known) and _inner(value) is None


def _inner(value):
    """The function behind a partial, a flag, or an object of this package."""
    for name in ("func", "callable", "function"):
        inner = getattr(value, name, None)
        if callable(inner):
            return inner
    return None


def _used_by(value):
    if isinstance(value, types.MethodType):
        return [value.__func__]
    if not isinstance(value, types.FunctionType):
        return [inner] if callable(value) and (inner := _inner(value)) is not None else []
    used = [_content(cell) for cell in value.__closure__ or ()]
    for name, is_import in _names(value.__code__):
        if is_import:
            used.append(types.ModuleType(name))
        elif name in value.__globals__:
            used.append(value.__globals__[name])
        elif hasattr(builtins, name):
            used.append(getattr(builtins, name))
    wrapped = getattr(value, "__wrapped__", None)
    return used if wrapped is None else [*used, wrapped]


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned yet
        return None


def _names(code):
    """(name, whether it is imported) of all that the code takes from outside."""
    import dis

    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval, False
        elif step.opname == "IMPORT_NAME":
            yield step.argval, True
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
