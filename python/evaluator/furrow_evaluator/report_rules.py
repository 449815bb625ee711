"""What a report says of a rule: its files, its code and the software that it names."""

import json
import os
from textwrap import dedent

from .errors import WorkflowError
from .source_files import infer_source_file, shown_place

_LANGUAGES = {".py": "python", ".r": "r", ".rmd": "rmarkdown", ".jl": "julia", ".rs": "rust", ".sh": "bash",
              ".bash": "bash", ".ipynb": "notebook", ".xsh": "xonsh", ".hy": "hy"}
_LONGEST = 100_000


def rule_facts(rule):
    language, code, place = _code(rule)
    return {
        "name": rule.name,
        "file": rule.snakefile,
        "line": rule.lineno,
        "docstring": dedent(rule.docstring or "").strip(),
        "kind": rule.kind,
        "input": _patterns(rule, "input"),
        "output": _patterns(rule, "output"),
        "language": language,
        "code": code if len(code) <= _LONGEST else code[:_LONGEST] + "\n...",
        "place": place,
        "software": _software(rule),
    }


def _patterns(rule, directive):
    return [
        str(item) if entry.function is None else "<function>"
        for entry in rule.entries[directive]
        for item in entry.items or [""]
    ]


def _code(rule):
    """Its language, its text, and the file that it is in, if that is another than the Snakefile."""
    if rule.kind == "shell":
        return "bash", dedent(str(rule.shellcmd)).strip("\n"), ""
    if rule.kind == "run":
        return "python", _block_of_run(rule.run_func.__code__) or rule.run_code or "", ""
    if rule.kind == "none":
        return "", "", ""
    named = next((value for value in (rule.script, rule.notebook, rule.wrapper) if value is not None), "")
    path = rule._script_path()
    if path is None:
        return "", "", str(named)
    language = _LANGUAGES.get(os.path.splitext(path)[1].lower(), "")
    text = _text_of(path)
    if language == "notebook":
        language, text = _cells(text)
    return language, text, str(named)


def _text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST + 1)
    except OSError:
        return ""


def _cells(text):
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
        language = ((notebook.get("metadata") or {}).get("kernelspec") or {}).get("language", "")
        return language, "\n\n".join("".join(cell.get("source", "")) for cell in cells)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _block_of_run(code):
    """The lines of a `run:` block as they are written: those behind its head that are indented further."""
    lines = _text_of(code.co_filename).split("\n")[code.co_firstlineno - 1 :]
    if not lines:
        return ""
    outer = len(lines[0]) - len(lines[0].lstrip())
    block = []
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip()) <= outer:
            break
        block.append(line)
    return dedent("\n".join(block)).strip("\n")


def _software(rule):
    found = []
    if rule.conda_env:
        found.append(_conda(rule, rule.conda_env))
    if rule.container_img:
        found.append({"kind": "container", "text": str(rule.container_img)})
    if rule.env_modules:
        found.append({"kind": "envmodules", "text": "\n".join(map(str, rule.env_modules))})
    return found


def _conda(rule, value):
    if callable(value):
        return {"kind": "conda", "text": "(by a function)"}
    source = infer_source_file(value)
    shown = shown_place(str(source))
    if str(source).endswith((".yaml", ".yml")) and "{" not in str(source):
        try:
            return {"kind": "conda", "name": shown, "text": _text_of(rule.source_path(source))}
        except WorkflowError:
            pass
    return {"kind": "conda", "text": shown}
