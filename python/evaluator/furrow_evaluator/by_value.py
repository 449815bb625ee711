"""Pickles for scripts. What the Snakefile itself defines, a class or a function, is sent by value.

A script runs in a process of its own, which has not read the Snakefile and could not import them by name. What it gets
is byte code, which only the same version of Python understands; another one says so.
"""

import marshal
import pickle
import sys
import types
from io import BytesIO

from .rebuilt import empty_class, enumeration, fill_class, fill_function, function, module_named, named_tuple, read_only

_PLAIN = (
    "__dict__ __weakref__ __module__ __slots__ __abstractmethods__ _abc_impl "
    "__firstlineno__ __static_attributes__".split()
)


def dumps(value, module):
    """The pickle of a value; MODULE is the name of the module that the Snakefile is."""
    try:
        plain = pickle.dumps(value, protocol=4)
    except Exception:
        plain = None
    if plain is not None and module.encode() not in plain:
        return plain
    file = BytesIO()
    _Pickler(file, module).dump(value)
    return file.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, file, module):
        super().__init__(file, protocol=4)
        self._module = module

    def reducer_override(self, value):
        if isinstance(value, types.ModuleType) and value.__name__ in sys.modules:
            return module_named, (value.__name__,)
        if isinstance(value, types.MappingProxyType):
            return read_only, (dict(value),)
        if type(value) is property:
            return property, (value.fget, value.fset, value.fdel, value.__doc__)
        if type(value) in (classmethod, staticmethod):
            return type(value), (value.__func__,)
        if type(value).__module__ == "dataclasses":
            return _constant_of_dataclasses(value)
        if not self.is_of_workflow(getattr(value, "__module__", None)):
            return NotImplemented
        if isinstance(value, types.FunctionType):
            return self.function(value)
        return self.class_(value) if isinstance(value, type) else NotImplemented

    def is_of_workflow(self, name):
        return isinstance(name, str) and (name == self._module or name.startswith(self._module + "."))

    def function(self, value):
        known = value.__globals__
        used = {name: known[name] for name in _mentioned(value.__code__) if name in known}
        cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
        state = (used, value.__defaults__, value.__kwdefaults__, value.__dict__, cells)
        version = tuple(sys.version_info[:2])
        start = (marshal.dumps(value.__code__), value.__name__, value.__qualname__, len(cells), version)
        return function, start, state, None, None, fill_function

    def class_(self, value):
        if issubclass(value, tuple) and hasattr(value, "_fields") and value.__bases__ == (tuple,):
            start = (value.__name__, value._fields, value._field_defaults)
            usual = named_tuple(*start).__dict__
            names = {name: item for name, item in value.__dict__.items() if name not in usual and name not in _PLAIN}
            return named_tuple, start, names, None, None, fill_class
        enum = sys.modules.get("enum")
        if enum is not None and issubclass(value, enum.Enum):
            members = [(name, member.value) for name, member in value.__members__.items()]
            return enumeration, (value.__name__, value.__bases__, members)
        # A slot makes its own descriptor, and some entries belong to the class that was made here.
        slots = value.__dict__.get("__slots__", ())
        left_out = [*_PLAIN, *([slots] if isinstance(slots, str) else slots)]
        names = {name: item for name, item in value.__dict__.items() if name not in left_out}
        start = (type(value), value.__name__, value.__bases__, value.__dict__.get("__slots__"))
        return empty_class, start, names, None, None, fill_class


def _constant_of_dataclasses(value):
    """Constants that are compared by identity are looked up by name."""
    import dataclasses

    for name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY"):
        if getattr(dataclasses, name, None) is value:
            return name
    return NotImplemented


def _mentioned(code):
    """Names that the code, or code within it, looks up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _mentioned(constant)
    return names
