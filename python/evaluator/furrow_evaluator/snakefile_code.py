"""The code of a Snakefile: translated, compiled, and kept in the user's cache, as Python keeps that of its modules.

A file of the cache belongs to one path. It holds the text that its code was made from, so that it is used for this
text only. To translate anew takes ten times as long as to read it, mostly because the tokenizer has to be loaded.
"""

import _imp
import marshal
import os
import stat
import sys
from _frozen_importlib_external import MAGIC_NUMBER

from .errors import SnakefileSyntaxError
from .source import read_source
from .user_cache import user_cache

_CACHE = "snakefiles"
_MAX_FILES = 500
_HASH_BYTES = 8
# The cache is of no use for another translator.
_TRANSLATOR = ("translate.py", "token_reader.py", "snakefile_code.py")


class SnakefileCode:
    """The code of Snakefiles by path, which all uses of a module share."""

    def __init__(self):
        self.files = []  # in the order of their first use
        self.run_texts = {}  # what identifies the code of each `run:` block, by the name of its function
        self._made = {}
        self._new = []
        self._version = _version()

    def of(self, path):
        """The text of a Snakefile and its code."""
        if path not in self._made:
            text = read_source(path)
            identity = [self._version, path, len(self.files), text]
            kept = _read(_place(path), identity)
            if kept is None:
                kept = _translated(text, path, len(self.files))
                self._new.append((identity, kept))
            self.files.append(path)
            self.run_texts.update(kept[0])
            self._made[path] = text, kept[1]
        return self._made[path]

    def texts(self):
        return [text for text, _ in self._made.values()]

    def keep_new(self):
        """Writes what was translated to the cache, if it can be written."""
        new, self._new = self._new, []
        try:
            for identity, made in new:
                _write(_place(identity[1]), identity, made)
            if new:
                _remove_oldest(user_cache(_CACHE))
        except (OSError, ValueError):
            pass

    def translation(self):
        """The Python that all files are translated to."""
        from .translate import translate

        parts = [f"# {path}\n{translate(read_source(path), path, at).text}" for at, path in enumerate(self.files)]
        return "\n".join(parts) + "\n"


def _translated(text, path, index):
    from .translate import translate

    translation = translate(text, path, index)
    return [translation.runs, _compile_quietly(translation.text, path, text)]


# The cache.


def _version():
    folder = os.path.dirname(__file__)
    sources = [os.stat(os.path.join(folder, name)) for name in _TRANSLATOR]
    return [MAGIC_NUMBER, sys.flags.optimize, [[source.st_size, source.st_mtime_ns] for source in sources]]


def _hash(data):
    return _imp.source_hash(0, data)


def _place(path):
    return os.path.join(user_cache(_CACHE), _hash(os.fsencode(path)).hex())


def _read(place, identity):
    """The values of the file, if it was made from the same; else None.

    Code is taken only from a file that nobody else could write, and that is whole.
    """
    try:
        with open(place, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            data = file.read()
        if data[:_HASH_BYTES] != _hash(data[_HASH_BYTES:]):
            return None
        found = marshal.loads(data[_HASH_BYTES:])
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return found[4:] if found[:4] == identity else None


def _write(place, identity, made):
    data = marshal.dumps(identity + made)
    temporary = f"{place}.{os.getpid()}"
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(_hash(data) + data)
        os.rename(temporary, place)
    except OSError:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _remove_oldest(folder):
    files = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(files) > _MAX_FILES:
        for path in sorted(files, key=os.path.getmtime)[: len(files) - _MAX_FILES // 2]:
            os.unlink(path)


# Compiling.


def _compile_quietly(text, path, original):
    """Compiles without warnings about escapes such as "\\d": most of them are right, in shell commands."""
    if sys.version_info >= (3, 12):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _compile_text(text, path, original)
    return _compile_text(text, path, original)


def _compile_text(text, path, original):
    try:
        return compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        lines = original.split("\n")
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        raise SnakefileSyntaxError(error.msg, path, line, shown, _hint_for_syntax(error, shown)) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SnakefileSyntaxError(
            "the file cannot be compiled: %s" % (str(error) or type(error).__name__), path, 1
        ) from None


def _hint_for_syntax(error, line):
    if "positional argument follows keyword" in error.msg:
        return "arguments without a name come before those with one"
    if "forgot a comma" in error.msg:
        return "is a comma missing between two arguments?"
    if isinstance(error, TabError):
        return "use spaces alone, or tabs alone"
    return None
