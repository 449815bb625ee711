"""The workflow that is being read. The names of its Snakefile are attributes of this module."""

from furrow_evaluator.rule_proxies import RuleProxies as Rules
from furrow_evaluator.rules import Rule
from furrow_evaluator.workflow import Workflow
from snakemake.exceptions import (
    CreateRuleException,
    NoRulesException,
    RuleException,
    UnknownRuleException,
    WorkflowError,
)

__all__ = [
    "CreateRuleException", "NoRulesException", "Rule", "RuleException", "Rules", "UnknownRuleException", "Workflow",
    "WorkflowError",
]


def __getattr__(name):
    from furrow_evaluator import active

    names = active.workflow.globals if active.workflow is not None else {}
    if name.startswith("__") or name not in names:
        raise AttributeError(f"the Snakefile has no {name} so far, and Furrow provides no snakemake.workflow.{name}")
    return names[name]
