"""Makes, in the process of a script, the classes and functions that the Snakefile defines."""

import marshal
import sys
from types import FunctionType


def module_named(name):
    from importlib import import_module

    return import_module(name)


def read_only(mapping):
    from types import MappingProxyType

    return MappingProxyType(mapping)


def function(code, name, qualname, cell_count, version):
    if version != tuple(sys.version_info[:2]):
        raise TypeError(
            "%s, which the Snakefile defines, can only be passed to a script under the same version of Python "
            "(here %d.%d, there %d.%d)" % (name, *sys.version_info[:2], *version)
        )
    from types import CellType

    cells = tuple(CellType() for _ in range(cell_count))
    made = FunctionType(marshal.loads(code), {"__builtins__": __builtins__}, name, None, cells)
    made.__qualname__ = qualname
    return made


def fill_function(made, state):
    used, made.__defaults__, made.__kwdefaults__, attributes, contents = state
    made.__globals__.update(used)
    made.__dict__.update(attributes)
    for cell, content in zip(made.__closure__ or (), contents):
        cell.cell_contents = content


def named_tuple(name, fields, defaults):
    from collections import namedtuple

    return namedtuple(name, fields, defaults=list(defaults.values()))


def enumeration(name, bases, members):
    return bases[-1](name, members)


def empty_class(metaclass, name, bases, slots):
    return metaclass(name, bases, {} if slots is None else {"__slots__": slots})


def fill_class(made, names):
    for name, item in names.items():
        setattr(made, name, item)
