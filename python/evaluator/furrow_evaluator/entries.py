"""Arguments of input, output, log and benchmark: what the Snakefile gave, as ENTRYs for the engine."""

from .errors import NotYet, WorkflowError
from .flags import Flagged, FlaggedFunction, flags_of, is_flagged, is_path
from .transport import Json, dumps
from .values import InputFiles, check_name

kFlagsOfInput = ("ancient",)
kFlagsOfOutput = ("temp", "group_jobs", "protected", "directory", "touch")
kBigList = 2000


class Entry:
    """One argument: some patterns, or a function that answers them."""

    __slots__ = ("name", "items", "is_list", "function", "line")

    def __init__(self, name, items=(), is_list=False, function=None, line=None):
        self.name = name
        self.items = items
        self.is_list = is_list
        self.function = function
        self.line = line

    def encode(self, directive):
        if self.function is not None:
            unpacked = is_flagged(self.function, "unpack")
            return Json(dumps({"name": self.name, "fn": True, "line": self.line, "unpack": unpacked}))
        return encode_items(self.name, self.items, self.is_list, directive)


def encode_items(name, items, is_list, directive, literal=False):
    head = '{"name":%s,"list":%s,"items":' % (dumps(name), "true" if is_list else "false")
    if len(items) > kBigList and set(map(type, items)) == {str} and not literal:
        return Json(head + encode_strings(items) + "}")
    return Json(head + dumps([encode_item(item, directive, literal) for item in items]) + "}")


def encode_strings(items):
    """JSON of many strings: nothing is escaped unless one of them needs it, which is a hundred times cheaper to find out in one text."""
    text = '","'.join(items)
    if "\\" in text or text.count('"') != 2 * (len(items) - 1) or has_control(text):
        return dumps(items)
    return '["%s"]' % text


def has_control(text):
    from re import compile

    return compile("[\\x00-\\x1f]").search(text) is not None


def encode_item(item, directive, literal=False):
    if type(item) is str:
        return {"p": item, "literal": True} if literal and "{" in item else item
    made = {"p": str(item)}
    flags = flags_of(item)
    kept = [name for name in (kFlagsOfInput if directive == "input" else kFlagsOfOutput) if name in flags]
    if kept:
        made["f"] = kept
    if "ensure" in flags and directive == "output":
        made["ensure"] = flags["ensure"]
    if literal and "{" in made["p"]:
        made["literal"] = True
    return made if len(made) > 1 else made["p"]


def read_arguments(args, kwargs, directive, line, flag_all=None):
    """The entries of one directive."""
    entries = []
    for value in args:
        entries += read_argument(None, value, directive, line)
    for name, value in kwargs.items():
        try:
            check_name(name, InputFiles if directive == "input" else None)
        except AttributeError as error:
            raise WorkflowError(str(error)) from None
        entries += read_argument(name, value, directive, line)
    if flag_all:
        for entry in entries:
            entry.items = [flag_all(item) for item in entry.items]
            entry.function = entry.function and flag_all(entry.function)
    return entries


def read_argument(name, value, directive, line):
    if type(value) is str or is_path(value):
        return [Entry(name, [as_pattern(value)])]
    if callable(value) or isinstance(value, FlaggedFunction):
        return [function_entry(name, value, directive, line)]
    if type(value) is list and value and set(map(type, value)) == {str}:
        return [Entry(name, value, True)]
    items = flatten(value, directive, name)
    if items and all(is_flagged(item, "multiext") for item in items) and name is None:
        return [Entry(item.flags["multiext"]["name"], [item]) for item in items]
    if any(callable(item) for item in items):
        return mixed_entries(name, items, directive, line)
    return [Entry(name, items, True)]


def as_pattern(value):
    if type(value) is str:
        return value
    return value if isinstance(value, Flagged) else str(value)


def flatten(value, directive, name):
    """Lists in lists become one list, as do tuples, sets, generators, arrays."""
    if is_path(value):
        return [as_pattern(value)]
    if callable(value):
        return [value]
    if isinstance(value, (int, float, bytes)) or value is None or not hasattr(value, "__iter__"):
        what = "argument %s" % name if name else "an argument"
        raise WorkflowError("%s of %s is %s, but it takes file names, lists of them%s" % (
            what, directive, "None" if value is None else "of type %s" % type(value).__name__, " or functions" if directive == "input" else ""
        ))  # fmt: skip
    items = []
    for item in value:
        if type(item) is str:
            items.append(item)
        else:
            items += flatten(item, directive, name)
    return items


def function_entry(name, function, directive, line):
    if directive != "input":
        if directive == "output":
            raise WorkflowError("output cannot be a function: its patterns must be known before any job is", hint="only input and params take functions")
        raise NotYet("a function for %s is not carried out yet" % directive)
    return Entry(name, function=function, line=line)


def mixed_entries(name, items, directive, line):
    """A list that holds functions: without a name it is the same as its items one by one."""
    if name is None:
        return [entry for item in items for entry in read_argument(None, item, directive, line)]
    return [function_entry(name, Together(items), directive, line)]


class Together:
    """Answers a named list in which some items are functions."""

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
    """[name, first, end, is_list] of each entry, if no function is among them."""
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
