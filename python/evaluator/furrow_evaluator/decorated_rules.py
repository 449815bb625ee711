"""Rules that Python code defines, by the decorators to which Snakemake translates rules.

    @workflow.rule(name="copy")
    @workflow.input("a")
    @workflow.output("b")
    @workflow.shellcmd("cp {input} {output}")
    @workflow.run
    def __rule_copy(input, output, params, ...):
        shell("cp {input} {output}")

What such a rule runs is the function, as in Snakemake; the command is what is shown of it.
"""

import os
import sys

from .errors import WorkflowError
from .rule_builder import RuleBuilder
from .rules import Rule

# Directives that have another name as decorators.
_DIRECTIVES = {
    "register_wildcard_constraints": "wildcard_constraints",
    "cache_rule": "cache",
    "default_target_rule": "default_target",
    "rule_pathvars": "pathvars",
    "docstring": "doc",
}


def decorator(workflow, name):
    """`workflow.NAME`"""
    if name == "run":
        return _Collected
    if name == "rule":
        return _rule(workflow)
    if name == "norun":
        return lambda: _noting(lambda collected: setattr(collected, "is_run", False))
    if name == "shellcmd":
        return lambda text: _noting(lambda collected: setattr(collected, "command", text))
    directive = _DIRECTIVES.get(name, name)

    def collect(*args, **kwargs):
        return _noting(lambda collected: collected.given.insert(0, (directive, args, kwargs)))

    return collect


def _noting(note):
    def decorate(collected):
        if not isinstance(collected, _Collected):
            raise WorkflowError("the decorators of a rule stand above `@workflow.run`")
        note(collected)
        return collected

    return decorate


class _Collected:
    """What the decorators below `workflow.rule` have said."""

    def __init__(self, function):
        self.function = function
        self.given = []
        self.command = None
        self.is_run = True


def _rule(workflow):
    def rule(name=None, lineno=None, snakefile=None, checkpoint=False):
        line = lineno or sys._getframe(1).f_lineno

        def decorate(collected):
            here = str(workflow.included_stack[-1])
            made = Rule(None, str(snakefile) if str(snakefile) in workflow._code.files else here, line, workflow)
            made.is_checkpoint = bool(checkpoint)
            made.basedir = os.path.dirname(here)
            builder = RuleBuilder(made, workflow, {})
            for directive, args, kwargs in collected.given:
                getattr(builder, directive)(*args, **kwargs)
            if collected.is_run and not builder.has_action:
                made.run_func = _with_all_arguments(collected.function)
                made.run_code = collected.command or _identity(collected.function.__code__)
            workflow.define(made, builder.given_name or name or str(len(workflow._rules_by_name) + 1))
            return collected.function

        return decorate

    return rule


def _with_all_arguments(function):
    """The function takes arguments by the names of some version of Snakemake: those that Furrow lacks are None."""
    code = function.__code__
    wanted = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def run(**given):
        return function(**{name: given.get(name) for name in wanted})

    return run


def _identity(code):
    constants = [_identity(item) if hasattr(item, "co_code") else repr(item) for item in code.co_consts]
    return " ".join([*constants, *code.co_names])
