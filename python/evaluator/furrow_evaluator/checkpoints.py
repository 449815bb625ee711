"""`checkpoints`: rules whose outputs decide which further jobs there are.

`checkpoints.X.get(...)` returns the outputs of one job of the rule X. Until that job has ended, it raises, and the
engine calls the function that has asked for them once more afterwards.
"""

from .errors import IncompleteCheckpoint, WorkflowError, did_you_mean
from .file_values import File, MovedFile
from .patterns import apply_wildcards
from .values import OutputFiles


class Checkpoints:
    """The checkpoints of a Snakefile, or of a module, by the names that they have there.

    `finished` is the workflow's set of first outputs of checkpoint jobs that have ended.
    """

    def __init__(self, rules, finished):
        self._rules = rules
        self._finished = finished

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        known = {known: rule for known, rule in vars(self._rules).items() if rule.is_checkpoint}
        if name in known:
            return Checkpoint(known[name], self._finished)
        near = did_you_mean(name, known)
        hint = f"; did you mean checkpoints.{near}?" if near else ""
        raise AttributeError(f"there is no checkpoint named {name}{hint}")

    def __dir__(self):
        return [name for name, rule in vars(self._rules).items() if rule.is_checkpoint]


class Checkpoint:
    def __init__(self, rule, finished):
        self.rule = rule
        self._finished = finished

    def get(self, **wildcards):
        """The job of the checkpoint with these wildcards."""
        rule = self.rule
        if not rule.entries["output"] or not rule.entries["output"][0].items:
            raise WorkflowError(
                f"checkpoint {rule.name} has no output, so nothing can depend on what it makes",
                file=rule.snakefile,
                line=rule.lineno,
            )
        missing = sorted(rule.wildcard_names - set(wildcards))
        if missing:
            raise WorkflowError(
                f"checkpoints.{rule.name}.get(...) needs a value for each wildcard of its outputs; "
                f"it lacks {', '.join(missing)}"
            )
        items = [item for entry in rule.entries["output"] for item in entry.items]
        first = apply_wildcards(items[0], wildcards)
        if first not in self._finished:
            raise IncompleteCheckpoint(rule, first)
        kind = File if rule.moved_by.get("output") is None else MovedFile
        files = [kind(apply_wildcards(item, wildcards)) for item in items]
        return CheckpointJob(rule, OutputFiles.from_shape(files, rule.shape_of("output")))


class CheckpointJob:
    def __init__(self, rule, output):
        self.rule = rule
        self.output = output
