"""Prepares `script:`, `notebook:` and `wrapper:` jobs: a program in its own process, and the `snakemake` object for it.

Python scripts get it as a pickle, other languages as a text before their own.
"""

import os
import sys

from .by_value import dumps
from .deployment import environment_of, folders_of
from .errors import NotYet, WorkflowError
from .formatting import fill
from .resources import NODE_FOLDER
from .script_text import bash_preamble, insert_into_markdown, julia_preamble, r_preamble, r_render
from .shell import which
from .source_files import shown_place
from .values import OPEN_FOLDER, NamedList

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
        self.folder = os.path.abspath(job.get("cwd") or ".")  # where the job runs
        self.scriptdir = os.path.dirname(shown_place(path))


def script_command(rule, job, names, lookup, for_real):
    try:
        return _script_command(rule, job, names, lookup, for_real)
    except WorkflowError as error:
        if error.line is None:
            error.file, error.line = rule.snakefile, rule.lineno
        raise


def _script_command(rule, job, names, lookup, for_real):
    if rule.wrapper is not None:
        path, shown = rule.located_wrapper().script(may_fetch=for_real or not rule.workflow.dryrun), rule.wrapper
        if path is None:
            return {"show": f"wrapper {shown}"}
    else:
        written = rule.script if rule.notebook is None else rule.notebook
        path = rule.source_path(fill(written, lookup) if "{" in written else written)
        shown = _shown_path(path)
        if rule.notebook is not None:
            work = rule.workflow.notebook_work(names["output"])
            if work is not None:
                return _work_on_notebook(rule, job, names, work, path, for_real)
        if names.job_values.is_preview and os.path.abspath(path) in map(os.path.abspath, names["input"]):
            return {}  # a job before this one makes it
        _check_there(rule, written, path)
    program, command = _maker_for(rule, path)
    what = "wrapper" if rule.wrapper is not None else "notebook" if rule.notebook is not None else program
    answer = {"show": f"{what} {shown}"}
    if names.job_values.has_unknown:
        return answer
    made = command(rule, _ScriptData(rule, job, names, path), path, _Payload(for_real))
    if not for_real:
        return answer
    return {**answer, **made, "env": {}, **folders_of(rule, os.path.dirname(_HERE), os.path.dirname(path))}


def _check_there(rule, written, path):
    if not os.path.isfile(path):
        what = "script" if rule.notebook is None else "notebook"
        raise WorkflowError(
            f"the {what} {written} of rule {rule.name} is not there (looked at {shown_place(path)})", rule=rule.name
        )


def _maker_for(rule, path):
    extension = os.path.splitext(path)[1].lower()
    if rule.notebook is not None:
        if extension != ".ipynb":
            raise WorkflowError(f"notebook {rule.notebook}: a notebook is a file that ends in .ipynb")
        return _MAKERS[extension]
    if extension not in _MAKERS or extension == ".ipynb":
        raise NotYet(f"script {rule.script}: scripts that end in {extension!r} are not supported yet")
    return _MAKERS[extension]


def _shown_path(path):
    if shown_place(path) != path:
        return shown_place(path)
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
    return {"argv": [_python_for(rule), os.path.join(_HERE, "bootstrap.py"), file, path], "payload": file}


def _python_for(rule):
    return "python3" if environment_of(rule) else sys.executable


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
        # The same length, so that the pickle stays one; the script's Python puts the folder there.
        return dumps(values, MODULE_NAME).replace(NODE_FOLDER.encode(), OPEN_FOLDER)
    except Exception as error:
        raise WorkflowError(f"{_unpicklable(values)}: {error}", rule=rule.name) from None


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


_identities = {}  # by path, size and time


def content_identity(path):
    """What tells the content of a script from any other. Jobs share scripts, so each is read once."""
    from hashlib import sha256

    status = os.stat(path)
    key = path, status.st_size, status.st_mtime_ns
    if key not in _identities:
        with open(path, "rb") as file:
            _identities[key] = sha256(file.read()).hexdigest()[:16]
    return f"{os.path.basename(path)} {_identities[key]}"


def _needed_program(rule, name):
    if environment_of(rule):
        return name  # the engine finds it in the environment
    path = which(name)
    if path is None:
        raise WorkflowError(f"the script needs {name}, which is not on PATH", rule=rule.name)
    return path


def _r_command(rule, data, path, payload):
    file = payload.write_text(r_preamble(data) + _read_text(path), ".R")
    return {"argv": [_needed_program(rule, "Rscript"), "--vanilla", file], "payload": file}


