"""Functions that make input functions: lookup, branch, evaluate, subpath and the like."""

import os

from .errors import LookupFailed, WorkflowError
from .functions import call
from .patterns import expand, wildcard_names
from .source_files import GithubSource, GitlabSource, GitSource

_NOTHING = object()


class Waiting:
    """A function of a job's wildcards and of all else that is known about the job."""

    takes_all = True

    def __init__(self, function):
        self.function = function

    def __call__(self, wildcards, **known):
        return self.function(wildcards, known)


class Derived:
    """A function made from another, with the same arguments."""

    takes_all = True

    def __init__(self, inner, change):
        self.inner = inner
        self.change = change

    def __call__(self, wildcards, **known):
        return self.change(call(self.inner, wildcards, known))


class RuleItem:
    """`input.x` or `params[0]` where no job is known yet: a function that returns it once there is a job."""

    takes_all = True

    def __init__(self, name):
        self._name = name

    def __call__(self, wildcards, **known):
        return known[self._name]

    def __getattr__(self, name):
        if name.startswith("__") or name in ("callable", "flags"):
            raise AttributeError(name)
        return ItemOf(self, lambda item: getattr(item, name), f"{self._name}.{name}")

    def __getitem__(self, key):
        return ItemOf(self, lambda item: item[key], f"{self._name}[{key}]")

    def __format__(self, spec):
        return _in_braces(self._name, spec)


def _in_braces(name, spec):
    """In an f-string of a command: what the command is filled with for each job."""
    return "{%s:%s}" % (name, spec) if spec else "{%s}" % name


class ItemOf:
    takes_all = True

    def __init__(self, item, get, text):
        self.item = item
        self.get = get
        self._text = text

    def __format__(self, spec):
        return _in_braces(self._text, spec)

    def __call__(self, wildcards, **known):
        return self.get(known[self.item._name])


def threads(wildcards, threads):
    return threads


def _is_function(value):
    return callable(value) and not isinstance(value, (str, type))


def branch(condition, then=None, otherwise=None, cases=None):
    """`then` or `otherwise`, or the case that the condition names; each may be a function of the wildcards."""
    if cases is not None and then is not None:
        raise WorkflowError("branch(...) takes either `then` or `cases`")

    def settle(value, wildcards, known):
        value = call(value, wildcards, known) if _is_function(value) else value
        return value

    def choose(wildcards, known):
        found = settle(condition, wildcards, known)
        if cases is None:
            return settle(then if found else otherwise, wildcards, known) or []
        if found in cases:
            return settle(cases[found], wildcards, known) or []
        if otherwise is None:
            raise WorkflowError(f"branch(...) has no case for {found!r}")
        return settle(otherwise, wildcards, known) or []

    waiting = [condition, then, otherwise] + list((cases or {}).values())
    if any(_is_function(value) for value in waiting):
        return Waiting(choose)
    return choose(None, {})


def evaluate(expression):
    """An input function that evaluates a Python expression, in which {wildcard} stands for the wildcard's value."""

    def inner(wildcards):
        filled = expression.format(**{name: repr(value) for name, value in wildcards.items()})
        try:
            return eval(filled, {"os": os})
        except Exception as error:
            raise WorkflowError(f"evaluate({expression!r}) fails for {filled}: {error}") from None

    return inner


def exists(path):
    return os.path.exists(path)


def subpath(path_or_func, strip_suffix=None, with_suffix=None, basename=False, parent=False, ancestor=None):
    """A part of a path: the path without a suffix, its last name, or a folder above it."""
    if basename and (parent or ancestor is not None) or parent and ancestor is not None:
        raise ValueError("subpath(...) takes one of basename, parent and ancestor")
    if ancestor is not None and ancestor < 1:
        raise ValueError("ancestor must be at least 1")

    def cut(path):
        path = _single_path(path, "subpath")
        if strip_suffix is not None:
            if not path.endswith(strip_suffix):
                raise ValueError(f"the path {path} does not end in {strip_suffix}")
            path = path[: len(path) - len(strip_suffix)]
        path += with_suffix or ""
        if basename:
            return os.path.basename(path)
        for _ in range(1 if parent else ancestor or 0):
            path = os.path.dirname(path) or "."
        return path

    return Derived(path_or_func, cut) if _is_function(path_or_func) else cut(path_or_func)


