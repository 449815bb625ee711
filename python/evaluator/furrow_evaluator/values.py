"""The objects that functions, `run:` blocks and scripts receive: lists whose items also have names.

Scripts import this module too, so it must stay light.
"""

_MAY_BE_NAMES = frozenset(["index", "sort", "values"])


class NamedList(list):
    """A list in which items, or ranges of items, may have names: `x[0]`, `x.name` and `x["name"]` all work.

    `_names` maps a name to (first, end), where end is None for a single item. The instance's dict holds the values as
    well.
    """

    def __init__(self, toclone=None, fromdict=None):
        list.__init__(self, toclone or ())
        self._names = {}
        if isinstance(toclone, NamedList):
            self.take_names(toclone._names)
        for key, value in (fromdict or {}).items():
            self.append(value)
            self.set_name(key, len(self) - 1)

    @classmethod
    def from_shape(cls, items, shape):
        """Items and their [name, first, end, is_list] ranges."""
        made = cls.__new__(cls)
        list.__init__(made, items)
        made.__dict__["_names"] = names = {}
        for name, first, end, is_list in shape:
            if name is not None:
                names[name] = (first, end if is_list else None)
                made.__dict__[name] = NamedList(items[first:end]) if is_list else items[first]
        return made

    @classmethod
    def from_mapping(cls, mapping):
        """Every value has a name, as in wildcards and resources."""
        made = cls.__new__(cls)
        list.__init__(made, mapping.values())
        made.__dict__.update(mapping)
        made.__dict__["_names"] = {name: (at, None) for at, name in enumerate(mapping)}
        return made

    def set_name(self, name, first, end=None):
        check_name(name)
        self._names[name] = (first, end)
        self.__dict__[name] = self[first] if end is None else NamedList(list.__getitem__(self, slice(first, end)))

    def take_names(self, names):
        for name, (first, end) in names.items():
            self.set_name(name, first, end)

    def _add_name(self, name):
        self.set_name(name, len(self) - 1)

    def _set_name(self, name, index, end=None):
        self.set_name(name, index, end)

    def _get_names(self):
        return iter(self._names.items())

    def _allitems(self):
        """(name, value) in order; the name is None for items without one."""
        at = 0
        for name, (first, end) in sorted(self._names.items(), key=lambda item: item[1][0]):
            while at < first:
                yield None, self[at]
                at += 1
            yield name, self.__dict__[name]
            at = first + 1 if end is None else end
        for item in list.__getitem__(self, slice(at, None)):
            yield None, item

    def keys(self):
        return self._names.keys()

    def values(self):
        return [self.__dict__[name] for name in self._names]

    def items(self):
        return [(name, self.__dict__[name]) for name in self._names]

    def get(self, key, default=None):
        return self.__dict__[key] if key in self._names else default

    def update(self, items):
        for key, value in items.items():
            if key in self._names:
                raise ValueError(f"the name {key} is taken already")
            self.append(value)
            self.set_name(key, len(self) - 1)

    def __getitem__(self, key):
        if type(key) is str:
            if key in self._names:
                return self.__dict__[key]
            return getattr(self, key)
        return list.__getitem__(self, key)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        kind = next((_KINDS[base.__name__] for base in type(self).__mro__ if base.__name__ in _KINDS), "list")
        known = ", ".join(self.__dict__.get("_names", ())) or "none"
        raise AttributeError(f"there is no {kind} named {name} (names here: {known})")

    def __hash__(self):
        return hash(tuple(self))

    def __str__(self):
        return " ".join(map(str, self))

    def __reduce__(self):
        return _rebuild, (type(self), list(self), self._names)

    def _plainstrings(self):
        made = type(self)([str(item) for item in self])
        made.take_names(self._names)
        return made

    def _clone(self):
        return type(self)(self)


_KINDS = {
    "InputFiles": "input",
    "OutputFiles": "output",
    "Params": "parameter",
    "Wildcards": "wildcard",
    "Resources": "resource",
    "Log": "log",
}


def _rebuild(kind, items, names):
    made = kind.__new__(kind)
    list.__init__(made, items)
    made.__dict__["_names"] = {}
    made.take_names(names)
    return made


def check_name(name, kind=None):
    if name in _RESERVED or (kind is InputFiles and isinstance(getattr(InputFiles, name, None), property)):
        raise AttributeError(f"{name} cannot be the name of an item: it is a method of the object that holds it")


class InputFiles(NamedList):
    def _file_sizes(self):
        from os import stat

        return [stat(str(path)).st_size for path in self]

    @property
    def size_files(self):
        return self._file_sizes()

    @property
    def size_files_kb(self):
        return [size / 1024 for size in self._file_sizes()]

    @property
    def size_files_mb(self):
        return [size / 1024**2 for size in self._file_sizes()]

    @property
    def size_files_gb(self):
        return [size / 1024**3 for size in self._file_sizes()]

    @property
    def size(self):
        return sum(self._file_sizes())

    @property
    def size_kb(self):
        return self.size / 1024

    @property
    def size_mb(self):
        return self.size / 1024**2

    @property
    def size_gb(self):
        return self.size / 1024**3


class OutputFiles(NamedList):
    pass


class Params(NamedList):
    pass


class Wildcards(NamedList):
    pass


class Resources(NamedList):
    pass


class Log(NamedList):
    pass


_RESERVED = (frozenset(name for name in dir(NamedList) if not name.startswith("__")) | {"_names"}) - _MAY_BE_NAMES


class Snakemake:
    """What a script sees as `snakemake`."""

    def __init__(
        self,
        input,
        output,
        params,
        wildcards,
        threads,
        resources,
        log,
        config,
        rule,
        bench_iteration=None,
        scriptdir=None,
    ):
        self.input = input
        self.output = output
        self.params = params
        self.wildcards = wildcards
        self.threads = threads
        self.resources = resources
        self.log = log
        self.config = config
        self.rule = rule
        self.bench_iteration = bench_iteration
        self.scriptdir = scriptdir

    def report_href(self, path):
        from .report_href import ReportHref

        return ReportHref(path)

    def log_fmt_shell(self, stdout=True, stderr=True, append=False):
        """A shell redirection to the log, or nothing if the rule has no log."""
        log = str(self.log)
        if not log or not (stdout or stderr):
            return ""
        sign = ">>" if append else ">"
        if not stdout:
            return f" 2{sign} {log}"
        return " %s %s%s" % (sign, log, " 2>&1" if stderr else "")


# In pickles: the folder for temporary files of the node that the script runs on.
OPEN_FOLDER = b"/dev/null/tmpdir_of_the_node"


def unpickled(data):
    """The object `snakemake` from the pickle of its values."""
    import os
    import pickle

    values = pickle.loads(data)
    if OPEN_FOLDER in data:
        folder = os.environ.get("TMPDIR") or "/tmp"
        for name in ("params", "resources"):
            values[name] = _with_folder(values[name], folder)
    return Snakemake(**values)


def _with_folder(value, folder):
    if isinstance(value, str):
        return value.replace(OPEN_FOLDER.decode(), folder) if type(value) is str else value
    if type(value) is tuple:
        return tuple(_with_folder(item, folder) for item in value)
    if isinstance(value, list):
        value[:] = [_with_folder(item, folder) for item in value]
    names = value if isinstance(value, dict) else value.__dict__ if isinstance(value, NamedList) else {}
    for name, item in list(names.items()):
        names[name] = _with_folder(item, folder)
    return value
