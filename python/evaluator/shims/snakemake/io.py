"""Patterns, flags and lists of files."""

from furrow_evaluator.config import load_mapping as _load_mapping
from furrow_evaluator.flags import (
    Flagged as AnnotatedString,
    ancient,
    before_update,
    directory,
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
from furrow_evaluator.patterns import (
    apply_wildcards,
    contains_wildcard,
    expand,
    glob_wildcards,
    limit,
    multiext,
    regex_from_filepattern,
    strip_constraints as strip_wildcard_constraints,
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
    "ancient", "AnnotatedString", "apply_wildcards", "before_update", "collect", "contains_wildcard", "directory",
    "ensure", "expand", "flag", "from_queue", "get_flag_value", "get_wildcard_names", "glob_wildcards", "InputFiles",
    "IOFile", "is_flagged", "limit", "load_configfile", "local", "Log", "multiext", "Namedlist", "OutputFiles",
    "Params", "pipe", "protected", "regex", "regex_from_filepattern", "repeat", "report", "ResourceList", "service",
    "strip_wildcard_constraints", "temp", "temporary", "touch", "unpack", "update", "Wildcards",
]

collect = expand
regex = regex_from_filepattern
IOFile = _IOFile = str


def get_flag_value(value, name):
    return value.flags.get(name) if is_flagged(value, name) else None


def load_configfile(path):
    from furrow_evaluator import active

    if active.workflow is not None and active.can_ask:
        return _load_mapping(str(path), active.workflow._transport)
    return active.load_document(str(path)) or {}
