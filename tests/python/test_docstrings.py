"""The examples in docstrings are right, and every public name has a docstring."""
import doctest
import importlib
import inspect
import pkgutil

import furrow
import pytest

MODULES = ["furrow",
           *(f"furrow.{module.name}"
             for module in pkgutil.iter_modules(furrow.__path__) if module.name not in ("_furrow", "_mpi"))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(recurse=True)
    tests = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len({test.name for test in tests}) >= 3


def public():
    for name in furrow.__all__:
        thing = getattr(furrow, name)
        yield name, thing
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            for method, value in vars(thing).items():
                if not method.startswith("_") and callable(value):
                    yield f"{name}.{method}", value


@pytest.mark.parametrize("name, thing", public(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_public_name_is_described(name, thing):
    assert isinstance(thing, (int, str)) or inspect.getdoc(thing), name
