"""Whether the command of one job of a rule stands for the commands of all.

Before a run, the engine asks for commands to find mistakes in them. If no function has a part in them, and no value is
looked into that differs from job to job, then either all jobs of the rule have the mistake or none has it.
"""

from .formatting import fields_of
from .values import InputFiles

_LISTS = ("input", "output", "log", "params", "resources", "wildcards")
_OF_THE_JOB = ("jobid", "bench_iteration", "shadow_dir", "benchmark")


def is_uniform(rule):
    named = (rule.script, rule.notebook, rule.wrapper)
    return not _has_functions(rule) and "{" not in str(named) and all(map(_is_plain, _templates(rule)))


def _has_functions(rule):
    return (
        any(entry.function is not None for entry in rule.entries["input"])
        or any(callable(value) for _, value, _ in rule.param_items)
        or any(map(callable, (rule.threads, *rule.resource_items.values(), *rule.limited_resources.values())))
    )


def _templates(rule):
    return [str(text) for text in (rule.message, rule.shellcmd) if text is not None]


def _is_plain(template):
    """Whether `{input.x[0]}` and the like, for which the text of a value decides, are absent."""
    return "{" not in template or all(map(_is_plain_field, fields_of(template)))


def _is_plain_field(field):
    if field.nested is not None:
        return False
    if field.first in _LISTS:
        return not field.path or len(field.path) == 1 and not _reads_files(field)
    return not field.path or field.first not in _OF_THE_JOB


def _reads_files(field):
    is_attribute, key = field.path[0]
    return field.first == "input" and is_attribute and hasattr(InputFiles, key)
