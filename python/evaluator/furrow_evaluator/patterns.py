"""Wildcards in patterns, and the functions that make lists of files from them: expand, multiext, glob_wildcards."""

import os
import re
import sys
from itertools import product

from .errors import WildcardError, WorkflowError
from .flags import MOVED, PRODUCER, Flagged, flag, flags_of, is_flagged, is_path
from .functions import call
from .logger import logger

_WILDCARD = re.compile(r"\{\s*(?P<name>\w+)\s*(?:,(?P<constraint>(?:[^{}]|\{\d+(?:,\d*)?\})*))?\}")
_FIELD = re.compile(r"\{([^{}.\[!:]+)")
_SIMPLE_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}|[{}]")


def contains_wildcard(text):
    return "{" in text and _WILDCARD.search(text) is not None


def wildcard_names(text):
    return {match.group("name") for match in _WILDCARD.finditer(text)}


def wildcard_constraints(text):
    """A compiled constraint for each wildcard that has one."""
    found = {match.group("name"): match.group("constraint") for match in _WILDCARD.finditer(text)}
    return {name: re.compile(constraint.strip()) for name, constraint in found.items() if constraint}


def strip_constraints(text):
    if "," not in text:
        return text
    stripped = _WILDCARD.sub(lambda match: "{%s}" % match.group("name"), text)
    return Flagged(stripped, text.flags) if isinstance(text, Flagged) else stripped


def apply_wildcards(text, wildcards):
    """The text with its wildcards filled in."""
    if "{" not in text:
        return str(text)

    def value(match):
        try:
            return str(wildcards[match.group("name")])
        except (KeyError, AttributeError):
            raise WildcardError("the wildcard %s in %r has no value here" % (match.group("name"), str(text))) from None

    return _WILDCARD.sub(value, text)


def regex_from_filepattern(pattern):
    """A regular expression with a named group for each wildcard; a repeated wildcard must have the same value."""
    parts, last, seen = [], 0, set()
    for match in _WILDCARD.finditer(pattern):
        parts.append(re.escape(pattern[last : match.start()]))
        name, constraint = match.group("name"), match.group("constraint")
        if name in seen:
            if constraint:
                raise WorkflowError(f"the wildcard {name} has its constraint at its second place; give it at the first")
            parts.append(f"(?P={name})")
        else:
            seen.add(name)
            parts.append("(?P<%s>%s)" % (name, constraint or ".+"))
        last = match.end()
    parts.append(re.escape(pattern[last:]))
    return "".join(parts) + "$"


def multiext(prefix, *extensions, **named_extensions):
    """The prefix with each extension. Named ones give names to the items of input or output."""
    if any("/" in extension for extension in (*extensions, *named_extensions.values())):
        raise WorkflowError("the extensions of multiext(...) cannot hold a path separator")
    if bool(extensions) == bool(named_extensions):
        raise WorkflowError("multiext(...) takes extensions that are all named, or none of them")
    if extensions:
        return [
            flag(str(prefix) + extension, "multiext", {"prefix": str(prefix), "name": None}) for extension in extensions
        ]
    return [
        flag(str(prefix) + extension, "multiext", {"prefix": str(prefix), "name": name})
        for name, extension in named_extensions.items()
    ]


def limit(pattern, **wildcards):
    return pattern.format(**{name: "{%s,%s}" % (name, "|".join(values)) for name, values in wildcards.items()})


class _KeepMissing(dict):
    def __missing__(self, key):
        return "{" + key + "}"


def expand(*args, **values):
    """Every pattern with every combination of values; the second argument may be zip or another way to combine them."""
    if not args or len(args) > 2:
        raise WorkflowError(
            "expand(...) takes a pattern or a list of them, and perhaps a function such as zip, then name=values"
        )
    patterns = [args[0]] if is_path(args[0]) else list(args[0])
    for pattern in patterns:
        _refuse_flags(pattern)
    patterns = [pattern if is_flagged(pattern, MOVED) else str(pattern) for pattern in patterns]
    combine = args[1] if len(args) == 2 else product
    keep_missing = values.get("allow_missing") is True and not any(
        "allow_missing" in _fields(pattern) for pattern in patterns
    )
    if any(_is_deferred(value) for value in values.values()):
        return Deferred(patterns, combine, values, keep_missing)
    return _expand_now(patterns, combine, values, keep_missing)


def _fields(pattern):
    """The names in single braces."""
    return _FIELD.findall(pattern.replace("{{", "") if "{{" in pattern else pattern)


def _refuse_flags(pattern):
    names = [name for name in flags_of(pattern) if name not in ("multiext", MOVED, PRODUCER)]
    if names:
        raise WorkflowError(
            f"the pattern {str(pattern)!r} given to expand(...) has the flag {names[0]}",
            hint=f"put flags around expand, as in {names[0]}(expand(...))",
        )


def _is_deferred(value):
    return callable(value) or (isinstance(value, list) and any(callable(item) for item in value))


