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


def known_to(rule_items, config, workflow_items):
    """What holds in a rule: its own go first, then the config's, the workflow's and the language's."""
    of_config = config.get("pathvars") if isinstance(config, dict) else None
    of_config = checked(of_config, "pathvars in the config") if of_config else {}
    return {**_DEFAULTS, **workflow_items, **of_config, **rule_items}


def fill(path, items):
    text = str(path)
    for _ in range(len(items) + 1):
        if not _USE.search(text):
            return text
        text = _USE.sub(lambda use: _value(use.group(1), items, path), text)
    raise WorkflowError(f"the pathvars in {str(path)!r} refer to each other without end")


def _value(name, items, path):
    if name not in items:
        raise WorkflowError(
            f"the path {str(path)!r} uses <{name}>, which no pathvars: gives a value",
            hint="known here are " + ", ".join(sorted(items)),
        )
    return items[name]
