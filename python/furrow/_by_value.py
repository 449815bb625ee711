"""Pickles by value, with cloudpickle, what workers do not have. To import this module needs cloudpickle."""

import functools
import io
import sys
from types import FunctionType

import cloudpickle

from furrow._main import CACHED, OfWorker, OwnMain, names_in

_PROTOCOL = 5


def dumps(thing, main, buffer_callback=None):
    """main: how the process that gets it knows __main__."""
    with io.BytesIO() as file:
        _Pickler(main, file, protocol=_PROTOCOL, buffer_callback=buffer_callback).dump(thing)
        return file.getvalue()


def dumps_here(thing):
    """In a worker, for the program."""
    return dumps(thing, OwnMain())


class _Pickler(cloudpickle.CloudPickler):
    def __init__(self, main, *arguments, **named):
        super().__init__(*arguments, **named)
        self._main = main

    def reducer_override(self, thing):
        if isinstance(thing, type) and thing.__module__ == "__main__" and self._main.has(thing):
            return NotImplemented  # by name
        if isinstance(thing, CACHED) and thing.__module__ == "__main__" and not self._main.has(thing):
            return _cached, (thing.cache_parameters(), thing.__wrapped__)
        made = super().reducer_override(thing)
        if isinstance(made, tuple) and len(made) > 2:
            attributes, others = made[2]
            if isinstance(thing, type):
                # Some cloudpickles drop what a class and its base have alike, such as the module of both.
                attributes.setdefault("__module__", thing.__module__)
                made = _based_on_tuple(thing, made)
            elif isinstance(thing, FunctionType):
                self._mark_initial(others["__globals__"], thing)
        return made

    def _mark_initial(self, its_globals, function):
        """What the initializer has set is the worker's own."""
        for name in self._main.set_by_initializer.intersection(names_in(function.__code__)):
            its_globals[name] = OfWorker(name)


def _based_on_tuple(kind, made):
    """Of a class of typing.NamedTuple, some cloudpickles have that called again, without what it needs."""
    named = getattr(sys.modules.get("typing"), "NamedTuple", None)
    function, arguments, *rest = made
    if named is None or (named,) not in arguments:
        return made
    return function, tuple(kind.__bases__ if each == (named,) else each for each in arguments), *rest


def _cached(parameters, function):
    return functools.lru_cache(**parameters)(function)
