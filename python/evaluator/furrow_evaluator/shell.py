"""`shell(...)` as `run:` blocks, hooks and scripts call it, and how commands of rules are to be run."""

import os
import sys

from .errors import WorkflowError
from .formatting import format_from_frame
from .resources import temporary_folder
from .values import NamedList

kStrictMode = "set -euo pipefail; "
kMaxCommand = 120000
kThreadVariables = (
    "OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


def which(program):
    if os.path.dirname(program):
        return program if os.access(program, os.X_OK) else None
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, program)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


class State:
    """What shell.executable, shell.prefix and shell.suffix have set."""

    executable = None
    prefix = None
    suffix = ""
    echo = False


def default_executable():
    if State.executable is None:
        State.executable = which("bash") or which("sh") or "/bin/sh"
    return State.executable


def prefix_for(executable):
    if State.prefix is not None:
        return State.prefix
    return kStrictMode if os.path.basename(executable) == "bash" else ""


class shell:
    """shell(command): runs it, filled with the names that the caller sees; raises CalledProcessError if it fails."""

    conda_block_conflicting_envvars = True

    def __new__(cls, cmd, *args, iterable=False, read=False, bench_record=None, **kwargs):
        if "stepout" in kwargs:
            raise KeyError("shell(...) takes no argument stepout")
        frame = sys._getframe(1)
        command = format_from_frame(cmd, args, kwargs, 1)
        names = {**frame.f_locals, **kwargs}
        return run_command(command, names, iterable, read)

    @classmethod
    def executable(cls, cmd):
        path = which(str(cmd)) if cmd else None
        if cmd and path is None:
            raise WorkflowError("shell.executable: %s is not on PATH" % cmd)
        State.executable = path
        if path and os.path.basename(path) != "bash" and State.prefix == kStrictMode:
            State.prefix = None

    @classmethod
    def get_executable(cls):
        return default_executable()

    @classmethod
    def prefix(cls, prefix):
        State.prefix = format_from_frame(prefix, (), {}, 1)

    @classmethod
    def suffix(cls, suffix):
        State.suffix = format_from_frame(suffix, (), {}, 1)

    @classmethod
    def check_output(cls, cmd, **kwargs):
        import subprocess

        return subprocess.check_output(cmd, shell=True, executable=default_executable(), **kwargs)


def environment(names):
    variables = dict(os.environ)
    threads = names.get("threads")
    if threads is None and hasattr(names.get("snakemake"), "threads"):
        threads = names["snakemake"].threads
    for variable in kThreadVariables:
        variables[variable] = str(threads if isinstance(threads, int) else 1)
    folder = resource(names, "tmpdir")
    if folder:
        for variable in ("TMPDIR", "TMP", "TEMPDIR", "TEMP"):
            variables[variable] = str(folder)
    variables.update(names.get("additional_envvars") or {})
    return variables


def resource(names, name):
    resources = names.get("resources")
    if resources is None and hasattr(names.get("snakemake"), "resources"):
        resources = names["snakemake"].resources
    return resources.get(name) if isinstance(resources, (dict, NamedList)) else None


def run_command(command, names, iterable, read):
    import subprocess

    executable = resource(names, "shell_exec") or default_executable()
    executable = which(str(executable)) or str(executable)
    text = " ".join((prefix_for(executable), command, State.suffix)).strip()
    if State.echo:
        print(command, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    arguments, script = command_arguments(executable, text)
    piped = iterable or read
    stdout = subprocess.PIPE if piped else output_descriptor()
    process = subprocess.Popen(arguments, stdout=stdout, universal_newlines=piped or None, env=environment(names))
    if iterable:
        return lines_of(process, text, script)
    answer = process.stdout.read() if read else None
    finish(process, text, script)
    return answer


def output_descriptor():
    """Standard output where the user's code has not put something else in its place."""
    try:
        return sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def command_arguments(executable, text):
    """A command line, by way of a file where it is longer than the kernel takes as one argument."""
    if len(text) < kMaxCommand // 4 or len(text.encode("utf-8", "surrogateescape")) < kMaxCommand:
        return [executable, "-c", text], None
    path = os.path.join(temporary_folder(), "furrow-command-%d-%s.sh" % (os.getpid(), os.urandom(4).hex()))
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text + "\n")
    return [executable, path], path


def finish(process, text, script):
    status = process.wait()
    if script:
        os.unlink(script)
    if status:
        import subprocess

        raise subprocess.CalledProcessError(status, text)


def lines_of(process, text, script):
    for line in process.stdout:
        yield line[:-1] if line.endswith("\n") else line
    finish(process, text, script)
