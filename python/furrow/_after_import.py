"""Calls functions when a module has been imported, without importing it."""

import sys


def call_after(name, function):
    """Calls function(module) when the module has been executed: now, if it is there."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        function(module)
    else:
        sys.meta_path.insert(0, _Finder(name, function))


class _Finder:
    """Finds the module as the other finders do."""

    def __init__(self, name, function):
        self._name = name
        self._function = function

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        found = (each.find_spec(name, path, target) for each in list(sys.meta_path) if hasattr(each, "find_spec"))
        spec = next(filter(None, found), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            _call_after_execution(spec.loader, self._function)
        return spec


def _call_after_execution(loader, function):
    execute = loader.exec_module

    def exec_module(module):
        del loader.exec_module
        execute(module)
        function(module)

    loader.exec_module = exec_module
