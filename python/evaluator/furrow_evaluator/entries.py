"""Arguments of input, output, log and benchmark as the protocol's ENTRYs."""

from .errors import NotYet, WorkflowError
from .flags import PRODUCER, Flagged, FlaggedFunction, flags_of, is_flagged, is_path, queue_of
from .logger import logger
from .transport import Json, dumps
from .values import InputFiles, check_name

_FLAGS_OF_INPUT = ("ancient", "before_update", "remote")
_FLAGS_OF_OUTPUT = ("temp", "group_jobs", "protected", "directory", "touch", "update", "remote", "pipe", "service")
_ONLY_OUTPUTS = frozenset("temp protected directory touch ensure update pipe service".split())
_ONLY_INPUTS = frozenset("ancient before_update".split())
_BIG_LIST = 2000


class PlainTexts(list):
    """Paths without flags, copied from a list that the Snakefile may change later. Nobody changes this one."""

    __slots__ = ("_joined",)

    def __init__(self, texts):
        list.__init__(self, texts)
        self._joined = None

    def joined(self):
        """All of them in one text, between quotes but for its ends.

        To look for a rare character in it is a hundred times faster than in each path.
        """
        if self._joined is None:
            self._joined = '","'.join(self)
        return self._joined

    def json_texts(self):
        """JSON of the list, in few texts. Few lists hold a path that must be escaped."""
        text, self._joined = self.joined(), None
        if "\\" in text or text.count('"') != 2 * (len(self) - 1) or not text.isprintable():
            return [dumps(self)]
        return ['["', text, '"]']


class _Entry:
    """One argument: some patterns, or a function that returns them."""

    __slots__ = ("name", "items", "is_list", "function", "line")

    def __init__(self, name, items=(), is_list=False, function=None, line=None):
        self.name = name
        self.items = items
        self.is_list = is_list
        self.function = function
        self.line = line

    def encode(self, directive):
        """The ENTRY in texts that are JSON when they are joined."""
        if self.function is not None:
            unpacked = is_flagged(self.function, "unpack")
            return [dumps({"name": self.name, "fn": True, "line": self.line, "unpack": unpacked})]
        if type(self.items) is PlainTexts and len(self.items) > _BIG_LIST:
            return [_head_of(self.name, self.is_list), *self.items.json_texts(), "}"]
        return [encode_items(self.name, self.items, self.is_list, directive)]


def encode_items(name, items, is_list, directive, literal=False):
    return Json(_head_of(name, is_list) + dumps([_encode_item(item, directive, literal) for item in items]) + "}")


def _head_of(name, is_list):
    return '{"name":%s,"list":%s,"items":' % (dumps(name), "true" if is_list else "false")


def _encode_item(item, directive, literal=False):
    if type(item) is str:
        return {"p": item, "literal": True} if literal and "{" in item else item
    made = {"p": str(item)}
    flags = flags_of(item)
    kept = [name for name in (_FLAGS_OF_INPUT if directive == "input" else _FLAGS_OF_OUTPUT) if name in flags]
    if kept:
        made["f"] = kept
    if PRODUCER in flags and directive == "input" and flags[PRODUCER].number is not None:
        made["by"] = flags[PRODUCER].number
    if "ensure" in flags and directive == "output":
        made["ensure"] = checks(flags["ensure"])
    if literal and "{" in made["p"]:
        made["literal"] = True
    return made if len(made) > 1 else made["p"]


def checks(content, wildcards=None):
    """The content of ensure(...) for the engine. Without wildcards, "fn" says that a function answers the checksum."""
    made = {}
    for name, value in content.items():
        if not callable(value):
            made[name] = value
        elif wildcards is None:
            made["fn"] = True
        else:
            made[name] = value(wildcards)
            if not isinstance(made[name], str):
                raise WorkflowError(f"the function for {name} in ensure(...) must return a text, not {made[name]!r}")
    return made


def read_arguments(args, kwargs, directive, line, flag_all=None):
    """The entries of one directive."""
    entries = []
    for value in args:
        entries += _read_argument(None, value, directive, line)
    for name, value in kwargs.items():
        try:
            check_name(name, InputFiles if directive == "input" else None)
        except AttributeError as error:
            raise WorkflowError(str(error)) from None
        entries += _read_argument(name, value, directive, line)
    if flag_all:
        for entry in entries:
            entry.items = _listed([flag_all(item) for item in entry.items])
            entry.function = entry.function and flag_all(entry.function)
    return entries