def _single_path(path, function):
    if hasattr(path, "__fspath__"):
        path = os.fspath(path)
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    if not isinstance(path, str):
        raise ValueError(f"{function}(...) takes one path, not {path!r}")
    return str(path)


def parse_input(infile, parser=None, **kwargs):
    """A function that reads one input file with the given parser."""

    def read(wildcards, known):
        path = call(infile, wildcards, known) if _is_function(infile) else infile
        with open(path) as file:
            return parser(file, **kwargs) if parser is not None else file.read().strip()

    return Waiting(read)


def extract_checksum(infile, file=None, **ignored):
    """The checksum of a file from the output of md5sum or the like, which is given as a path or an open file."""
    if isinstance(infile, str) or hasattr(infile, "__fspath__"):
        with open(infile) as opened:
            return extract_checksum(opened, file)
    wanted = str(file)[2:] if str(file).startswith("./") else str(file)
    for line in infile:
        checksum, _, name = line.strip().partition(" ")
        name = name.strip().lstrip("*")
        if (name[2:] if name.startswith("./") else name) == wanted:
            return checksum
    raise LookupFailed(f"there is no checksum of {wanted}")


def flatten(items):
    flat = []
    for item in items:
        flat += flatten(item) if isinstance(item, list) else [str(item)]
    return flat


def prepend_param(prefix, paths_or_func, space=True):
    """`prefix` before each path, all in one text."""

    def join(paths):
        paths = paths if isinstance(paths, list) else [paths]
        return " ".join(prefix + (" " if space else "") + _single_path(path, "prepend_param") for path in paths)

    return Derived(paths_or_func, join) if _is_function(paths_or_func) else join(paths_or_func)


def as_py_module(path_or_func=None):
    """The name of a .py file as a module, for `python -m`."""

    def name(path):
        path = _single_path(path, "as_py_module")
        words = path[:-3].split("/") if path.endswith(".py") else [""]
        if not all(word.isidentifier() for word in words):
            raise ValueError(f"{path} cannot be the path of a Python module")
        return ".".join(words)

    path_or_func = RuleItem("input").script if path_or_func is None else path_or_func
    return Derived(path_or_func, name) if _is_function(path_or_func) else name(path_or_func)


def choose_file(file_list, read=True, write=True, execute=None, creatable=None):
    return _choose(file_list, read, write, execute, creatable, os.path.isfile)


def choose_folder(folder_list, read=True, write=True, open=True, creatable=None):
    return _choose(folder_list, read, write, open, creatable, os.path.isdir)


def choose_tmp(tmp_list, read=True, write=True, open=True, creatable=True):
    found = choose_folder(tmp_list, read, write, open, creatable)
    return "system_tmpdir" if found is None else found


def _choose(paths, read, write, execute, creatable, is_kind):
    """The first path that may be used as asked, or that could be made."""
    from pathlib import Path

    for path in paths:
        path = Path(os.path.expanduser(str(path)))
        wanted = ((os.R_OK, read), (os.W_OK, write), (os.X_OK, execute))
        if is_kind(path) and all(os.access(path, mode) == value for mode, value in wanted if value is not None):
            return path
        if creatable and not os.path.exists(path):
            folder = os.path.dirname(os.path.abspath(path))
            while not os.path.exists(folder):
                folder = os.path.dirname(folder)
            if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                return path
    return None


