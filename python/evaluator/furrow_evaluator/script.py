"""Prepares `script:` jobs: Python in a process of its own with the `snakemake` object, R and bash with a preamble in their own language."""

import os
import pickle
import sys

from .errors import NotYet, WorkflowError
from .formatting import fill
from .script_text import bash_preamble, insert_into_markdown, julia_preamble, r_preamble
from .shell import which
from .values import NamedList

kHere = os.path.dirname(os.path.abspath(__file__))
kPayloadFolder = os.path.join(".furrow", "payload")


class ScriptData:
    """What every language's script is told."""

    def __init__(self, rule, job, names, path):
        for name in ("input", "output", "params", "wildcards", "threads", "resources", "log"):
            setattr(self, name, names[name])
        self.config = rule.workflow.config
        self.rule = rule.name
        self.bench_iteration = job.get("bench_iteration")
        self.scriptdir = os.path.dirname(path)


def script_command(rule, job, names, lookup, for_real):
    path = rule.workflow.join(rule.basedir, fill(rule.script, lookup) if "{" in rule.script else rule.script)
    if rule.script.startswith(("http://", "https://", "github:", "git+")):
        raise NotYet("script %s: files from elsewhere are not fetched yet" % rule.script)
    if not os.path.isfile(path):
        raise WorkflowError(
            "the script %s of rule %s is not there (looked at %s)" % (rule.script, rule.name, path), file=rule.snakefile, line=rule.lineno, rule=rule.name
        )
    extension = os.path.splitext(path)[1].lower()
    maker = kMakers.get(extension)
    if maker is None:
        raise NotYet("script %s: scripts that end in %r are not carried out yet" % (rule.script, extension), file=rule.snakefile, line=rule.lineno)
    program, command = maker
    answer = {"show": " ".join([program, shown_path(path)])}
    if not for_real:
        return answer
    return {**answer, **command(rule, ScriptData(rule, job, names, path), path), "env": {}}


def shown_path(path):
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def payload_path(suffix):
    folder = os.path.abspath(kPayloadFolder)
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, os.urandom(8).hex() + suffix)


def write_payload(data, suffix):
    path = payload_path(suffix)
    with open(path, "wb") as file:
        file.write(data)
    return path


def python_command(rule, data, path):
    payload = write_payload(python_payload(rule, data), ".pickle")
    return {"argv": [sys.executable, os.path.join(kHere, "bootstrap.py"), payload, path], "payload": payload}


def python_payload(rule, data):
    values = {
        "input": data.input, "output": data.output, "params": data.params, "wildcards": data.wildcards, "threads": data.threads,
        "resources": data.resources, "log": data.log, "config": data.config, "rule": data.rule, "bench_iteration": data.bench_iteration,
        "scriptdir": data.scriptdir,
    }  # fmt: skip
    try:
        return pickle.dumps(values, protocol=4)
    except Exception as error:
        raise WorkflowError("%s: %s" % (unpicklable(values), error), rule=rule.name, file=rule.snakefile, line=rule.lineno) from None


def unpicklable(values):
    """Which of the values cannot travel to another process."""
    for name, value in values.items():
        pairs = list(value.items()) if isinstance(value, NamedList) and value.names_ else list(enumerate(value)) if isinstance(value, list) else []
        for key, item in pairs:
            try:
                pickle.dumps(item, protocol=4)
            except Exception:
                return "the value of %s.%s cannot be handed to a script" % (name, key)
    return "a value cannot be handed to a script"


def read_text(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def text_payload(text, suffix):
    return write_payload(text.encode("utf-8", "surrogateescape"), suffix)


def needed_program(name):
    path = which(name)
    if path is None:
        raise WorkflowError("the script needs %s, which is not on PATH" % name)
    return path


def r_command(rule, data, path):
    payload = text_payload(r_preamble(data) + read_text(path), ".R")
    return {"argv": [needed_program("Rscript"), "--vanilla", payload], "payload": payload}


def markdown_command(rule, data, path):
    if len(data.output) != 1:
        raise WorkflowError("a script that ends in .Rmd needs exactly one output", rule=rule.name, file=rule.snakefile, line=rule.lineno)
    payload = text_payload(insert_into_markdown(read_text(path), r_preamble(data)), ".Rmd")
    render = 'rmarkdown::render("%s", output_file="%s", quiet=TRUE, knit_root_dir="%s", params=list(rmd="%s"))'
    text = render % (payload, os.path.abspath(data.output[0]), os.getcwd(), payload)
    return {"argv": [needed_program("Rscript"), "--vanilla", "-e", text], "payload": payload}


def bash_command(rule, data, path):
    text = read_text(path)
    first = "#!/usr/bin/env bash\n"
    if text.startswith("#!") and not text.startswith("#!["):
        first, _, text = text.partition("\n")
        first += "\n"
    payload = text_payload(first + bash_preamble(data) + text, ".sh")
    return {"argv": [needed_program("bash"), payload], "payload": payload}


def julia_command(rule, data, path):
    payload = text_payload(julia_preamble(data) + read_text(path), ".jl")
    return {"argv": [needed_program("julia"), payload], "payload": payload}


kMakers = {
    ".py": ("python3", python_command), ".r": ("Rscript", r_command), ".rmd": ("Rscript", markdown_command), ".sh": ("bash", bash_command),
    ".bash": ("bash", bash_command), ".jl": ("julia", julia_command),
}  # fmt: skip