class Deferred:
    """An expand(...) that waits for wildcards because some of its values are functions."""

    takes_all = True

    def __init__(self, patterns, combine, values, keep_missing):
        self.patterns = patterns
        self.combine = combine
        self.values = values
        self.keep_missing = keep_missing

    def __call__(self, wildcards, **known):
        values = {name: _resolve(value, wildcards, known) for name, value in self.values.items()}
        return _expand_now(self.patterns, self.combine, values, self.keep_missing)


def _resolve(value, wildcards, known):
    if callable(value):
        return call(value, wildcards, known)
    if _is_deferred(value):
        return [call(item, wildcards, known) if callable(item) else item for item in value]
    return value


def _expand_now(patterns, combine, values, keep_missing):
    """As in Snakemake, an iterator (map, zip, itertuples) gives its values to the first pattern that names it only."""
    lists = {}
    made = []
    for pattern in patterns:
        used = set(_fields(pattern))
        names = [name for name in values if name in used]
        for name in names:
            if name not in lists:
                lists[name] = _as_list(values[name])
            elif hasattr(values[name], "__next__") and lists[name]:
                lists[name] = []
                _warn_of_iterator(name)
        expanded = _expand_pattern(pattern, combine, names, [lists[name] for name in names], keep_missing)
        made += flag(expanded, MOVED) if type(pattern) is not str else expanded
    return made


def _warn_of_iterator(name):
    logger.warning(
        f"{_caller()}: expand(...) has several patterns, and the iterator {name} gives its values to the first of them "
        f"only, as in Snakemake; write {name}=list(...) if all patterns are to have them"
    )


def _caller():
    frame = sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == os.path.dirname(__file__):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _as_list(value):
    if isinstance(value, str) or not hasattr(value, "__iter__") or hasattr(value, "_fields"):
        return [value]
    return value if isinstance(value, (list, tuple, range)) else list(value)


def _expand_pattern(pattern, combine, names, lists, keep_missing):
    texts = _texts_between(pattern, names, keep_missing) if combine is product else None
    if texts is not None and len(names) == 1:
        before, after = texts
        return [f"{before}{item}{after}" for item in lists[0]]
    if texts is not None and all(_AS_IN_FORMAT.issuperset(map(type, items)) for items in lists):
        template = "%s".join(text.replace("%", "%%") for text in texts)
        return [template % combination for combination in product(*lists)]
    pairs = [[(name, item) for item in items] for name, items in zip(names, lists)]
    kind = _KeepMissing if keep_missing else dict
    try:
        return [pattern.format_map(kind(combination)) for combination in combine(*pairs)]
    except KeyError as error:
        raise WildcardError(
            f"expand(...) was given no values for the wildcard {error.args[0]} in {pattern!r}"
        ) from None
    except (ValueError, IndexError) as error:
        raise WildcardError(f"expand(...) cannot fill the pattern {pattern!r}: {error}") from None


# The % operator, which is twice as fast as format, writes values of these types as format does.
_AS_IN_FORMAT = frozenset([str, int])


def _texts_between(pattern, names, keep_missing):
    """The texts around the pattern's {name}s.

    None if the pattern holds more than plain {name}s, each once and in order.
    """
    order = []
    texts = [""]
    last = 0
    for match in _SIMPLE_FIELD.finditer(pattern):
        texts[-1] += pattern[last : match.start()]
        last = match.end()
        word, name = match.group(), match.group(1)
        if word in ("{{", "}}"):
            texts[-1] += word[0]
        elif name in names:
            order.append(name)
            texts.append("")
        elif name is not None and keep_missing and not name.isdigit():
            texts[-1] += word
        else:
            return None
    texts[-1] += pattern[last:]
    return texts if order == names else None


def glob_wildcards(pattern, files=None, followlinks=False):
    """Values of a pattern's wildcards. The engine searches if there is one; else this process walks the folders."""
    from . import active

    if active.workflow is not None:
        return active.workflow.glob_wildcards(pattern, files, followlinks)
    return glob_in_folders(pattern, files, followlinks)


def glob_in_folders(pattern, files, followlinks):
    from os.path import dirname, normpath

    pattern = normpath(str(pattern))
    regex = re.compile(regex_from_filepattern(pattern))
    if files is None:
        paths = sorted(map(normpath, walked(dirname(pattern.partition("{")[0]), followlinks)))
    else:
        paths = [normpath(str(path)) for path in files]
    matches = [match for match in map(regex.match, paths) if match]
    return as_columns(list(regex.groupindex), [match.groups() for match in matches])


def as_columns(names, rows):
    """A named tuple with one list for each wildcard."""
    from collections import namedtuple

    columns = [list(column) for column in zip(*rows)] if rows else [[] for _ in names]
    return namedtuple("Wildcards", names)(*columns)


def walked(folder, followlinks):
    import os

    for at, folders, names in os.walk(folder or ".", followlinks=followlinks):
        for name in names + folders:
            yield os.path.join(at, name)
