"""`--lint`: advice about the style of a Snakefile. What is wrong, so that it could not run, is an error of the load."""

import dis
import json
import re
import textwrap

from .source import read_source

_DOCS = "https://snakemake.readthedocs.io/en/stable/snakefiles/"
_LOGS = _DOCS + "rules.html#log-files"
_PARAMS = _DOCS + "rules.html#non-file-parameters-for-rules"
_SCRIPTS = _DOCS + "rules.html#external-scripts"
_CONFIG = _DOCS + "configuration.html#standard-configuration"
_ENVVARS = _DOCS + "configuration.html#environment-variables"
_INCLUDES = _DOCS + "modularization.html#includes"
_CONDA = _DOCS + "deployment.html#integrated-package-management"
_CONTAINERS = _DOCS + "deployment.html#running-jobs-in-containers"

_JOB_NAMES = frozenset("input output log params wildcards threads resources rule jobid bench_iteration".split())
_LONG_RUN = 15  # lines
_NAME_IN_BRACES = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)[^{}]*\}(?!\})")
_BY_INDEX = re.compile(r"(?<!\{)\{(?:input|output)\[\d+\]")
_ABSOLUTE = re.compile(r"""(['"])(/[^/'"\s{}][^'"\n]*)\1""")
_TEXT_WITH_SLASH = r"""(?:'[^'\n]*/[^'\n]*'|"[^"\n]*/[^"\n]*")"""
_JOINED = re.compile(rf"[A-Za-z_]\w*(?:\[[^\]\n]*\])?\s*\+\s*{_TEXT_WITH_SLASH}|{_TEXT_WITH_SLASH}\s*\+\s*[A-Za-z_]")
_ENVIRON = re.compile(r"""os\.environ\[(['"])(.+?)\1\]""")
_RULE_LINE = re.compile(r"^\s*(?:rule|checkpoint)\b.*:", re.MULTILINE)
_FUNCTION_LINE = re.compile(r"^\s*def\s+\w+\s*\(", re.MULTILINE)


def look_at(workflow):
    """A list of (place, lints), where place names a rule or a Snakefile; only those with lints."""
    places = [({"snakefile": path}, list(_of_file(read_source(path), workflow))) for path in workflow._code.files]
    for rule in workflow.rules:
        place = {"rule": rule.name, "line": rule.lineno, "snakefile": str(rule.snakefile)}
        places.append((place, list(_of_rule(rule))))
    return [(place, lints) for place, lints in places if lints]


def _lint(title, body, *links):
    return {"title": title, "body": body, "links": list(links)}


# Of a file.


def _without_comments(text):
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))


def _of_file(text, workflow):
    text = _without_comments(text)

    def line(match):
        return text.count("\n", 0, match.start()) + 1

    for match in _ABSOLUTE.finditer(text):
        yield _lint(
            f'Absolute path "{match.group(2)}" in line {line(match)}',
            "It exists on this machine only. Name files relative to the working directory, or take the path from the "
            "configuration.",
            _CONFIG,
        )
    for match in _JOINED.finditer(text):
        yield _lint(
            f"Path composition with '+' in line {line(match)}",
            "An f-string, pathlib, or the whole path written out is easier to read.",
        )
    for match in _ENVIRON.finditer(text):
        if match.group(2) not in workflow.envvars:
            yield _lint(
                f"Environment variable {match.group(2)} used but not named in envvars in line {line(match)}",
                "With envvars: a run says at its start which variable is missing, and jobs on other machines get it.",
                _ENVVARS,
            )
    for match in re.finditer(r"^\s*singularity\s*:", text, re.MULTILINE):
        yield _lint(
            f"Deprecated directive singularity in line {text.count(chr(10), 0, match.end()) + 1}",
            "It is called container now, whichever program starts it.",
            _CONTAINERS,
        )
    for match in re.finditer(r"^ *\t", text, re.MULTILINE):
        yield _lint(f"Tab usage in line {line(match)}", "Indent with spaces alone; mixed with tabs they mislead.")
        break
    if _RULE_LINE.search(text) and _FUNCTION_LINE.search(text):
        yield _lint(
            "Mixed rules and functions in same snakefile",
            "Functions in a file of their own, as rules/common.smk, keep the steps of the workflow in view; a short "
            "one that is used once can be a lambda.",
            _INCLUDES,
        )


# Of a rule.


def _of_rule(rule):
    if rule.norun:
        return
    if not rule.entries["log"] and not rule.handover:
        yield _lint(
            "No log directive defined",
            "What its jobs print is kept nowhere by its own name; a log file for each job shows what went wrong.",
            _LOGS,
        )
    yield from _of_command(rule.shellcmd or "")
    yield from _of_params(rule)
    if rule.is_run and not rule.template_engine and _lines(rule.run_func) > _LONG_RUN:
        yield _lint(
            "Long run directive",
            "A script or notebook has the same access to input, output, params and wildcards, and can be read and "
            "tested by itself.",
            _SCRIPTS,
        )
    if not rule.is_run and not rule.handover and not (rule.conda_env or rule.container_img):
        yield _lint(
            "Specify a conda environment or container for each rule"
            + (", environment modules are not enough" if rule.env_modules else ""),
            "They tell which software the rule needs, and others can install the same."
            + (" Modules exist only where somebody has set them up." if rule.env_modules else ""),
            _CONDA,
            _CONTAINERS,
        )


def _of_command(command):
    names = dict.fromkeys(_NAME_IN_BRACES.findall(command))
    for name in names:
        if name not in _JOB_NAMES:
            yield _lint(
                f"Shell command directly uses variable {name} from outside of the rule",
                "Pass files as input or output and all else as params: then a change of the value makes the job run "
                "again.",
                _PARAMS,
            )
    if _BY_INDEX.search(command):
        yield _lint(
            "Do not access input and output files individually by index in shell commands",
            "Give them names, as in {input.reads}, if {input} alone will not do.",
            _DOCS + "rules.html",
        )


def _of_params(rule):
    files = [str(item) for name in ("input", "output") for entry in rule.entries[name] for item in entry.items]
    for name, value, _ in rule.param_items:
        if isinstance(value, str) and value and any(file.startswith(value) for file in files):
            yield _lint(
                f"Param {name} is a prefix of input or output file but hardcoded",
                "Where files are put elsewhere, as without a shared file system, it is wrong. A function can take it "
                "from the file: lambda wildcards, input: os.path.dirname(input[0]).",
                _PARAMS,
            )


def _lines(function):
    """How many lines of it do something."""
    return len({line for _, line in dis.findlinestarts(function.__code__)})


# What is printed.


def as_json(found):
    def places(key):
        return [{"for": place, "lints": lints} for place, lints in found if ("rule" in place) == (key == "rules")]

    return json.dumps({"snakefiles": places("snakefiles"), "rules": places("rules")}, indent=2) + "\n"


def as_text(found):
    lines = []
    for place, lints in found:
        if "rule" in place:
            lines.append("Lints for rule %(rule)s (line %(line)s, %(snakefile)s):" % place)
        else:
            lines.append("Lints for snakefile %(snakefile)s:" % place)
        for lint in lints:
            lines.append("    * " + lint["title"] + ":")
            lines += textwrap.wrap(lint["body"], 78, initial_indent=" " * 6, subsequent_indent=" " * 6)
            lines += ["      " + link for link in ["Also see:", *lint["links"]] if lint["links"]]
        lines.append("")
    return "\n".join(lines)
