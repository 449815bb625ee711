"""`shell(...)` as `run:` blocks, hooks and scripts call it, and how commands of rules are run."""

import os
import sys

from .errors import WorkflowError
from .formatting import format_from_frame
from .resources import temporary_folder
from .values import NamedList

_STRICT_MODE = "set -euo pipefail; "
_MAX_COMMAND = 120000
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


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
    return _STRICT_MODE if os.path.basename(executable) == "bash" else ""


class shell:
    """shell(command): runs it, filled with the names that the caller sees; raises CalledProcessError if it fails."""

    conda_block_conflicting_envvars = True

    def __new__(cls, cmd, *args, iterable=False, read=False, bench_record=None, _frames=0, **kwargs):
        if "stepout" in kwargs:
            raise KeyError("shell(...) takes no argument stepout")
        frame = sys._getframe(1 + _frames)
        command = format_from_frame(cmd, args, kwargs, 1 + _frames)
        names = {**frame.f_locals, **kwargs}
        return _run_command(command, names, iterable, read)

    @classmethod
    def executable(cls, cmd):
        path = which(str(cmd)) if cmd else None
        if cmd and path is None:
            raise WorkflowError(f"shell.executable: {cmd} is not on PATH")
        State.executable = path
        if path and os.path.basename(path) != "bash" and State.prefix == _STRICT_MODE:
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


def _environment(names):
    variables = dict(os.environ)
    threads = names.get("threads")
    if threads is None and hasattr(names.get("snakemake"), "threads"):
        threads = names["snakemake"].threads
    for variable in _THREAD_VARIABLES:
        variables[variable] = str(threads if isinstance(threads, int) else 1)
    folder = _resource(names, "tmpdir")
    if folder:
        for variable in ("TMPDIR", "TMP", "TEMPDIR", "TEMP"):
            variables[variable] = str(folder)
    variables.update(names.get("additional_envvars") or {})
    return variables


def _resource(names, name):
    resources = names.get("resources")
    if resources is None and hasattr(names.get("snakemake"), "resources"):
        resources = names["snakemake"].resources
    return resources.get(name) if isinstance(resources, (dict, NamedList)) else None


def _run_command(command, names, iterable, read):
    import subprocess

    executable = _resource(names, "shell_exec") or default_executable()
    executable = which(str(executable)) or str(executable)
    text = " ".join((prefix_for(executable), command, State.suffix)).strip()
    if State.echo:
        print(command, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    arguments, script = _command_arguments(executable, text)
    piped = iterable or read
    stdout = subprocess.PIPE if piped else _output_descriptor()
    process = subprocess.Popen(arguments, stdout=stdout, universal_newlines=piped or None, env=_environment(names))
    if iterable:
        return _lines_of(process, text, script)
    answer = process.stdout.read() if read else None
    _finish(process, text, script)
    return answer


def _output_descriptor():
    """The descriptor of sys.stdout; None if user code has replaced it with a stream that has no descriptor."""
    try:
        return sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _command_arguments(executable, text):
    """A command line. A text longer than the kernel takes as one argument goes into a file."""
    if len(text) < _MAX_COMMAND // 4 or len(text.encode("utf-8", "surrogateescape")) < _MAX_COMMAND:
        return [executable, "-c", text], None
    path = os.path.join(temporary_folder(), f"furrow-command-{os.getpid()}-{os.urandom(4).hex()}.sh")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text + "\n")
    return [executable, path], path


def _finish(process, text, script):
    status = process.wait()
    if script:
        os.unlink(script)
    if status:
        import subprocess

        raise subprocess.CalledProcessError(status, text)


def _lines_of(process, text, script):
    for line in process.stdout:
        yield line[:-1] if line.endswith("\n") else line
    _finish(process, text, script)
