"""The objects that functions, `run:` blocks and scripts receive: lists whose items also have names.

Imported by script children too, so it must stay light.
"""

kMayBeNames = frozenset(["index", "sort", "values"])


class NamedList(list):
    """A list some of whose items, or runs of items, have names: `x[0]`, `x.name` and `x["name"]` all work.

    `names_` maps a name to (first, end), where end is None for a single item. The values stand in the instance's dict as well.
    """

    def __init__(self, toclone=None, fromdict=None):
        list.__init__(self, toclone or ())
        self.names_ = {}
        if isinstance(toclone, NamedList):
            self.take_names(toclone.names_)
        for key, value in (fromdict or {}).items():
            self.append(value)
            self.set_name(key, len(self) - 1)

    @classmethod
    def from_shape(cls, items, shape):
        """Items and their [name, first, end, is_list] ranges."""
        made = cls.__new__(cls)
        list.__init__(made, items)
        made.__dict__["names_"] = names = {}
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
        made.__dict__["names_"] = {name: (at, None) for at, name in enumerate(mapping)}
        return made

    def set_name(self, name, first, end=None):
        check_name(name)
        self.names_[name] = (first, end)
        self.__dict__[name] = self[first] if end is None else NamedList(list.__getitem__(self, slice(first, end)))

    def take_names(self, names):
        for name, (first, end) in names.items():
            self.set_name(name, first, end)

    def _add_name(self, name):
        self.set_name(name, len(self) - 1)

    def _set_name(self, name, index, end=None):
        self.set_name(name, index, end)

    def _get_names(self):
        return iter(self.names_.items())

    def _allitems(self):
        """(name, value) in order; the name is None for items without one."""
        at = 0
        for name, (first, end) in sorted(self.names_.items(), key=lambda item: item[1][0]):
            while at < first:
                yield None, self[at]
                at += 1
            yield name, self.__dict__[name]
            at = first + 1 if end is None else end
        for item in list.__getitem__(self, slice(at, None)):
            yield None, item

    def keys(self):
        return self.names_.keys()

    def values(self):
        return [self.__dict__[name] for name in self.names_]

    def items(self):
        return [(name, self.__dict__[name]) for name in self.names_]

    def get(self, key, default=None):
        return self.__dict__[key] if key in self.names_ else default

    def update(self, items):
        for key, value in items.items():
            if key in self.names_:
                raise ValueError("the name %s is there already" % key)
            self.append(value)
            self.set_name(key, len(self) - 1)

    def __getitem__(self, key):
        if type(key) is str:
            if key in self.names_:
                return self.__dict__[key]
            return getattr(self, key)
        return list.__getitem__(self, key)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        kind = kKinds.get(type(self).__name__, "list")
        known = ", ".join(self.__dict__.get("names_", ())) or "none"
        raise AttributeError("there is no %s named %s (names here: %s)" % (kind, name, known))

    def __hash__(self):
        return hash(tuple(self))

    def __str__(self):
        return " ".join(map(str, self))

    def __reduce__(self):
        return rebuild, (type(self), list(self), self.names_)

    def _plainstrings(self):
        made = type(self)([str(item) for item in self])
        made.take_names(self.names_)
        return made

    def _clone(self):
        return type(self)(self)


kKinds = {
    "InputFiles": "input", "OutputFiles": "output", "Params": "parameter", "Wildcards": "wildcard", "Resources": "resource", "Log": "log",
}  # fmt: skip


def rebuild(kind, items, names):
    made = kind.__new__(kind)
    list.__init__(made, items)
    made.__dict__["names_"] = {}
    made.take_names(names)
    return made


def check_name(name, kind=None):
    if name in kReserved or (kind is InputFiles and isinstance(getattr(InputFiles, name, None), property)):
        raise AttributeError("%s cannot be the name of an item: it is a method of the object that holds it" % name)


class InputFiles(NamedList):
    def file_sizes(self):
        from os import stat

        return [stat(str(path)).st_size for path in self]

    @property
    def size_files(self):
        return self.file_sizes()

    @property
    def size_files_kb(self):
        return [size / 1024 for size in self.file_sizes()]

    @property
    def size_files_mb(self):
        return [size / 1024**2 for size in self.file_sizes()]

    @property
    def size_files_gb(self):
        return [size / 1024**3 for size in self.file_sizes()]

    @property
    def size(self):
        return sum(self.file_sizes())

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


kReserved = (frozenset(name for name in dir(NamedList) if not name.startswith("__")) | {"names_"}) - kMayBeNames


class Snakemake:
    """What a script sees as `snakemake`."""

    def __init__(self, input, output, params, wildcards, threads, resources, log, config, rule, bench_iteration=None, scriptdir=None):
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
        """A redirection to the log for a shell command, or nothing where the rule has no log."""
        log = str(self.log)
        if not log or not (stdout or stderr):
            return ""
        sign = ">>" if append else ">"
        if not stdout:
            return " 2%s %s" % (sign, log)
        return " %s %s%s" % (sign, log, " 2>&1" if stderr else "")
