"""Errors, and how an exception becomes the protocol's ERROR: with the user's file and line, never a frame of ours."""

import builtins
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_EVALUATOR_FOLDER = os.path.dirname(_HERE)
_MAX_FRAMES = 12
_OUR_NAMES = (
    "furrow_evaluator.rules.",
    "furrow_evaluator.rule_builder.",
    "furrow_evaluator.directives.",
    "furrow_evaluator.workflow.",
    "RuleBuilder.",
    "Directives.",
    "__furrow__.",
    "__r.",
)


class WorkflowError(Exception):
    """The workflow misuses the language. `file` and `line` say where, if it is not the line being executed."""

    def __init__(self, *args, file=None, line=None, hint=None, rule=None, **ignored):
        super().__init__(*args)
        self.file = file
        self.line = line
        self.hint = hint
        self.rule = getattr(rule, "name", rule)

    def __str__(self):
        return "\n".join(str(arg) for arg in self.args)


class NotYet(WorkflowError):
    """Language that Furrow knows but does not support yet."""


class WildcardError(WorkflowError):
    pass


class LookupFailed(WorkflowError):
    pass


class IncompleteCheckpoint(Exception):
    """A function asks for what a checkpoint has made, and that job has not ended. `target` is its first output.

    No WorkflowError: what turns errors of the workflow into others must let it through.
    """

    def __init__(self, rule, target):
        super().__init__(rule, target)
        self.rule = rule
        self.target = target

    @property
    def targetfile(self):
        return self.target

    def __str__(self):
        return f"checkpoint {self.rule.name}, which makes {self.target}, has not run yet"


class MissingInput(WorkflowError):
    pass


class SnakefileSyntaxError(WorkflowError):
    """A translation error; `text` is the user's own line."""

    def __init__(self, message, file, line, text=None, hint=None):
        super().__init__(message, file=file, line=line, hint=hint)
        self.text = text


def imported(package, user):
    """A package that a part of the language needs and that need not be installed."""
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        raise WorkflowError(
            f"{user} needs the Python package {package}, which is not installed for {sys.executable}"
        ) from None


def _type_name(exception):
    if isinstance(exception, IncompleteCheckpoint):
        return "IncompleteCheckpoint"
    if isinstance(exception, SnakefileSyntaxError):
        return "SyntaxError"
    if isinstance(exception, LookupFailed):
        return "LookupError"
    return getattr(exception, "shown_as", type(exception).__name__)


def _is_user_file(filename):
    if filename.startswith("<") or filename.startswith(_EVALUATOR_FOLDER + os.sep):
        return False
    for prefix in _library_folders():
        if filename.startswith(prefix):
            return False
    return True


def _library_folders():
    """Folders of installed code: the standard library and site-packages.

    The top folder of a virtual environment is not among them: the user's modules may be below it.
    """
    if not _library_folders.known:
        folder = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
        _library_folders.known = [folder, "/usr/lib/python3/"]
        for path in sys.path:
            if path.endswith("site-packages") or path.endswith("dist-packages"):
                _library_folders.known.append(path + os.sep)
    return _library_folders.known


_library_folders.known = []


