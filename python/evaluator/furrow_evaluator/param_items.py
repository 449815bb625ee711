"""The params of a rule, one by one: what identifies a value, and how it is sent to the engine."""

import re

from .identity import canonical
from .patterns import contains_wildcard
from .transport import Json, dumps
from .values import Params


# What the content of a job's script is called among its params.
NAME_OF_CONTENT = "content of the script"


class FunctionResult:
    """A value that a function returned: it may itself be callable, and braces in it are not wildcards."""

    def __init__(self, value):
        self.value = value


def encode_param(name, value, line):
    if isinstance(value, FunctionResult):
        return Json(dumps({"name": name, "text": identity_text(value.value), "wild": False}))
    if callable(value):
        return Json(dumps({"name": name, "fn": True, "line": line}))
    text = identity_text(value)
    return Json(dumps({"name": name, "text": text, "wild": has_wildcards(value) and contains_wildcard(text)}))


# What a value that is no text may look like, and a text in quotes. It is compiled once a text is looked at.
_LIKE_OTHERS = r"(None|True|False|-?(\d+(\.\d+)?(e[-+]?\d+)?|inf|nan))$|[\[(]|b?['\"]|set\(|dict\("


def identity_text(value):
    """A text is itself, and goes in quotes where it would be the same as another value, as "1" and 1."""
    if not isinstance(value, str):
        return canonical(value)
    text = str(value)
    return repr(text) if re.match(_LIKE_OTHERS, text) and not contains_wildcard(text) else text


def has_wildcards(value):
    """Whether the value, a text or a list that holds texts, has wildcards to fill in."""
    if isinstance(value, str):
        return contains_wildcard(value)
    return isinstance(value, list) and any(isinstance(item, str) and contains_wildcard(item) for item in value)


def named_params(items):
    made = Params([value for _, value in items])
    for at, (name, _) in enumerate(items):
        if name is not None:
            made._names[name] = (at, None)
            made.__dict__[name] = items[at][1]
    return made