def lookup(query=None, dpath=None, cols=None, is_nrows=None, within=None, default=_NOTHING, **namespace):
    """Finds values in a data frame (query) or a dict (dpath); an input function does so if wildcards are needed."""
    if within is None:
        raise LookupFailed("lookup(...) needs `within`, a data frame or a dict")
    if hasattr(within, "keys") and not hasattr(within, "query") and dpath is None:
        query, dpath = None, query
    if (query is None) == (dpath is None):
        raise LookupFailed("lookup(...) needs one of query and dpath")
    if dpath is not None:
        if not hasattr(within, "keys") or hasattr(within, "query"):
            raise LookupFailed("lookup(...) takes a dpath only within a dict")
        return _looked_up(dpath, [], namespace, lambda text, names: _find_path(within, text, default))
    if hasattr(within, "to_frame"):
        within = within.to_frame()
    columns = cols if isinstance(cols, list) else [cols] if cols is not None else []

    def find(text, names):
        chosen = [_fill_names(column, names) for column in columns]
        return _find_rows(
            within, text, chosen if isinstance(cols, list) else chosen[0] if chosen else None, is_nrows, default
        )

    return _looked_up(query, columns, namespace, find)


def _fill_names(text, names):
    from .formatting import Names, fill

    return fill(text, Names(names)) if "{" in text else text


def _looked_up(text, more, namespace, find):
    waits = _is_function(text) or any(_is_function(value) for value in namespace.values())
    if not waits and all(name in namespace for part in [text, *more] for name in wildcard_names(part)):
        return find(_fill_names(text, namespace), namespace)

    def inner(wildcards, known):
        names = dict(wildcards.items())
        for name, value in namespace.items():
            names[name] = call(value, wildcards, known) if _is_function(value) else value
        wanted = call(text, wildcards, known) if _is_function(text) else text
        return find(_fill_names(wanted, names), names)

    return Waiting(inner)


def _find_path(within, path, default):
    """Walks a dict along the words of a path, divided by /. With * or ? in it, the result is a list of all matches."""
    words = [word for word in path.split("/") if word != ""]
    if any(sign in path for sign in "*?["):
        found = list(_matching(within, words))
        return found if found or default is _NOTHING else default
    value = within
    for word in words:
        try:
            is_key = not isinstance(value, (list, tuple)) and word in value
            value = value[word] if is_key else value[int(word)]
        except (KeyError, IndexError, TypeError, ValueError):
            if default is not _NOTHING:
                return default
            raise LookupFailed(f"lookup(...) finds nothing at {path}") from None
    return value


def _matching(value, words):
    from fnmatch import fnmatchcase

    if not words:
        yield value
        return
    pairs = value.items() if hasattr(value, "items") else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in pairs:
        if words[0] == "**":
            yield from _matching(item, words[1:])
            yield from _matching(item, words)
        elif fnmatchcase(str(key), words[0]):
            yield from _matching(item, words[1:])


def _find_rows(frame, query, columns, is_nrows, default):
    try:
        rows = frame.query(query)
    except Exception as error:
        raise LookupFailed(f"lookup(...) fails with the query {query!r}: {error}") from None
    if is_nrows is not None:
        return is_nrows == len(rows)
    if len(rows) == 0 and default is not _NOTHING:
        return default
    if columns is not None:
        rows = rows[columns]
        if not isinstance(columns, list):
            return rows.to_list()
    found = list(rows.itertuples(index=columns is None))
    return found[0] if len(found) == 1 else found


class Scatter:
    """`scatter` and `gather`: a function for each process that `scattergather:` names."""

    def add(self, name, count):
        items = [f"{number}-of-{count}" for number in range(1, count + 1)]
        self.__dict__[name] = lambda *args, **wildcards: expand(*args, scatteritem=items, **wildcards)

    def __getattr__(self, name):
        known = ", ".join(self.__dict__) or "none"
        raise AttributeError(f"no `scattergather:` above this line names {name} (names so far: {known})")


_FUNCTIONS = (
    branch,
    evaluate,
    exists,
    subpath,
    parse_input,
    extract_checksum,
    flatten,
    prepend_param,
    as_py_module,
    choose_file,
    choose_folder,
    choose_tmp,
    lookup,
)


def namespace():
    names = {item: RuleItem(item) for item in ("input", "output", "params", "resources")}
    names["threads"] = threads
    names.update((function.__name__, function) for function in _FUNCTIONS)
    names.update(github=GithubSource, gitlab=GitlabSource, gitfile=GitSource)
    names.update(scatter=Scatter(), gather=Scatter())
    return names
