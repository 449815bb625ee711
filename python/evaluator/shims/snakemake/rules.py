"""Rules."""

from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.rules import Rule
from snakemake.exceptions import (
    AmbiguousRuleException,
    IncompleteCheckpointException,
    InputFunctionException,
    IOFileException,
    RuleException,
    WildcardError,
    WorkflowError,
)
from snakemake.io import (
    AnnotatedString,
    InputFiles,
    IOFile,
    Log,
    Namedlist,
    OutputFiles,
    Params,
    Wildcards,
    apply_wildcards,
    contains_wildcard,
    expand,
    flag,
    get_flag_value,
    is_flagged,
    regex,
)

RuleProxy = Rule
__all__ = [
    "AmbiguousRuleException", "AnnotatedString", "apply_wildcards", "contains_wildcard", "expand", "flag",
    "get_flag_value", "IncompleteCheckpointException", "InputFiles", "InputFunctionException", "IOFile",
    "IOFileException", "is_flagged", "Log", "Namedlist", "OutputFiles", "Params", "regex", "Rule", "RuleException",
    "RuleProxy", "WildcardError", "Wildcards", "WorkflowError",
]

__getattr__ = stand_ins(__name__, "Ruleorder")
