"""Prepares `script:` jobs: Python in its own process with the `snakemake` object, other languages with a preamble."""

import os
import sys

from .by_value import dumps
from .errors import NotYet, WorkflowError
from .formatting import fill
from .script_text import bash_preamble, insert_into_markdown, julia_preamble, r_preamble
from .shell import which
from .values import NamedList

# The module that the Snakefile is.
MODULE_NAME = "furrow_snakefile"
_HERE = os.path.dirname(os.path.abspath(__file__))
_PAYLOAD_FOLDER = os.path.join(".furrow", "payload")


class _ScriptData:
    """What a script receives, in any language."""

    def __init__(self, rule, job, names, path):
        for name in ("input", "output", "params", "wildcards", "threads", "resources", "log"):
            setattr(self, name, names[name])
        self.config = rule.config
        self.rule = rule.name
        self.bench_iteration = job.get("bench_iteration")
        self.scriptdir = os.path.dirname(path)


def script_command(rule, job, names, lookup, for_real):
    path = rule.source_path(fill(rule.script, lookup) if "{" in rule.script else rule.script)
    if names.job_values.is_preview and os.path.abspath(path) in map(os.path.abspath, names["input"]):
        return {}  # a job before this one makes it
    if not os.path.isfile(path):
        raise WorkflowError(
            f"the script {rule.script} of rule {rule.name} is not there (looked at {path})",
            file=rule.snakefile,
            line=rule.lineno,
            rule=rule.name,
        )
    extension = os.path.splitext(path)[1].lower()
    maker = _MAKERS.get(extension)
    if maker is None:
        raise NotYet(
            f"script {rule.script}: scripts that end in {extension!r} are not supported yet",
            file=rule.snakefile,
            line=rule.lineno,
        )
    program, command = maker
    answer = {"show": " ".join([program, _shown_path(path)])}
    data = _ScriptData(rule, job, names, path)
    if names.job_values.has_unknown:
        return answer
    made = command(rule, data, path, _Payload(for_real))
    return {**answer, **made, "env": {}} if for_real else answer


def _shown_path(path):
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


class _Payload:
    """Writes the files that scripts receive; in a dry run, only says where they would be."""

    def __init__(self, for_real):
        self.for_real = for_real

    def write(self, data, suffix):
        folder = os.path.abspath(_PAYLOAD_FOLDER)
        path = os.path.join(folder, os.urandom(8).hex() + suffix)
        if self.for_real:
            os.makedirs(folder, exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        return path

    def write_text(self, text, suffix):
        return self.write(text.encode("utf-8", "surrogateescape"), suffix)


def _python_command(rule, data, path, payload):
    file = payload.write(_python_payload(rule, data), ".pickle")
    return {"argv": [sys.executable, os.path.join(_HERE, "bootstrap.py"), file, path], "payload": file}


def _python_payload(rule, data):
    values = {
        "input": data.input,
        "output": data.output,
        "params": data.params,
        "wildcards": data.wildcards,
        "threads": data.threads,
        "resources": data.resources,
        "log": data.log,
        "config": data.config,
        "rule": data.rule,
        "bench_iteration": data.bench_iteration,
        "scriptdir": data.scriptdir,
    }
    try:
        return dumps(values, MODULE_NAME)
    except Exception as error:
        raise WorkflowError(
            f"{_unpicklable(values)}: {error}", rule=rule.name, file=rule.snakefile, line=rule.lineno
        ) from None


def _pairs_of(value):
    if isinstance(value, NamedList) and value._names:
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _unpicklable(values):
    """Says which of the values cannot be sent to another process."""
    for name, value in values.items():
        for key, item in _pairs_of(value):
            try:
                dumps(item, MODULE_NAME)
            except Exception:
                return f"the value of {name}.{key} cannot be passed to a script"
    return "a value cannot be passed to a script"


def _read_text(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _needed_program(name):
    path = which(name)
    if path is None:
        raise WorkflowError(f"the script needs {name}, which is not on PATH")
    return path


def _r_command(rule, data, path, payload):
    file = payload.write_text(r_preamble(data) + _read_text(path), ".R")
    return {"argv": [_needed_program("Rscript"), "--vanilla", file], "payload": file}


def _markdown_command(rule, data, path, payload):
    if len(data.output) != 1:
        raise WorkflowError(
            "a script that ends in .Rmd needs exactly one output", rule=rule.name, file=rule.snakefile, line=rule.lineno
        )
    file = payload.write_text(insert_into_markdown(_read_text(path), r_preamble(data)), ".Rmd")
    render = 'rmarkdown::render("%s", output_file="%s", quiet=TRUE, knit_root_dir="%s", params=list(rmd="%s"))'
    text = render % (file, os.path.abspath(data.output[0]), os.getcwd(), file)
    return {"argv": [_needed_program("Rscript"), "--vanilla", "-e", text], "payload": file}


def _bash_command(rule, data, path, payload):
    text = _read_text(path)
    first = "#!/usr/bin/env bash\n"
    if text.startswith("#!") and not text.startswith("#!["):
        first, _, text = text.partition("\n")
        first += "\n"
    file = payload.write_text(first + bash_preamble(data) + text, ".sh")
    return {"argv": [_needed_program("bash"), file], "payload": file}


def _julia_command(rule, data, path, payload):
    file = payload.write_text(julia_preamble(data) + _read_text(path), ".jl")
    return {"argv": [_needed_program("julia"), file], "payload": file}


_MAKERS = {
    ".py": ("python3", _python_command),
    ".r": ("Rscript", _r_command),
    ".rmd": ("Rscript", _markdown_command),
    ".sh": ("bash", _bash_command),
    ".bash": ("bash", _bash_command),
    ".jl": ("julia", _julia_command),
}
