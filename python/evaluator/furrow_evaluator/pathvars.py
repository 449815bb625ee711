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
