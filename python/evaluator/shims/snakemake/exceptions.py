"""Exceptions that Snakefiles raise or catch."""

from furrow_evaluator.errors import LookupFailed as LookupError
from furrow_evaluator.errors import WildcardError, WorkflowError

__all__ = [
    "AmbiguousRuleException", "CreateRuleException", "CyclicGraphException", "IncompleteCheckpointException",
    "IncompleteFilesException", "InputFunctionException", "IOFileException", "LookupError", "MissingInputException",
    "MissingOutputException", "MissingRuleException", "NoRulesException", "print_exception", "RuleException",
    "UnknownRuleException", "WildcardError", "WorkflowError",
]


class RuleException(WorkflowError):
    pass


class InputFunctionException(WorkflowError):
    pass


class MissingInputException(WorkflowError):
    pass


class MissingOutputException(WorkflowError):
    pass


class MissingRuleException(WorkflowError):
    pass


class AmbiguousRuleException(WorkflowError):
    pass


class CyclicGraphException(WorkflowError):
    pass


class CreateRuleException(WorkflowError):
    pass


class UnknownRuleException(WorkflowError):
    pass


class NoRulesException(WorkflowError):
    pass


class IOFileException(WorkflowError):
    pass


class IncompleteFilesException(WorkflowError):
    pass


class IncompleteCheckpointException(Exception):
    pass


def print_exception(exception, linemaps=None):
    import sys

    from furrow_evaluator.errors import user_traceback

    sys.stderr.write(user_traceback(exception))
