"""Functions that answer input functions: lookup, branch, evaluate, subpath and their kin."""

import os

from .errors import LookupFailed, NotYet, WorkflowError
from .functions import call
from .patterns import wildcard_names

kNothing = object()


class Derived:
    """A function made from another, which names the same arguments."""

    takes_all = True

    def __init__(self, inner, change):
        self.inner = inner
        self.change = change

    def __call__(self, wildcards, **known):
        return self.change(call(self.inner, wildcards, known))


class RuleItem:
    """`input.x` or `params[0]` where no job is known yet: a function that answers it once there is one."""

    takes_all = True

    def __init__(self, name):
        self.name_ = name

    def __call__(self, wildcards, **known):
        return known[self.name_]

    def __getattr__(self, name):
        if name.startswith("__") or name in ("callable", "flags"):
            raise AttributeError(name)
        return ItemOf(self, lambda item: getattr(item, name))

    def __getitem__(self, key):
        return ItemOf(self, lambda item: item[key])


class ItemOf:
    takes_all = True

    def __init__(self, item, get):
        self.item = item
        self.get = get

    def __call__(self, wildcards, **known):
        return self.get(known[self.item.name_])


def threads(wildcards, threads):
    return threads


def is_function(value):
    return callable(value) and not isinstance(value, (str, type))


def branch(condition, then=None, otherwise=None, cases=None):
    """`then` or `otherwise`, or the case that the condition names; each may be a function of the wildcards."""
    if cases is not None and then is not None:
        raise WorkflowError("branch(...) takes either `then` or `cases`")

    def settle(value, wildcards, known):
        value = call(value, wildcards, known) if is_function(value) else value
        return value

    def choose(wildcards, known):
        found = settle(condition, wildcards, known)
        if cases is None:
            return settle(then if found else otherwise, wildcards, known) or []
        if found in cases:
            return settle(cases[found], wildcards, known) or []
        if otherwise is None:
            raise WorkflowError("branch(...) has no case for %r" % (found,))
        return settle(otherwise, wildcards, known) or []

    waiting = [condition, then, otherwise] + list((cases or {}).values())
    if any(is_function(value) for value in waiting):
        return lambda wildcards, **known: choose(wildcards, known)
    return choose(None, {})


def evaluate(expression):
    """An input function that evaluates a Python expression, in which {wildcard} stands for the wildcard's value."""

    def inner(wildcards):
        filled = expression.format(**{name: repr(value) for name, value in wildcards.items()})
        try:
            return eval(filled, {"os": os})
        except Exception as error:
            raise WorkflowError("evaluate(%r) fails for %s: %s" % (expression, filled, error)) from None

    return inner


def exists(path):
    return os.path.exists(path)


def subpath(path_or_func, strip_suffix=None, with_suffix=None, basename=False, parent=False, ancestor=None):
    """A part of a path: without a suffix, its last name, or a folder above it."""
    if basename and (parent or ancestor is not None) or parent and ancestor is not None:
        raise ValueError("subpath(...) takes one of basename, parent and ancestor")
    if ancestor is not None and ancestor < 1:
        raise ValueError("ancestor must be at least 1")

    def cut(path):
        path = single_path(path, "subpath")
        if strip_suffix is not None:
            if not path.endswith(strip_suffix):
                raise ValueError("the path %s does not end in %s" % (path, strip_suffix))
            path = path[: len(path) - len(strip_suffix)]
        path += with_suffix or ""
        if basename:
            return os.path.basename(path)
        for _ in range(1 if parent else ancestor or 0):
            path = os.path.dirname(path) or "."
        return path

    return Derived(path_or_func, cut) if is_function(path_or_func) else cut(path_or_func)


def single_path(path, function):
    if hasattr(path, "__fspath__"):
        path = os.fspath(path)
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    if not isinstance(path, str):
        raise ValueError("%s(...) takes one path, not %r" % (function, path))
    return str(path)


def parse_input(infile, parser=None, **kwargs):
    """A function that reads one input file with the parser given."""

    def read(wildcards, **known):
        path = call(infile, wildcards, known) if is_function(infile) else infile
        with open(path) as file:
            return parser(file, **kwargs) if parser is not None else file.read().strip()

    return read


def extract_checksum(infile, file=None, **ignored):
    """The checksum that stands before a file's name in the output of md5sum or its kin, given as a path or an open file."""
    if isinstance(infile, str) or hasattr(infile, "__fspath__"):
        with open(infile) as opened:
            return extract_checksum(opened, file)
    wanted = str(file)[2:] if str(file).startswith("./") else str(file)
    for line in infile:
        checksum, _, name = line.strip().partition(" ")
        name = name.strip().lstrip("*")
        if (name[2:] if name.startswith("./") else name) == wanted:
            return checksum
    raise LookupFailed("there is no checksum of %s" % wanted)


def flatten(items):
    flat = []
    for item in items:
        flat += flatten(item) if isinstance(item, list) else [str(item)]
    return flat


def prepend_param(prefix, paths_or_func, space=True):
    """`prefix` before each path, all in one text."""

    def join(paths):
        paths = paths if isinstance(paths, list) else [paths]
        return " ".join(prefix + (" " if space else "") + single_path(path, "prepend_param") for path in paths)

    return Derived(paths_or_func, join) if is_function(paths_or_func) else join(paths_or_func)


