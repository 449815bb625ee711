"""Calls functions when a module has been imported, without importing it."""

import sys


def call_after(name, function):
    """Calls function(module) when the module has been executed: now, if it is there. Functions are called in order."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        function(module)
        return
    for finder in sys.meta_path:
        if isinstance(finder, _Finder) and finder.name == name:
            finder.functions.append(function)
            return
    sys.meta_path.insert(0, _Finder(name, function))


class _Finder:
    """Finds the module as the other finders do."""

    def __init__(self, name, function):
        self.name = name
        self.functions = [function]

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        found = (each.find_spec(name, path, target) for each in list(sys.meta_path) if hasattr(each, "find_spec"))
        spec = next(filter(None, found), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            _call_after_execution(spec.loader, self.functions)
        return spec


def _call_after_execution(loader, functions):
    execute = loader.exec_module

    def exec_module(module):
        del loader.exec_module
        execute(module)
        for function in functions:
            function(module)

    loader.exec_module = exec_module
