"""Files as functions receive them: texts with the methods that Snakefiles call on them."""

import os

from .flags import MOVED
from .patterns import apply_wildcards, contains_wildcard, regex_from_filepattern, wildcard_constraints, wildcard_names


class _Answer:
    """A fact about a file.

    Version 7 of the language has it as an attribute, version 8 and later as a call whose result is awaited.
    """

    def __call__(self, *args, **kwargs):
        return self

    def __await__(self):
        return self.plain_value()
        yield  # makes this a generator

    def __reduce__(self):
        return type(self.plain_value()), (self.plain_value(),)


class Size(_Answer, int):
    def plain_value(self):
        return int(self)


class Truth(_Answer, int):
    def plain_value(self):
        return bool(self)

    def __repr__(self):
        return repr(bool(self))

    __str__ = __repr__


class Time(_Answer, float):
    def plain_value(self):
        return float(self)


class File(str):
    """The name of a file."""

    __slots__ = ()

    def plain_value(self):
        return str(self)

    def __reduce__(self):
        return str, (str(self),)

    flags = {}
    rule = None
    is_storage = is_remote = is_ancient = is_temp = is_multiext = False

    @property
    def file(self):
        return str(self)

    @property
    def is_directory(self):
        return os.path.isdir(self)

    @property
    def size(self):
        return Size(os.stat(self).st_size)

    size_local = size

    @property
    def size_kb(self):
        return self.size / 1024

    @property
    def size_mb(self):
        return self.size / 1024**2

    @property
    def size_gb(self):
        return self.size / 1024**3

    @property
    def exists(self):
        return Truth(os.path.exists(self))

    exists_local = exists

    @property
    def mtime(self):
        return Time(os.stat(self).st_mtime)

    @property
    def protected(self):
        return Truth(os.path.exists(self) and not os.access(self, os.W_OK))

    def is_newer(self, time):
        return Truth(os.path.getmtime(self) > time)

    def is_callable(self):
        return False

    def is_fifo(self):
        import stat

        return stat.S_ISFIFO(os.stat(self).st_mode)

    def open(self, *args, **kwargs):
        return open(str(self), *args, **kwargs)

    def parents(self, omit=0):
        from pathlib import Path

        return [File(parent) for parent in list(Path(self).parents)[::-1][omit:]]

    def contains_wildcard(self):
        return contains_wildcard(self)

    def get_wildcard_names(self):
        return wildcard_names(self)

    def apply_wildcards(self, wildcards):
        return File(apply_wildcards(self, wildcards))

    def wildcard_constraints(self):
        return wildcard_constraints(self)

    def regex(self):
        import re

        return re.compile(regex_from_filepattern(self))

    def constant_prefix(self):
        return str(self).partition("{")[0]

    def constant_suffix(self):
        return str(self).rpartition("}")[2]

    def match(self, target):
        return self.regex().match(target)


class MovedFile(File):
    """A file of a module that has a prefix: no rule moves it again."""

    __slots__ = ()
    flags = {MOVED: True}
