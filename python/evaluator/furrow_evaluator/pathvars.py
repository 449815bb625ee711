"""`pathvars:`: names such as <results> in paths stand for texts that the workflow, its config or a rule gives."""

import re

from .errors import WorkflowError

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_USE = re.compile(r"<([a-z][a-z0-9_]*)>")
_DEFAULTS = {name: name for name in "results stats reports temp resources logs benchmarks".split()}


def checked(items, where="pathvars"):
    """The items, if they are names and texts."""
    if not isinstance(items, dict):
        raise WorkflowError(f"{where} must have names and values, not {type(items).__name__}")
    for name, value in items.items():
        if not (isinstance(name, str) and _NAME.match(name) and isinstance(value, str)):
            raise WorkflowError(
                f"{where} has {name!r}={value!r}, but a name consists of lower-case letters, digits and _, "
                "and a value is a text"
            )
    return dict(items)


class Pathvars:
    """What holds in a Snakefile. Who says it decides: a module statement goes before a config, and so on."""

    MODULE, CONFIG, WORKFLOW, DEFAULT = range(4)

    def __init__(self, other=None):
        self.items = dict(_DEFAULTS if other is None else other.items)
        self._levels = dict.fromkeys(_DEFAULTS, self.DEFAULT) if other is None else dict(other._levels)

    def update(self, items, level, where="pathvars"):
        for name, value in checked(items, where).items():
            if name not in self.items or level <= self._levels[name]:
                self.items[name], self._levels[name] = value, level
        check_ends(self.items)

    def update_from_config(self, config, level=CONFIG):
        items = config.get("pathvars") if isinstance(config, dict) else None
        if items:
            self.update(items, level, "pathvars in the config")


def check_ends(items):
    """Fails if the items refer to each other in a circle, even if no path uses them."""
    for name in items:
        fill(f"<{name}>", items, is_strict=False)


def fill(path, items, is_strict=True):
    text = str(path)
    for _ in range(len(items) + 1):
        if not _USE.search(text):
            return text
        text = _USE.sub(lambda use: items.get(use.group(1)) or _unknown(use.group(1), items, path, is_strict), text)
    raise WorkflowError(f"the pathvars in {str(path)!r} refer to each other without end")


def _unknown(name, items, path, is_strict):
    if name in items or not is_strict:
        return ""
    raise WorkflowError(
        f"the path {str(path)!r} uses <{name}>, which no pathvars: gives a value",
        hint="known here are " + ", ".join(sorted(items)),
    )