def warn_of_flags(entries, directive, place):
    """Says which flags have no effect in this directive."""
    wrong, other = {"input": (_ONLY_OUTPUTS, "outputs"), "output": (_ONLY_INPUTS, "inputs")}[directive]
    for entry in entries:
        if type(entry.items) is PlainTexts:
            continue
        items = entry.items if entry.function is None else [entry.function]
        for name in sorted({name for item in items for name in flags_of(item)} & wrong):
            logger.warning(f"{place}: {name}(...) has no effect in {directive}: it is for {other}")


def _read_argument(name, value, directive, line):
    if type(value) is str or is_path(value):
        return [_Entry(name, _listed([_as_pattern(value)]))]
    if callable(value) or isinstance(value, FlaggedFunction):
        return [_function_entry(name, value, directive, line)]
    if type(value) is list and value and set(map(type, value)) == {str}:
        return [_Entry(name, PlainTexts(value), True)]
    items = flatten(value, directive, name)
    if items and all(is_flagged(item, "multiext") for item in items) and name is None:
        return [_Entry(item.flags["multiext"]["name"], [item]) for item in items]
    if any(callable(item) for item in items):
        return _mixed_entries(name, items, directive, line)
    return [_Entry(name, _listed(items), True)]


def _listed(items):
    return PlainTexts(items) if all(type(item) is str for item in items) else items


def _as_pattern(value):
    if type(value) is str:
        return value
    if isinstance(value, Flagged):
        return value
    return Flagged(str(value), flags_of(value)) if flags_of(value) else str(value)


def flatten(value, directive, name):
    """Flattens lists in lists, and tuples, sets, generators and arrays, to one list."""
    if is_path(value):
        return [_as_pattern(value)]
    if callable(value):
        return [value]
    if isinstance(value, dict) and value:
        raise WorkflowError(
            f"an argument of {directive} is a dict, but it takes file names or lists of them",
            hint="**d gives the files of a dict d the names of its keys, and list(d.values()) gives them no names",
        )
    if isinstance(value, (int, float, bytes)) or value is None or not hasattr(value, "__iter__"):
        what = f"argument {name}" if name else "an argument"
        found = "None" if value is None else f"of type {type(value).__name__}"
        functions = " or functions" if directive == "input" else ""
        raise WorkflowError(f"{what} of {directive} is {found}, but it takes file names, lists of them{functions}")
    items = []
    for item in value:
        if type(item) is str:
            items.append(item)
        else:
            items += flatten(item, directive, name)
    return items


def _function_entry(name, function, directive, line):
    if queue_of(function) and is_flagged(function, "unpack"):
        raise WorkflowError("unpack(...) has no use around from_queue(...), which yields single files")
    if directive != "input":
        if directive == "output":
            raise WorkflowError(
                "output cannot be a function: its patterns must be known before any job is",
                hint="only input and params take functions",
            )
        raise NotYet(f"a function for {directive} is not supported yet")
    return _Entry(name, function=function, line=line)


def _mixed_entries(name, items, directive, line):
    """A list that holds functions. Without a name it is the same as its items one by one."""
    if name is None:
        return [entry for item in items for entry in _read_argument(None, item, directive, line)]
    if any(queue_of(item) for item in items):
        raise WorkflowError(f"from_queue(...) cannot stand in the list {name}: give it a name of its own, or none")
    return [_function_entry(name, _MixedList(items), directive, line)]


class _MixedList:
    """The function for a named list in which some items are functions."""

    takes_all = True

    def __init__(self, items):
        self.items = items

    def __call__(self, wildcards, **known):
        from .functions import call

        files = []
        for item in self.items:
            answer = call(item, wildcards, known) if callable(item) else item
            files += flatten(answer, "input", None)
        return files


def shape(entries):
    """[name, first, end, is_list] of each entry; None if one of them is a function."""
    ranges = []
    at = 0
    for entry in entries:
        if entry.function is not None:
            return None
        end = at + len(entry.items)
        ranges.append((entry.name, at, end, entry.is_list))
        at = end
    return ranges


def first_items(entries):
    """All items in order; a function stands for itself."""
    items = []
    ranges = []
    for entry in entries:
        at = len(items)
        items += [entry.function] if entry.function is not None else entry.items
        ranges.append((entry.name, at, len(items), entry.is_list and entry.function is None))
    return items, ranges


def is_reported(entries):
    """Whether a report may have to show one of these files."""
    return any(
        entry.function is not None
        or (type(entry.items) is not PlainTexts and any("report" in flags_of(item) for item in entry.items))
        for entry in entries
    )