def _markdown_command(rule, data, path, payload):
    if len(data.output) != 1:
        raise WorkflowError("a script that ends in .Rmd needs exactly one output", rule=rule.name)
    file = payload.write_text(insert_into_markdown(_read_text(path), r_preamble(data)), ".Rmd")
    call = r_render(file, data.output[0])
    return {"argv": [_needed_program(rule, "Rscript"), "--vanilla", "-e", call], "payload": file}


def _bash_command(rule, data, path, payload):
    text = _read_text(path)
    first = "#!/usr/bin/env bash\n"
    if text.startswith("#!") and not text.startswith("#!["):
        first, _, text = text.partition("\n")
        first += "\n"
    file = payload.write_text(first + bash_preamble(data) + text, ".sh")
    return {"argv": [_needed_program(rule, "bash"), file], "payload": file}


def _julia_command(rule, data, path, payload):
    file = payload.write_text(julia_preamble(data) + _read_text(path), ".jl")
    return {"argv": [_needed_program(rule, "julia"), file], "payload": file}


def _rust_command(rule, data, path, payload):
    from .rust_text import DEPENDENCIES, insert_into_rust, rust_preamble

    file = payload.write_text(insert_into_rust(_read_text(path), rust_preamble(data)), ".rs")
    needed = [word for package in DEPENDENCIES for word in ("-d", package)]
    return {"argv": [_needed_program(rule, "rust-script"), *needed, file], "payload": file}


def _preamble_in_python(rule, data, path, folder=None):
    from .preamble import python_preamble

    return python_preamble(_python_payload(rule, data), path, folder)


def _xonsh_command(rule, data, path, payload):
    file = payload.write_text(_preamble_in_python(rule, data, path) + "\n" + _read_text(path), ".xsh")
    settings = ["-DRAISE_SUBPROC_ERROR=true", "-DXONSH_SHOW_TRACEBACK=true"]
    return {"argv": [_needed_program(rule, "xonsh"), *settings, file], "payload": file}


def _hy_command(rule, data, path, payload):
    text = f"(pys #[[{_preamble_in_python(rule, data, path)}]])\n{_read_text(path)}"
    file = payload.write_text(text, ".hy")
    return {"argv": [_needed_program(rule, "hy"), file], "payload": file}


def _notebook_command(rule, data, path, payload, *more, notebook=None):
    from .notebooks import Notebook

    notebook = notebook or Notebook(_read_text(path), path)
    file = payload.write_text(notebook.text_with(_preamble_of_notebook(rule, data, path, notebook)), ".ipynb")
    log = str(data.log.get("notebook") or "")
    return {"argv": [_python_for(rule), os.path.join(_HERE, "notebook_run.py"), file, log, *more], "payload": file}


def _work_on_notebook(rule, job, names, work, path, for_real):
    """--edit-notebook and --draft-notebook.

    A draft is written at once: its job is described before the others run, as a preview, and when they have run.
    """
    from .notebooks import Notebook

    if shown_place(path) != path:
        raise WorkflowError(f"the notebook {shown_place(path)} is on the web, where it cannot be changed")
    is_new = not os.path.exists(path)
    if not is_new and work == "draft":
        raise WorkflowError(
            f"the notebook {path} is there already", hint="--edit-notebook opens it; --draft-notebook makes new ones"
        )
    notebook = Notebook.empty(path) if is_new else Notebook(_read_text(path), path)
    if work == "draft":
        if names.job_values.is_preview:
            return {}
        data = _ScriptData(rule, job, names, path)
        text = notebook.text_with(_preamble_of_notebook(rule, data, path, notebook))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return {"show": f"drafted the notebook {_shown_path(path)}: open it with Jupyter"}
    answer = {"show": f"jupyter notebook {_shown_path(path)}"}
    if not for_real:
        return answer
    data, listen = _ScriptData(rule, job, names, path), rule.workflow.notebook_listen
    made = _notebook_command(rule, data, path, _Payload(True), path, listen, notebook=notebook)
    return {**answer, **made, "env": {}, **folders_of(rule, os.path.dirname(_HERE), os.path.dirname(path))}


def _preamble_of_notebook(rule, data, path, notebook):
    """The program that runs a notebook starts its kernel in the notebook's folder."""
    if notebook.language == "python":
        return _preamble_in_python(rule, data, path, data.folder)
    return r_preamble(data, data.folder)


_MAKERS = {
    ".py": ("python3", _python_command),
    ".r": ("Rscript", _r_command),
    ".rmd": ("Rscript", _markdown_command),
    ".sh": ("bash", _bash_command),
    ".bash": ("bash", _bash_command),
    ".jl": ("julia", _julia_command),
    ".rs": ("rust-script", _rust_command),
    ".xsh": ("xonsh", _xonsh_command),
    ".hy": ("hy", _hy_command),
    ".ipynb": ("jupyter", _notebook_command),
}
