"""Errors, and how an exception becomes the ERROR of the protocol: the user's file and line, never a frame of ours."""

import os
import sys

kHere = os.path.dirname(os.path.abspath(__file__))
kEvaluatorFolder = os.path.dirname(kHere)
kMaxFrames = 12
kOurNames = ("furrow_evaluator.rules.", "furrow_evaluator.workflow.", "RuleBuilder.", "Directives.", "__furrow__.", "__r.")


class WorkflowError(Exception):
    """The language was misused. `file` and `line` say where, if it is not the line that was being executed."""

    def __init__(self, *args, file=None, line=None, hint=None, rule=None, **ignored):
        super().__init__(*args)
        self.file = file
        self.line = line
        self.hint = hint
        self.rule = getattr(rule, "name", rule)

    def __str__(self):
        return "\n".join(str(arg) for arg in self.args)


class NotYet(WorkflowError):
    """Language that Furrow knows and does not carry out yet."""


class WildcardError(WorkflowError):
    pass


class LookupFailed(WorkflowError):
    pass


class MissingInput(WorkflowError):
    pass


class SnakefileSyntaxError(WorkflowError):
    """A translation error; `text` is the user's own line."""

    def __init__(self, message, file, line, text=None, hint=None):
        super().__init__(message, file=file, line=line, hint=hint)
        self.text = text


def type_name(exception):
    if isinstance(exception, SnakefileSyntaxError):
        return "SyntaxError"
    if isinstance(exception, LookupFailed):
        return "LookupError"
    return type(exception).__name__


def is_user_file(filename):
    if filename.startswith("<") or filename.startswith(kEvaluatorFolder + os.sep):
        return False
    for prefix in library_folders():
        if filename.startswith(prefix):
            return False
    return True


def library_folders():
    """Folders of installed code: the standard library and site-packages, but not the user's modules in a folder below a virtual environment."""
    if not library_folders.known:
        folder = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
        library_folders.known = [folder, "/usr/lib/python3/"]
        for path in sys.path:
            if path.endswith("site-packages") or path.endswith("dist-packages"):
                library_folders.known.append(path + os.sep)
    return library_folders.known


library_folders.known = []


def user_frames(traceback):
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_user_file(code.co_filename):
            frames.append((code.co_filename, traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    return frames


def source_line(filename, line, cache={}):
    """One line of a file as it is on disk, without its indentation."""
    if filename not in cache:
        cache.clear()
        try:
            with open(filename, encoding="utf-8", errors="replace") as file:
                cache[filename] = file.read().split("\n")
        except OSError:
            cache[filename] = []
    lines = cache[filename]
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def shown_name(name):
    """What to call a frame: the functions that translation makes have names nobody wrote."""
    if name.startswith("__furrow_run_"):
        return "run"
    if name.startswith("__furrow_hook_"):
        return name.split("_")[4]
    return name


def frame_lines(frames):
    lines = []
    for filename, line, name in frames[-kMaxFrames:]:
        where = "" if name == "<module>" else ", in " + shown_name(name)
        lines.append('File "%s", line %d%s' % (filename, line, where))
        text = source_line(filename, line)
        if text:
            lines.append("    " + text[:300])
    return lines


def innermost_user_frame(exception):
    """The innermost frame in the user's code, of the exception or of what caused it."""
    seen = 0
    while exception is not None and seen < 10:
        frames = user_frames(exception.__traceback__)
        if frames:
            return frames
        exception = exception.__cause__ or exception.__context__
        seen += 1
    return []


def message_of(exception):
    if isinstance(exception, KeyError) and len(exception.args) == 1:
        return "the key %r is not there" % (exception.args[0],)
    if isinstance(exception, SyntaxError):
        return exception.msg or "invalid syntax"
    try:
        text = str(exception)
    except Exception:
        text = ""
    for ours in kOurNames:
        text = text.replace(ours, "")
    return text or type(exception).__name__


def describe(exception, rule=None):
    """The ERROR for an exception."""
    if isinstance(exception, RecursionError):
        exception.__context__ = None
    error = {"type": type_name(exception), "message": message_of(exception)}
    if isinstance(getattr(exception, "error", None), dict):  # what the engine has answered to a question
        error.update(exception.error)
    frames = innermost_user_frame(exception)
    if is_syntax_error_in_file(exception):
        add_place(error, exception.filename, exception.lineno, source_line(exception.filename, exception.lineno))
    elif isinstance(exception, WorkflowError) and exception.line is not None:
        add_place(error, exception.file, exception.line, getattr(exception, "text", None))
    elif frames:
        error["file"], error["line"] = frames[-1][0], frames[-1][1]
        error["traceback"] = frame_lines(frames)
    hint = getattr(exception, "hint", None) or hint_for(exception)
    if hint:
        error["hint"] = hint
    rule = getattr(exception, "rule", None) if isinstance(exception, WorkflowError) and exception.rule else rule
    if rule:
        error["rule"] = rule
    return error


def is_syntax_error_in_file(exception):
    return isinstance(exception, SyntaxError) and exception.lineno and (exception.filename or "<")[0] != "<"


def add_place(error, filename, line, text):
    error["file"] = filename
    error["line"] = line
    text = (text or "").strip()
    if text:
        error["traceback"] = ['File "%s", line %d' % (filename, line), "    " + text[:300]]


def hint_for(exception):
    if isinstance(exception, ModuleNotFoundError):
        if (exception.name or "").split(".")[0] == "snakemake":
            return "Furrow brings the parts of this package that Snakefiles use most; this part is not among them"
        return "the Snakefile runs under %s; choose another Python with --python or FURROW_PYTHON" % sys.executable
    return None


def user_traceback(exception):
    """Text for standard error: the user's frames, then the exception."""
    lines = frame_lines(innermost_user_frame(exception))
    head = ["Traceback (most recent call last):"] if lines else []
    body = ["  " + line for line in lines]
    return "\n".join(head + body + ["%s: %s" % (type_name(exception), message_of(exception))]) + "\n"


def did_you_mean(word, choices):
    """The nearest of the choices, or None. difflib is imported only here, where a mistake has been made already."""
    from difflib import get_close_matches

    found = get_close_matches(word, [str(choice) for choice in choices], n=1, cutoff=0.6)
    return found[0] if found else None
