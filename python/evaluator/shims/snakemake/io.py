"""Patterns, flags and lists of files."""

import os
import re

from furrow_evaluator.config import load_mapping as _load_mapping
from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.errors import WildcardError, WorkflowError
from furrow_evaluator.file_values import File as _IOFile
from furrow_evaluator.flags import (
    Flagged as AnnotatedString,
    ancient,
    before_update,
    directory,
    dynamic,
    ensure,
    flag,
    from_queue,
    is_flagged,
    local,
    pipe,
    protected,
    repeat,
    report,
    service,
    temp,
    temporary,
    touch,
    unpack,
    update,
)
from furrow_evaluator.logger import logger
from furrow_evaluator.patterns import (
    apply_wildcards,
    contains_wildcard,
    expand,
    glob_wildcards,
    limit,
    multiext,
    regex_from_filepattern,
    strip_constraints as strip_wildcard_constraints,
    wildcard_constraints as get_wildcard_constraints,
    wildcard_names as get_wildcard_names,
)
from furrow_evaluator.values import (
    InputFiles,
    Log,
    NamedList as Namedlist,
    OutputFiles,
    Params,
    Resources as ResourceList,
    Wildcards,
)

__all__ = [
    "ancient", "AnnotatedString", "apply_wildcards", "before_update", "collect", "contains_wildcard",
    "contains_wildcard_constraints", "directory", "dynamic", "ensure", "expand", "flag", "from_queue",
    "get_flag_value", "get_wildcard_constraints", "get_wildcard_names", "glob_wildcards", "InputFiles", "IOFile",
    "is_callable", "is_flagged", "limit", "load_configfile", "local", "Log", "logger", "lutime", "multiext",
    "Namedlist", "not_iterable", "os", "OutputFiles", "Params", "pipe", "protected", "re", "regex",
    "regex_from_filepattern", "remove", "remove_flag", "repeat", "report", "ResourceList", "service",
    "strip_wildcard_constraints", "temp", "temporary", "touch", "unpack", "update", "WildcardError", "Wildcards",
    "WorkflowError",
]

collect = expand
regex = regex_from_filepattern
Resources = ResourceList

__getattr__ = stand_ins(
    __name__,
    "ExistsDict IOCache MaybeAnnotated Mtime MultiextValue PeriodicityDetector QueueInfo ReportObject "
    "checkpoint_target get_git_root get_git_root_parent_directory git_content sourcecache_entry split_git_path "
    "update_wildcard_constraints wait_for_files",
)


def IOFile(file, rule=None):  # noqa: N802
    return _IOFile(file)


def get_flag_value(value, name):
    return value.flags.get(name) if is_flagged(value, name) else None


def remove_flag(value, name):
    return AnnotatedString(value, {key: content for key, content in value.flags.items() if key != name})


def contains_wildcard_constraints(pattern):
    return any(constraint for constraint in get_wildcard_constraints(pattern).values())


def is_callable(value):
    return callable(value) or callable(getattr(value, "callable", None))


def not_iterable(value):
    return isinstance(value, (str, dict)) or hasattr(value, "__fspath__") or not hasattr(value, "__iter__")


def remove(file, remove_non_empty_dir=False):
    import shutil

    path = str(file)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path) if remove_non_empty_dir else os.rmdir(path)
    elif os.path.lexists(path):
        os.remove(path)


def lutime(file, times):
    os.utime(file, times, follow_symlinks=False)


def load_configfile(path):
    """The content of a config file, given as a path or as an open file."""
    from furrow_evaluator import active

    if hasattr(path, "read"):
        return active.load_text(path.read()) or {}
    if active.workflow is not None and active.can_ask:
        return _load_mapping(str(path), active.workflow._transport)
    return active.load_document(str(path)) or {}


def _load_configfile(path_or_file, filetype="Config"):
    return load_configfile(path_or_file)
