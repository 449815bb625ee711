"""min_version, validate, Paramspace and other helpers."""

import os
import sys

from furrow_evaluator.config import update_config
from furrow_evaluator.errors import NotYet, WorkflowError
from furrow_evaluator.formatting import format_from_frame, quote, show
from furrow_evaluator.logger import logger
from furrow_evaluator.paramspace import Paramspace
from furrow_evaluator.source_files import shown_place
from snakemake import __version__

__all__ = [
    "AlwaysQuotedFormatter", "argvquote", "available_cpu_count", "cmd_exe_quote", "find_bash_on_windows", "format",
    "linecount", "listfiles", "logger", "makedirs", "min_version",
    "os_sync", "Paramspace", "QuotedFormatter", "R", "read_job_properties", "report", "SequenceFormatter",
    "simplify_path", "update_config", "validate", "WorkflowError",
]


def _version_numbers(text):
    """'7.8.0rc1' as (7, 8, 0)."""
    numbers = []
    for word in str(text).strip().lstrip("v").split("."):
        digits = ""
        for sign in word:
            if not sign.isdigit():
                break
            digits += sign
        if not digits:
            break
        numbers.append(int(digits))
        if digits != word:
            break
    if not numbers:
        raise WorkflowError(f"min_version({text!r}): this is not a version")
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return numbers


def min_version(version):
    """Fails if the workflow needs a newer version of the language than Furrow knows."""
    if _version_numbers(__version__) < _version_numbers(version):
        raise WorkflowError(f"the workflow needs version {version} of the language; Furrow knows version {__version__}")


def validate(data, schema, set_default=True):
    """Checks a dict or data frame against a JSON schema; a relative path is relative to the Snakefile that calls."""
    from furrow_evaluator import active
    from furrow_evaluator.schema import validate_value

    if active.workflow is not None and active.workflow.scope.skip_validation:
        return None
    if isinstance(schema, dict):
        return validate_value(data, schema, os.getcwd(), active.load_document, set_default)
    path = str(schema)
    if active.workflow is not None:
        path = active.workflow.local_path(os.path.dirname(sys._getframe(1).f_code.co_filename), schema)
    if not os.path.isfile(path):
        raise WorkflowError(f"the schema {schema} is not there (looked at {shown_place(os.path.abspath(path))})")
    validate_value(
        data, active.load_document(path), os.path.dirname(os.path.abspath(path)), active.load_document, set_default
    )


def format(_pattern, *args, stepout=1, _quote_all=False, quote_func=None, **kwargs):
    """Fills a text with the names visible to the caller."""
    return format_from_frame(_pattern, args, kwargs, stepout, _quote_all)


def makedirs(dirnames):
    for name in [dirnames] if isinstance(dirnames, str) else dirnames:
        os.makedirs(name, exist_ok=True)


def linecount(filename):
    with open(filename) as file:
        return sum(1 for _ in file)


def simplify_path(path):
    relative = os.path.relpath(path)
    return path if relative.startswith("../../") else relative


def listfiles(pattern, restriction=None, omit_value=None):
    """(path, wildcards) for each file that matches the pattern."""
    import re

    from furrow_evaluator.patterns import regex_from_filepattern, walked
    from furrow_evaluator.values import Wildcards

    pattern = os.path.normpath(str(pattern))
    regex = re.compile(regex_from_filepattern(pattern))
    for path in walked(os.path.dirname(pattern.partition("{")[0]), False):
        match = regex.match(os.path.normpath(path))
        if not match:
            continue
        wildcards = Wildcards.from_mapping(match.groupdict())
        refused = any(
            omit_value not in value and value != wildcards.get(key) for key, value in (restriction or {}).items()
        )
        if not refused:
            yield os.path.normpath(path), wildcards


def available_cpu_count():
    return len(os.sched_getaffinity(0))


def argvquote(arg, force=True):
    return quote(str(arg))


cmd_exe_quote = argvquote


def find_bash_on_windows():
    return None


class Unformattable:
    """Stands for a name that a text must not use."""

    def __init__(self, errormsg="this cannot be used for formatting"):
        self.errormsg = errormsg

    def __format__(self, spec):
        raise ValueError(self.errormsg)

    def __str__(self):
        raise ValueError(self.errormsg)


def os_sync():
    os.sync()


def read_job_properties(jobscript, prefix="# properties", pattern=None):
    import json

    with open(jobscript) as file:
        for line in file:
            if line.startswith(prefix + " = "):
                return json.loads(line[len(prefix) + 3 :])
    return None


class SequenceFormatter:
    """Formats with items of lists joined by a separator."""

    def __init__(self, separator=" ", element_formatter=None):
        self.separator = separator

    def format_field(self, value, spec):
        if isinstance(value, (list, tuple, set, frozenset)):
            return self.separator.join(show(item, spec, False) for item in value)
        return show(value, spec, False)


class QuotedFormatter(SequenceFormatter):
    def __init__(self, quote_func=None):
        super().__init__()
        self.quote_func = quote_func or quote


class AlwaysQuotedFormatter(QuotedFormatter):
    def format_field(self, value, spec):
        return show(value, spec, True)


def report(*args, **kwargs):
    raise NotYet("snakemake.utils.report(...) is not supported yet")


def R(code):
    """Runs R code given as a text, as Rscript."""
    import subprocess

    text = format_from_frame(code, (), {}, 1)
    subprocess.run(["Rscript", "--vanilla", "-e", text], check=True)
