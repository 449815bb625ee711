"""`prefix:` and `replace_prefix:` of a module: where the relative paths of its rules lead."""

import os

from .errors import WorkflowError
from .flags import MOVED, Flagged, FlaggedFunction, flag, flags_of

_STAY = frozenset([MOVED, "local", "remote"])


class PathPrefix:
    """What one module does to paths, and then the module around it."""

    def __init__(self, prefix, replacements, outer):
        self._prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
        self._replacements = replacements or {}
        self._outer = outer

    def moved(self, path):
        """The path with its flags. Absolute paths, those above the working directory and local(...) stay."""
        if not _STAY.isdisjoint(flags_of(path)):
            return path
        text = self._moved_text(str(path))
        return Flagged(text, path.flags) if isinstance(path, Flagged) else text

    def _moved_text(self, text):
        if not (os.path.isabs(text) or text.startswith("..")):
            text = self._prefix + text if self._prefix else self._replaced(text)
        return text if self._outer is None else self._outer._moved_text(text)

    def _replaced(self, text):
        found = [prefix for prefix in self._replacements if text.startswith(prefix)]
        if len(found) > 1:
            raise WorkflowError(
                f"replace_prefix has several prefixes of the path {text!r}: {', '.join(map(repr, found))}"
            )
        return self._replacements[found[0]] + text[len(found[0]) :] if found else text


def path_prefix(prefix, replacements, outer):
    """None if there is nothing to do."""
    return PathPrefix(prefix, replacements, outer) if prefix or replacements else outer


def as_moved(item, finished):
    """A path or an input function of a rule, as other rules see it. FINISHED is what its own rule does to paths."""
    if isinstance(item, FlaggedFunction):
        return FlaggedFunction(_MovedFunction(item.callable, finished), item.flags)
    return _MovedFunction(item, finished) if callable(item) else flag(item, MOVED)


class _MovedFunction:
    """An input function of a module, as rules of other modules see it: its paths are those of its own module."""

    takes_all = True

    def __init__(self, function, finished):
        self.function = function
        self._finished = finished

    def __call__(self, wildcards, **known):
        from .functions import call

        return self._moved(call(self.function, wildcards, known))

    def _moved(self, answer):
        if callable(answer):
            return as_moved(answer, self._finished)
        if hasattr(answer, "items") and not isinstance(answer, list):
            return {name: self._moved(paths) for name, paths in answer.items()}
        if isinstance(answer, str) or hasattr(answer, "__fspath__"):
            return flag(self._finished([answer if isinstance(answer, str) else str(answer)])[0], MOVED)
        return [self._moved(item) for item in answer]