def _user_frames(traceback):
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if _is_user_file(code.co_filename):
            frames.append((code.co_filename, traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    return frames


def _source_line(filename, line, cache={}):
    """One line of a file on disk, without its indentation."""
    if filename not in cache:
        cache.clear()
        try:
            with open(filename, encoding="utf-8", errors="replace") as file:
                cache[filename] = file.read().split("\n")
        except OSError:
            cache[filename] = []
    lines = cache[filename]
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _shown_name(name):
    """The name to show for a frame: a generated function is shown as the block that the user wrote."""
    if name.startswith("__furrow_run_"):
        return "run"
    if name.startswith("__furrow_hook_"):
        return name.split("_")[4]
    return name


def _frame_lines(frames):
    lines = []
    for filename, line, name in frames[-_MAX_FRAMES:]:
        where = "" if name == "<module>" else ", in " + _shown_name(name)
        lines.append(f'File "{filename}", line {line}{where}')
        text = _source_line(filename, line)
        if text:
            lines.append("    " + text[:300])
    return lines


def _innermost_user_frame(exception):
    """The frames in the user's code, innermost last, of the exception or of what caused it."""
    seen = 0
    while exception is not None and seen < 10:
        frames = _user_frames(exception.__traceback__)
        if frames:
            return frames
        exception = exception.__cause__ or exception.__context__
        seen += 1
    return []


def _message_of(exception):
    if isinstance(exception, KeyError) and len(exception.args) == 1:
        return f"the key {exception.args[0]!r} is not there"
    if isinstance(exception, SyntaxError):
        return exception.msg or "invalid syntax"
    try:
        text = str(exception)
    except Exception:
        text = ""
    for ours in _OUR_NAMES:
        text = text.replace(ours, "")
    if isinstance(exception, ImportError) and text.endswith(")"):
        head, _, path = text.rpartition(" (")
        text = head if path.startswith(_EVALUATOR_FOLDER) else text
    return text or type(exception).__name__


def describe(exception, rule=None):
    """The ERROR for an exception."""
    if isinstance(exception, RecursionError):
        exception.__context__ = None
    error = {"type": _type_name(exception), "message": _message_of(exception)}
    if isinstance(getattr(exception, "error", None), dict):  # the engine's answer to a question
        error.update(exception.error)
    frames = _innermost_user_frame(exception)
    if _is_syntax_error_in_file(exception):
        _add_place(error, exception.filename, exception.lineno, _source_line(exception.filename, exception.lineno))
    elif isinstance(exception, WorkflowError) and exception.line is not None:
        _add_place(error, exception.file, exception.line, getattr(exception, "text", None))
    elif frames:
        error["file"], error["line"] = frames[-1][0], frames[-1][1]
        error["traceback"] = _frame_lines(frames)
    hint = getattr(exception, "hint", None) or _hint_for(exception)
    if hint:
        error["hint"] = hint
    rule = getattr(exception, "rule", None) if isinstance(exception, WorkflowError) and exception.rule else rule
    if rule:
        error["rule"] = rule
    return error


def _is_syntax_error_in_file(exception):
    return isinstance(exception, SyntaxError) and exception.lineno and (exception.filename or "<")[0] != "<"


def _add_place(error, filename, line, text):
    error["file"] = filename
    error["line"] = line
    text = (text or "").strip()
    if text:
        error["traceback"] = [f'File "{filename}", line {line}', "    " + text[:300]]


def _hint_for(exception):
    if isinstance(exception, IncompleteCheckpoint):
        return "only an input function can wait for a checkpoint: ask for it there, so that it runs before this job"
    if isinstance(exception, ModuleNotFoundError):
        if (exception.name or "").split(".")[0] == "snakemake":
            from .engine_only import known_modules

            near = did_you_mean(exception.name.partition(".")[2], known_modules(), likeness=0.75)
            if near:
                return f"did you mean snakemake.{near}?"
            return "Furrow provides the parts of this package that Snakefiles use most; this part is not among them"
        return f"the Snakefile runs under {sys.executable}; choose another Python with --python or FURROW_PYTHON"
    near = _near_name(exception)
    return near and f"did you mean {near}?"


def _near_name(exception):
    """The name that the user may have meant, or None."""
    if not isinstance(exception, (ImportError, NameError)):
        return None
    import re

    words = re.findall(r"'([^']*)'", str(exception))
    if isinstance(exception, ImportError) and "cannot import name" in str(exception) and len(words) >= 2:
        module = sys.modules.get(words[1])
        known = list(vars(module)) + list(getattr(module, "__all__", ())) if module else []
        return did_you_mean(words[0], [name for name in known if not name.startswith("_")])
    if isinstance(exception, NameError) and not isinstance(exception, UnboundLocalError) and words:
        frames = exception.__traceback__
        while frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        names = {**frames.tb_frame.f_globals, **frames.tb_frame.f_locals} if frames else {}
        return did_you_mean(words[0], [name for name in [*names, *dir(builtins)] if not name.startswith("_")])
    return None


def user_traceback(exception):
    """Text for standard error: the user's frames, then the exception."""
    lines = _frame_lines(_innermost_user_frame(exception))
    head = ["Traceback (most recent call last):"] if lines else []
    body = ["  " + line for line in lines]
    return "\n".join(head + body + [f"{_type_name(exception)}: {_message_of(exception)}"]) + "\n"


def did_you_mean(word, choices, likeness=0.6):
    """The nearest of the choices, or None. difflib is imported late because only mistakes need it."""
    from difflib import get_close_matches

    found = get_close_matches(word, [str(choice) for choice in choices], n=1, cutoff=likeness)
    return found[0] if found else None