def as_py_module(path_or_func=None):
    """The name of the module for `python -m` that a .py file is."""

    def name(path):
        path = single_path(path, "as_py_module")
        words = path[:-3].split("/") if path.endswith(".py") else [""]
        if not all(word.isidentifier() for word in words):
            raise ValueError("%s cannot be the path of a Python module" % path)
        return ".".join(words)

    path_or_func = RuleItem("input").script if path_or_func is None else path_or_func
    return Derived(path_or_func, name) if is_function(path_or_func) else name(path_or_func)


def choose_file(file_list, read=True, write=True, execute=None, creatable=None):
    return choose(file_list, read, write, execute, creatable, os.path.isfile)


def choose_folder(folder_list, read=True, write=True, open=True, creatable=None):
    return choose(folder_list, read, write, open, creatable, os.path.isdir)


def choose_tmp(tmp_list, read=True, write=True, open=True, creatable=True):
    found = choose_folder(tmp_list, read, write, open, creatable)
    return "system_tmpdir" if found is None else found


def choose(paths, read, write, execute, creatable, is_kind):
    """The first path that may be used as asked, or could be made."""
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


def lookup(query=None, dpath=None, cols=None, is_nrows=None, within=None, default=kNothing, **namespace):
    """Finds values in a data frame (query) or a dict (dpath), at once or, where wildcards are in play, as an input function."""
    if within is None:
        raise LookupFailed("lookup(...) needs `within`, a data frame or a dict")
    if hasattr(within, "keys") and not hasattr(within, "query") and dpath is None:
        query, dpath = None, query
    if (query is None) == (dpath is None):
        raise LookupFailed("lookup(...) needs one of query and dpath")
    if dpath is not None:
        if not hasattr(within, "keys") or hasattr(within, "query"):
            raise LookupFailed("lookup(...) takes a dpath only within a dict")
        return looked_up(dpath, [], namespace, lambda text, names: find_path(within, text, default))
    if hasattr(within, "to_frame"):
        within = within.to_frame()
    columns = cols if isinstance(cols, list) else [cols] if cols is not None else []

    def find(text, names):
        chosen = [fill_names(column, names) for column in columns]
        return find_rows(within, text, chosen if isinstance(cols, list) else chosen[0] if chosen else None, is_nrows, default)

    return looked_up(query, columns, namespace, find)


def fill_names(text, names):
    from .formatting import Names, fill

    return fill(text, Names(names)) if "{" in text else text


def looked_up(text, more, namespace, find):
    waits = is_function(text) or any(is_function(value) for value in namespace.values())
    if not waits and all(name in namespace for part in [text, *more] for name in wildcard_names(part)):
        return find(fill_names(text, namespace), namespace)

    def inner(wildcards, **known):
        names = dict(wildcards.items())
        for name, value in namespace.items():
            names[name] = call(value, wildcards, known) if is_function(value) else value
        wanted = call(text, wildcards, known) if is_function(text) else text
        return find(fill_names(wanted, names), names)

    return inner


def find_path(within, path, default):
    """Walks a dict by the words of a path that / divides; * and ? match names, and then all that is found is answered."""
    words = [word for word in path.split("/") if word != ""]
    if any(sign in path for sign in "*?["):
        found = list(matching(within, words))
        return found if found or default is kNothing else default
    value = within
    for word in words:
        try:
            value = value[int(word)] if isinstance(value, (list, tuple)) else value[word] if word in value else value[int(word)]
        except (KeyError, IndexError, TypeError, ValueError):
            if default is not kNothing:
                return default
            raise LookupFailed("lookup(...) finds nothing at %s" % path) from None
    return value


def matching(value, words):
    from fnmatch import fnmatchcase

    if not words:
        yield value
        return
    pairs = value.items() if hasattr(value, "items") else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in pairs:
        if words[0] == "**":
            yield from matching(item, words[1:])
            yield from matching(item, words)
        elif fnmatchcase(str(key), words[0]):
            yield from matching(item, words[1:])


def find_rows(frame, query, columns, is_nrows, default):
    try:
        rows = frame.query(query)
    except Exception as error:
        raise LookupFailed("lookup(...) fails with the query %r: %s" % (query, error)) from None
    if is_nrows is not None:
        return is_nrows == len(rows)
    if len(rows) == 0 and default is not kNothing:
        return default
    if columns is not None:
        rows = rows[columns]
        if not isinstance(columns, list):
            return rows.to_list()
    found = list(rows.itertuples(index=columns is None))
    return found[0] if len(found) == 1 else found


class Later:
    """A name that is there, whose use is language to come."""

    def __init__(self, name):
        self.name_ = name

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotYet("%s.%s: %s is not carried out yet" % (self.name_, name, self.name_))

    def __call__(self, *args, **kwargs):
        raise NotYet("%s(...) is not carried out yet" % self.name_)


def namespace():
    names = {item: RuleItem(item) for item in ("input", "output", "params", "resources")}
    names["threads"] = threads
    for function in (branch, evaluate, exists, subpath, parse_input, extract_checksum, flatten, prepend_param, as_py_module, choose_file,
                     choose_folder, choose_tmp, lookup):  # fmt: skip
        names[function.__name__] = function
    for name in ("scatter", "gather", "storage", "github", "gitlab", "gitfile", "checkpoints"):
        names[name] = Later(name)
    return names
