"""Strings and functions that carry flags: temp(...), directory(...) and the like."""

from .errors import NotYet, WorkflowError

# Marks a path that has been through the prefix of its module, so that no other rule that uses it moves it again.
MOVED = "path_modified"
# Marks an output as `rules.x.output` shows it: an input that is written so is taken from the rule x.
PRODUCER = "producer"


class Flagged(str):
    """A pattern with flags, which map a flag's name to its value."""

    def __new__(cls, text, flags=None):
        made = str.__new__(cls, text)
        made.flags = dict(flags or ())
        return made

    def __reduce__(self):
        return str, (str(self),)


class FlaggedFunction:
    """An input function with flags, as in unpack(f) or ancient(f)."""

    def __init__(self, callable, flags=None):
        self.callable = callable
        self.flags = dict(flags or ())

    def __call__(self, *args, **kwargs):
        return self.callable(*args, **kwargs)


def is_path(value):
    return isinstance(value, str) or hasattr(value, "__fspath__")


def flags_of(value):
    return getattr(value, "flags", None) or {}


def is_flagged(value, name):
    flags = flags_of(value)
    return isinstance(flags, dict) and name in flags


def flag(value, name, content=True):
    """The value with one more flag; of a list, each item."""
    if isinstance(value, Flagged):
        return Flagged(value, {**value.flags, name: content})
    if is_path(value):
        return Flagged(str(value), {name: content})
    if isinstance(value, FlaggedFunction):
        return FlaggedFunction(value.callable, {**value.flags, name: content})
    if callable(value):
        return FlaggedFunction(value, {name: content})
    if isinstance(value, dict):
        return {key: flag(item, name, content) for key, item in value.items()}
    try:
        return [flag(item, name, content) for item in value]
    except TypeError:
        raise WorkflowError(f"{name}(...) takes file names or lists of them, not {type(value).__name__}") from None


def without_flags(value, names):
    """The value without these flags."""
    kept = {name: content for name, content in flags_of(value).items() if name not in names}
    if "temporary" in names:
        kept.pop("temp", None)
    if isinstance(value, Flagged):
        return Flagged(str(value), kept) if kept else str(value)
    return FlaggedFunction(value.callable, kept) if isinstance(value, FlaggedFunction) else value


def changed(value, text):
    """Another text with the same flags."""
    return Flagged(text, value.flags) if isinstance(value, Flagged) else text


def _refuse_together(value, name, others):
    for item in [value] if is_path(value) or callable(value) or isinstance(value, dict) else value:
        for other in others:
            if is_flagged(item, other):
                raise WorkflowError(f"{name}(...) and {other}(...) exclude each other")


# A pipe, or what a service offers, is gone when its jobs have ended.
_OF_FILES_THAT_STAY = ("protected", "touch", "ensure", "update")


def _refuse_for_passing(value, name):
    _refuse_together(value, name, ["pipe", "service"])


def ancient(value):
    return flag(value, "ancient")


def directory(value):
    _refuse_together(value, "directory", ["pipe"])
    return flag(value, "directory")


def temp(value, group_jobs=False):
    _refuse_together(value, "temp", ["protected"])
    value = flag(value, "temp")
    return flag(value, "group_jobs") if group_jobs else value


def temporary(value):
    return temp(value)


def protected(value):
    _refuse_together(value, "protected", ["temp", "pipe", "service"])
    return flag(value, "protected")


def touch(value):
    _refuse_for_passing(value, "touch")
    return flag(value, "touch")


def ensure(value, non_empty=False, sha256=None, md5=None, sha1=None):
    sums = {"sha256": sha256, "md5": md5, "sha1": sha1}
    given = {name: text for name, text in sums.items() if text is not None}
    if len(given) > 1:
        raise WorkflowError(f"ensure(...) takes one checksum, not {len(given)}")
    _refuse_for_passing(value, "ensure")
    return flag(value, "ensure", {"non_empty": bool(non_empty), **given})


def update(value):
    """An output that its job changes: it is there when the job starts, and as it was if the job fails."""
    _refuse_for_passing(value, "update")
    return flag(value, "update")


def before_update(value):
    """An input as it is before the job that updates it."""
    return flag(value, "before_update")


def pipe(value):
    """A named pipe: the job that writes it and the one that reads it run at once."""
    _refuse_together(value, "pipe", ["directory", "service", *_OF_FILES_THAT_STAY])
    return flag(value, "pipe")


def service(value):
    """What a job offers as long as it runs. It is ended once those that use it have ended."""
    _refuse_together(value, "service", ["pipe", *_OF_FILES_THAT_STAY])
    return flag(value, "service")


def from_queue(queue, finish_sentinel=None):
    """Inputs that come while the workflow runs, until the sentinel does."""
    from .queue_input import QueueInput

    if finish_sentinel is None:
        raise WorkflowError("from_queue(...) needs finish_sentinel=..., the item that says that no other comes")
    if not callable(getattr(queue, "get_nowait", None)) or not callable(getattr(queue, "empty", None)):
        raise WorkflowError(f"from_queue(...) takes a queue, as queue.Queue(), not {type(queue).__name__}")
    function = QueueInput(queue, finish_sentinel)
    return FlaggedFunction(function, {"from_queue": function})


def queue_of(value):
    """The QueueInput of from_queue(...); None for any other value."""
    return flags_of(value).get("from_queue") if callable(value) else None


def unpack(value):
    return flag(value, "unpack")


def repeat(value, n_repeat):
    if isinstance(n_repeat, bool) or not isinstance(n_repeat, int) or n_repeat < 1:
        raise WorkflowError(f"repeat(...) takes a whole number of at least 1, not {n_repeat!r}")
    return flag(value, "repeat", n_repeat)


def local(value):
    return flag(value, "local")


def report(value, caption=None, category=None, subcategory=None, labels=None, patterns=(), htmlindex=None):
    """A result for the report. The path of its caption starts at the Snakefile that says so."""
    from . import active

    if caption is not None and active.workflow is not None:
        caption = active.workflow.current_basedir.join(caption)
    content = {
        "caption": caption,
        "category": category,
        "subcategory": subcategory,
        "labels": labels,
        "patterns": patterns,
        "htmlindex": htmlindex,
    }
    return flag(value, "report", content)


def _not_yet_flag(name):
    def refuse(*args, **kwargs):
        raise NotYet(f"{name}(...) is not supported yet")

    refuse.__name__ = name
    return refuse


dynamic = _not_yet_flag("dynamic")


class AccessPatterns:
    """`access.random(...)` and the like say how a file is read; local files are read the same way in any case."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda value: flag(value, "access", name)
