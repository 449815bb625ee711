"""What report(...) says about a file: category, labels and the files of a folder, for one job."""

import os
from numbers import Number

from .errors import WorkflowError
from .flags import flags_of
from .patterns import apply_wildcards
from .values import Wildcards

OTHER = "Other"


class FlaggedFiles:
    """The files of a rule that report(...) flags, by their place in the directive."""

    def __init__(self, rule):
        self._rule = rule
        self._outputs = self._places("output")
        self._inputs = self._places("input")
        # Then the places are those of the answers, which have noted what they flag.
        self._has_functions = any(entry.function is not None for entry in rule.entries["input"])

    def _places(self, directive):
        items = [item for entry in self._rule.entries[directive] for item in entry.items or [entry.function]]
        return [(at, flags_of(item)["report"]) for at, item in enumerate(items) if "report" in flags_of(item)]

    def of(self, job, directive):
        """The pairs of file and flag."""
        files = job.get(directive) or []
        if directive == "output":
            return [(files[at], content) for at, content in self._outputs]
        if not self._has_functions:
            return [(files[at], content) for at, content in self._inputs]
        answered = self._rule.workflow.report_flags
        return [(file, answered[file]) for file in files if file in answered]


class ReportArguments:
    """The arguments of one report(...), for one job and the wildcards of one file."""

    def __init__(self, content, values, wildcards):
        self._content = content
        self._values = values
        self._wildcards = wildcards

    def category(self):
        return self._text("category") or OTHER

    def subcategory(self):
        return self._text("subcategory")

    def labels(self):
        found = self._expanded("labels", self._content["labels"])
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self._error("labels", f"must be a dict of texts or numbers, not {type(found).__name__}")
        return {str(name): self._label(name, value) for name, value in found.items()}

    def _label(self, name, value):
        value = self._expanded("labels", value)
        if not isinstance(value, (str, Number)):
            raise self._error("labels", f"must be texts or numbers, but {name} is {value!r}")
        return str(value)

    def _text(self, name):
        value = self._expanded(name, self._content[name])
        return None if value is None else str(value)

    def _expanded(self, name, value):
        if callable(value):
            names = {part: self._values.files[part] for part in ("input", "output")}
            names["params"] = self._values.params
            value = self._called(name, value, names)
        if isinstance(value, str) and "{" in value:
            try:
                return apply_wildcards(value, self._wildcards)
            except WorkflowError as error:
                raise self._error(name, f"cannot be filled in: {error}") from None
        return value

    def _called(self, name, function, known):
        from .functions import Lazy, call

        known["params"] = Lazy(known["params"])
        try:
            return call(function, self._wildcards, known)
        except WorkflowError:
            raise
        except Exception as error:
            raise self._error(name, f"is a function that fails: {type(error).__name__}: {error}") from error

    def _error(self, name, what):
        rule = self._values.rule
        return WorkflowError(
            f"report(...) in rule {rule.name}: {name} {what}", file=rule.snakefile, line=rule.lineno, rule=rule.name
        )


def files_of_folder(folder, content, values, is_archive):
    """What a report shows of a folder, as (file, wildcards, name, further files that it needs)."""
    rule = values.rule

    def wrong(what, hint=None):
        return WorkflowError(
            f"report(...) in rule {rule.name}: {what}", file=rule.snakefile, line=rule.lineno, rule=rule.name, hint=hint
        )

    index, patterns = content["htmlindex"], content["patterns"]
    if index:
        if not is_archive:
            raise wrong(
                f"{folder} has htmlindex, whose pages need the files beside them, which a single page cannot hold",
                hint="write an archive: --report report.zip",
            )
        first = os.path.join(folder, index)
        if not os.path.isfile(first):
            raise wrong(f"there is no {index} in {folder}, which htmlindex names")
        others = [path for path in _all_files(folder) if os.path.relpath(path, folder) != os.path.normpath(index)]
        return [(first, values.wildcards, os.path.basename(folder) + ".html", others)]
    if not patterns:
        raise wrong(
            f"{folder} is a folder, and neither patterns nor htmlindex say which of its files to show",
            hint='as in report(directory("plots"), patterns=["{name}.png"])',
        )
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(pattern, str) for pattern in patterns):
        raise wrong(f"patterns takes a list of texts, not {patterns!r}")
    return [found for pattern in patterns for found in _matching(folder, pattern, values)]


def _all_files(folder):
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            if name not in (".snakemake_timestamp", ".furrow_timestamp"):
                yield os.path.join(root, name)


def _matching(folder, pattern, values):
    whole = os.path.join(folder, pattern)
    if "{" not in pattern:
        return [(whole, values.wildcards, None, [])] if os.path.isfile(whole) else []
    found = values.rule.workflow.glob_wildcards(whole)._asdict()
    own = dict(values.wildcards.items())
    matches = []
    for row in zip(*found.values()):
        wildcards = Wildcards.from_mapping({**dict(zip(found, row)), **own})
        path = apply_wildcards(whole, wildcards)
        if os.path.isfile(path):
            matches.append((path, wildcards, None, []))
    return matches
