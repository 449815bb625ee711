"""Fills `{input}`, `{wildcards.x}`, `{params[0]}`, `{x:q}` and globals into commands and messages.

The syntax is that of str.format; a list is joined with spaces, and a format specification that ends with q quotes each
item for the shell. A template is parsed once and filled many times.
"""

import sys
from _string import formatter_field_name_split, formatter_parser

from .errors import WorkflowError, did_you_mean

_MAX_TEMPLATES = 4096
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")
_JOINED = (list, tuple, set, frozenset)
_compiled_templates = {}


def quote(text):
    """Quotes for a POSIX shell, as shlex.quote does; an empty text stays empty."""
    if _SAFE.issuperset(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


class _Field:
    """One `{...}`: how to find the value and how to show it."""

    __slots__ = ("first", "path", "conversion", "spec", "nested")

    def __init__(self, name, spec, conversion, counter):
        first, rest = formatter_field_name_split(name)
        if first == "":
            first = counter()
        self.first = first
        self.path = list(rest)
        self.conversion = conversion
        self.spec = spec
        self.nested = _compile_template(spec) if "{" in spec else None

    def text(self, lookup, quote_all):
        value = lookup(self.first)
        for is_attribute, key in self.path:
            value = getattr(value, key) if is_attribute else value[key]
        if self.conversion:
            value = {"s": str, "r": repr, "a": ascii}[self.conversion](value)
        spec = self.spec if self.nested is None else _render(self.nested, lookup)
        return show(value, spec, quote_all)


def show(value, spec, quote_all):
    if isinstance(value, _JOINED):
        if type(value).__name__ == "Wildcards":
            return ",".join("%s=%s" % item for item in sorted(value.items()))
        return " ".join([_show_one(item, spec, quote_all) for item in value])
    return _show_one(value, spec, quote_all)


def _show_one(value, spec, quote_all):
    quoted = quote_all
    if spec and spec[-1] in "qu":
        quoted = spec[-1] == "q"
        spec = spec[:-1]
    text = format(value, spec)
    return quote(text) if quoted and text else text


def _compile_template(template):
    """The template as a list of texts and Fields."""
    parts = _compiled_templates.get(template)
    if parts is not None:
        return parts
    parts = []
    numbers = iter(range(1 << 30))
    try:
        for literal, name, spec, conversion in formatter_parser(template):
            if literal:
                parts.append(literal)
            if name is not None:
                parts.append(_Field(name, spec or "", conversion, lambda: next(numbers)))
    except ValueError as error:
        raise WorkflowError(
            f"the text cannot be filled in: {error}, in: {_shorten(template)}",
            hint="literal braces are doubled: {{ and }}",
        ) from None
    if len(_compiled_templates) > _MAX_TEMPLATES:
        _compiled_templates.clear()
    _compiled_templates[str(template)] = parts
    return parts


def fields_of(template):
    """The fields of a template; none if it is no template, which filling it in says."""
    try:
        return [part for part in _compile_template(template) if type(part) is not str]
    except WorkflowError:
        return []


def _shorten(text):
    text = " ".join(str(text).split())
    return text if len(text) <= 120 else text[:117] + "..."


def _render(parts, lookup, quote_all=False):
    return "".join([part if type(part) is str else part.text(lookup, quote_all) for part in parts])


def fill(template, lookup, quote_all=False):
    """The filled text; `lookup` returns the value of a name or a position, and raises KeyError if it has none."""
    parts = _compile_template(template)
    if not parts:
        return ""
    if len(parts) == 1 and type(parts[0]) is str:
        return parts[0]
    try:
        return _render(parts, lookup, quote_all)
    except _UnknownName as unknown:
        raise unknown.as_error(template) from None
    except AttributeError as error:
        raise AttributeError(f"{error}, in: {_shorten(template)}") from None
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise type(error)(f"{_plain_message(error)}, in: {_shorten(template)}") from None


def _plain_message(error):
    if isinstance(error, KeyError) and error.args:
        return f"there is no {error.args[0]!r}"
    return str(error)


class _UnknownName(Exception):
    def __init__(self, name, wildcards, known):
        self.name = name
        self.wildcards = wildcards
        self.known = known

    def as_error(self, template):
        name = self.name
        if isinstance(name, str) and self.wildcards is not None and name in self.wildcards:
            return NameError(
                f"the name {name!r} is unknown here; did you mean 'wildcards.{name}'? In: {_shorten(template)}"
            )
        hint = "literal braces are doubled: {{ and }}"
        near = did_you_mean(name, self.known) if isinstance(name, str) else None
        if near is not None:
            hint = f"did you mean {near!r}? " + hint
        return NameError(f"the name {name!r} is unknown here ({hint}), in: {_shorten(template)}")


class Names:
    """Looks a name up in one mapping after another."""

    __slots__ = ("maps",)

    def __init__(self, *maps):
        self.maps = maps

    def __call__(self, name):
        for names in self.maps:
            try:
                return names[name]
            except KeyError:
                pass
        raise _UnknownName(name, self.wildcard_names(), self.known_names())

    def known_names(self):
        names = []
        for mapping in self.maps:
            names += getattr(mapping, "known_names", mapping.keys)()
        return [name for name in names if name[:1] != "_"]

    def wildcard_names(self):
        for names in self.maps:
            try:
                wildcards = names["wildcards"]
            except KeyError:
                continue
            return wildcards.keys() if hasattr(wildcards, "keys") else None
        return None


class _WithPositions:
    """Positional arguments first, then names."""

    __slots__ = ("args", "names")

    def __init__(self, args, names):
        self.args = args
        self.names = names

    def __call__(self, name):
        if type(name) is int:
            return self.args[name]
        return self.names(name)


def format_from_frame(template, args, kwargs, depth, quote_all=False):
    """Fills a template with the names that the caller `depth` frames above this function sees."""
    frame = sys._getframe(depth + 1)
    names = Names(kwargs, frame.f_locals, frame.f_globals)
    try:
        return fill(str(template), _WithPositions(args, names), quote_all)
    finally:
        del frame
