"""Runs a command for each of many values with `furrow map`, and says what became of each."""

import json
import os
import tempfile

from furrow import _command

# Words that `furrow map` takes for the start of values.
_SEPARATORS = frozenset([":::", "::::", ":::+", "::::+"])


class MapFailed(RuntimeError):
    """The commands could not be run at all: the message is what `furrow map` says."""


class CommandResult:
    """What became of the command for one value.

    `state` is "done", "failed" (with `status`, or the `signal` that ended it) or "unstarted". `values` are those that
    the command was made from, as texts, and `command` is its text. `stdout` and `stderr` are what it printed; bytes
    that are not UTF-8 are replaced. All but `values` and `state` are None if it did not run.
    """

    __slots__ = ("values", "state", "command", "stdout", "stderr", "status", "signal", "started_at", "seconds")

    def __init__(self, values, row=None):
        for name in self.__slots__:
            setattr(self, name, None)
        self.values = values
        self.state = "unstarted"
        if row is not None:
            self.command, self.stdout, self.stderr = row["Command"], row["Stdout"], row["Stderr"]
            self.status, self.signal = row["Exitval"], row["Signal"] or None
            self.started_at, self.seconds = row["Starttime"], row["JobRuntime"]
            self.state = "failed" if self.status or self.signal else "done"

    def __repr__(self):
        return f"<{self.command or ' '.join(self.values)}: {self.state}>"


class MapCommandResult(_command.Results):
    """The CommandResults in the order of the values. `ok`: all are done. `output`: what `furrow map` itself printed."""


def map_command(command, values, *, jobs=None, directory=None, options=(), quiet=True, program=None):
    """Runs a command for each value, as `furrow map` does; returns a MapCommandResult: a list with what became of each.

    command: a text for the shell, in which {} stands for the value, quoted ({.}, {/} and others: `furrow map --help`);
    or a list of words, which the shell sees as they are. values: texts, paths and numbers; or tuples of them, for {1},
    {2} and so on. jobs: how many run at a time, as -j has it (by default, one for each core). directory: where they
    run. options: more options of `furrow map`, as on the command line. quiet: keep what `furrow map` itself prints for
    `output` of the result, instead of showing it. program: the furrow command.

    A command that fails is no exception: its state says so, and `ok` of the result is False. MapFailed is raised if
    none can run, for example for a mistake in options.
    """
    rows = [_row(value) for value in values]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("some values have more parts than others")
    with tempfile.TemporaryDirectory(prefix="furrow-") as folder:
        results = os.path.join(folder, "results.json")
        argv = [_command.find(program), "map", "-0", "--results", results]
        if rows and len(rows[0]) > 1:
            argv += ["-N", str(len(rows[0]))]
        if jobs is not None:
            argv += ["--jobs", str(jobs)]
        if directory is not None:
            argv += ["--wd", os.path.abspath(os.fspath(directory))]
        argv += [*map(os.fspath, options), *_words(command)]
        with tempfile.TemporaryFile() as given:
            given.write(b"".join(os.fsencode(part) + b"\0" for row in rows for part in row))
            given.seek(0)
            status, output = _command.execute(argv, quiet, given)
        if status and not os.path.exists(results):
            raise MapFailed(output.strip() or f"furrow map ended with status {status}")
        return MapCommandResult(_results(rows, results), status, output)


def _row(value):
    parts = tuple(map(_text, value if isinstance(value, tuple) else (value,)))
    if not parts:
        raise ValueError("a value is an empty tuple")
    for part in parts:
        if "\0" in part:
            raise ValueError(f"a value of a command cannot hold the character NUL: {part!r}")
    return parts


def _text(part):
    if isinstance(part, (str, bytes, os.PathLike)):
        return os.fsdecode(part)
    if isinstance(part, (int, float)):
        return str(part)
    raise TypeError("a value of a command is a text, a path or a number, or a tuple of them, not "
                    f"{type(part).__name__}")


def _words(command):
    words = [command] if isinstance(command, str) else list(map(_text, command))
    if not words:
        raise ValueError("the command has no words")
    for word in words:
        if word in _SEPARATORS:
            raise ValueError(f"a command cannot have the word {word}, which starts values")
    return ["--", *words] if isinstance(command, str) else ["--quote", "--", *words]


def _results(rows, path):
    made = [CommandResult(row) for row in rows]
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in map(json.loads, file):
                at = line["Seq"] - 1
                if at >= len(rows) or not _same(rows[at], line["V"]):
                    raise MapFailed(f"an option has changed which values go together: {line['Command']}")
                made[at] = CommandResult(rows[at], line)
    return made


def _same(row, shown):
    return len(row) == len(shown) and all(map(_is_shown_as, row, shown))


def _is_shown_as(part, shown):
    return part == shown or "\ufffd" in shown  # which stands for bytes that are not UTF-8
