"""Fills `{input}`, `{wildcards.x}`, `{params[0]}`, `{x:q}` and globals into commands and messages.

The syntax is that of str.format; a list is joined with spaces, and a specification that ends with q quotes each item for the shell. A template is
taken apart once and filled many times.
"""

import sys
from _string import formatter_field_name_split, formatter_parser

from .errors import WorkflowError

kMaxTemplates = 4096
kSafe = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")
kJoined = (list, tuple, set, frozenset)
compiled_templates = {}


def quote(text):
    """Quotes for a POSIX shell, as shlex.quote does; an empty text stays empty."""
    if kSafe.issuperset(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


class Field:
    """One `{...}`: how to find the value, and how to show it."""

    __slots__ = ("first", "path", "conversion", "spec", "nested")

    def __init__(self, name, spec, conversion, counter):
        first, rest = formatter_field_name_split(name)
        if first == "":
            first = counter()
        self.first = first
        self.path = list(rest)
        self.conversion = conversion
        self.spec = spec
        self.nested = compile_template(spec) if "{" in spec else None

    def text(self, lookup, quote_all):
        value = lookup(self.first)
        for is_attribute, key in self.path:
            value = getattr(value, key) if is_attribute else value[key]
        if self.conversion:
            value = {"s": str, "r": repr, "a": ascii}[self.conversion](value)
        spec = self.spec if self.nested is None else render(self.nested, lookup)
        return show(value, spec, quote_all)


def show(value, spec, quote_all):
    if isinstance(value, kJoined):
        if type(value).__name__ == "Wildcards":
            return ",".join("%s=%s" % item for item in sorted(value.items()))
        return " ".join([show_one(item, spec, quote_all) for item in value])
    return show_one(value, spec, quote_all)


def show_one(value, spec, quote_all):
    quoted = quote_all
    if spec and spec[-1] in "qu":
        quoted = spec[-1] == "q"
        spec = spec[:-1]
    text = format(value, spec)
    return quote(text) if quoted and text else text


def compile_template(template):
    """The template as a list of texts and Fields."""
    parts = compiled_templates.get(template)
    if parts is not None:
        return parts
    parts = []
    numbers = iter(range(1 << 30))
    try:
        for literal, name, spec, conversion in formatter_parser(template):
            if literal:
                parts.append(literal)
            if name is not None:
                parts.append(Field(name, spec or "", conversion, lambda: next(numbers)))
    except ValueError as error:
        raise WorkflowError(
            "the text cannot be filled in: %s, in: %s" % (error, shorten(template)), hint="braces that mean themselves are doubled: {{ and }}"
        ) from None
    if len(compiled_templates) > kMaxTemplates:
        compiled_templates.clear()
    compiled_templates[str(template)] = parts
    return parts


def shorten(text):
    text = " ".join(str(text).split())
    return text if len(text) <= 120 else text[:117] + "..."


def render(parts, lookup, quote_all=False):
    return "".join([part if type(part) is str else part.text(lookup, quote_all) for part in parts])


def fill(template, lookup, quote_all=False):
    """The filled text; `lookup` answers a first name, or a position, and raises KeyError where it has none."""
    parts = compile_template(template)
    if not parts:
        return ""
    if len(parts) == 1 and type(parts[0]) is str:
        return parts[0]
    try:
        return render(parts, lookup, quote_all)
    except UnknownName as unknown:
        raise unknown.as_error(template) from None
    except AttributeError as error:
        raise AttributeError("%s, in: %s" % (error, shorten(template))) from None
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise type(error)("%s, in: %s" % (plain_message(error), shorten(template))) from None


def plain_message(error):
    if isinstance(error, KeyError) and error.args:
        return "there is no %r" % (error.args[0],)
    return str(error)


class UnknownName(Exception):
    def __init__(self, name, wildcards):
        self.name = name
        self.wildcards = wildcards

    def as_error(self, template):
        name = self.name
        if isinstance(name, str) and self.wildcards is not None and name in self.wildcards:
            return NameError("the name %r is unknown here; did you mean 'wildcards.%s'? In: %s" % (name, name, shorten(template)))
        hint = "braces that mean themselves are doubled: {{ and }}"
        return NameError("the name %r is unknown here (%s), in: %s" % (name, hint, shorten(template)))


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
        raise UnknownName(name, self.wildcard_names())

    def wildcard_names(self):
        for names in self.maps:
            try:
                wildcards = names["wildcards"]
            except KeyError:
                continue
            return wildcards.keys() if hasattr(wildcards, "keys") else None
        return None


class WithPositions:
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
        return fill(str(template), WithPositions(args, names), quote_all)
    finally:
        del frame
