"""The facts of a report: the results that report(...) names, with their captions; the rules; the configuration."""

import json
import os
from collections import defaultdict
from hashlib import sha256
from html import escape
from stat import S_ISDIR
from urllib.parse import quote

from .config_text import config_json
from .errors import WorkflowError
from .job_values import JobValues
from .report_captions import Captions
from .report_flags import OTHER, FlaggedFiles, ReportArguments, files_of_folder
from .report_images import kind_of
from .report_layout import layout
from .report_rules import rule_facts

_REDACTED = "(redacted)"
# A shorter value is part of too many other texts; it is redacted where it is the whole value.
_SHORTEST_PART = 4
_LONGEST_PARAMS = 500
_MOST_IN_PAGE = 2_000_000  # of a table or a text, if the report is an archive


class CaptionNames:
    """`snakemake` in a caption: its values are made when the caption asks for them."""

    def __init__(self, values, wildcards):
        self._values = values
        self.wildcards = wildcards
        self.rule = values.rule.name

    config = property(lambda self: self._values.rule.config)
    input = property(lambda self: self._values.input.get())
    output = property(lambda self: self._values.output.get())
    log = property(lambda self: self._values.log.get())
    params = property(lambda self: self._values.params())
    threads = property(lambda self: self._values.granted.threads())
    resources = property(lambda self: self._values.granted.resources())


class Result:
    """One file in a report. Its public names are those that captions may use."""

    def __init__(self, path, size, rule, arguments, wildcards, name, others):
        self.path, self.size = path, size
        self.target = os.path.basename(path)
        self.name = name or self.target
        self.id = sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.rule = rule
        self.category, self.subcategory = arguments.category(), arguments.subcategory()
        self.labels = arguments.labels()
        self.wildcards = dict(wildcards.items())
        self.kind, self.mime = kind_of(path)
        self.others = others
        self.caption = self.params = ""
        self.make_caption = None


class Report:
    def __init__(self, workflow, request):
        self._workflow = workflow
        self._is_archive = bool(request.get("archive"))
        self._metadata_path = request.get("metadata")
        self._graph = request["graph"]
        self._captions = Captions(workflow)
        self._flagged = {}
        self._results = {}
        secrets = {os.environ.get(name, "") for name in [*workflow.envvars, *request.get("envvars", [])]}
        self.secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def add(self, jobs):
        """JOBS: pairs of a rule and a JOB. What a job makes counts before what another one says of it as its input."""
        for directive in ("output", "input"):
            for rule, job in jobs:
                if rule not in self._flagged:
                    self._flagged[rule] = FlaggedFiles(rule)
                found = self._flagged[rule].of(job, directive)
                if found:
                    self._add_files(found, JobValues(rule, job, is_settled=False))

    def _add_files(self, found, values):
        for path, content in found:
            if path in self._results:
                continue
            rule = values.rule
            try:
                status = os.stat(path)
            except OSError:
                raise WorkflowError(
                    f"{path} is not there, and report(...) in rule {rule.name} wants it in the report",
                    file=rule.snakefile, line=rule.lineno, rule=rule.name, hint="run the workflow before its report",
                ) from None
            if not S_ISDIR(status.st_mode):
                self._add_result(path, status.st_size, content, values, values.wildcards, None, [])
                continue
            for file, wildcards, name, others in files_of_folder(path, content, values, self._is_archive):
                if file not in self._results:
                    self._add_result(file, os.path.getsize(file), content, values, wildcards, name, others)

    def _add_result(self, path, size, content, values, wildcards, name, others):
        rule = values.rule
        result = Result(path, size, rule.name, ReportArguments(content, values, wildcards), wildcards, name, others)
        result.params = _params_text(values)
        if content["caption"] is not None:
            result.make_caption = lambda: self._caption(rule, content, CaptionNames(values, wildcards))
        self._results[path] = result

    def _caption(self, rule, content, names):
        path = self._path_of(content["caption"], f"the caption of report(...) in rule {rule.name}", rule)
        return self._captions.render(path, {**self._names_of_texts(), "snakemake": names, "workflow": self._workflow})

    def _path_of(self, source, what, rule=None):
        path = self._workflow.local_path(self._workflow.basedir, source)
        if not os.path.isfile(path):
            place = {"file": rule.snakefile, "line": rule.lineno, "rule": rule.name} if rule else {}
            raise WorkflowError(f"{what} is not there: {path}", **place)
        return path

    def _names_of_texts(self):
        return {"categories": self._by_category, "files": self._files}

    def facts(self):
        results = sorted(self._results.values(), key=lambda result: result.name)
        self._by_category = defaultdict(lambda: defaultdict(list))
        for result in results:
            self._by_category[result.category][result.subcategory or OTHER].append(result)
        self._files = list({result.target: result for result in reversed(results)}.values())[::-1]
        self._captions.set_links(self._links())
        for result in results:
            if result.make_caption is not None:
                result.caption = result.make_caption()
        used = set(self._graph["rules"])
        facts = {
            "text": self._text(),
            "metadata": self._metadata(),
            "rules": [rule_facts(rule) for rule in self._workflow.rules if rule.name in used],
            "config": json.loads(config_json(self._workflow.config)),
            "configfiles": list(map(str, self._workflow.configfiles)),
            "snakefile": self._workflow.main_snakefile,
            "graph": {"rules": self._graph["rules"], **layout(self._graph["rules"], self._graph["links"])},
            "results": [self._result_facts(result) for result in results],
        }
        facts = self._redacted_facts(facts)
        return {"facts": facts, "files": [self._files_of(result) for result in results], "secrets": self.secrets}

    def _redacted_facts(self, facts):
        """Paths stay as they are: a variable may hold the name of a user or a folder."""
        for name in ("text", "metadata", "config"):
            facts[name] = self.redacted(facts[name])
        for rule in facts["rules"]:
            rule["code"], rule["software"] = self.redacted(rule["code"]), self.redacted(rule["software"])
        return facts

    def _links(self):
        yield from (("Workflow", "#about"), ("Statistics", "#statistics"))
        for category in sorted(self._by_category):
            yield category, "#category=" + quote(category, safe="")
        for result in self._files:
            yield result.target, "#result=" + result.id

    def _text(self):
        source = self._workflow.report_text
        if source is None:
            return ""
        names = {**self._names_of_texts(), "snakemake": self._workflow, "workflow": self._workflow}
        return self._captions.render(self._path_of(source, "the text of report:"), names)

    def _metadata(self):
        if not self._metadata_path:
            return {}
        from .report_metadata import read_metadata

        return read_metadata(self._metadata_path, self._workflow)

    def _result_facts(self, result):
        plain = ("id", "path", "name", "category", "rule", "size", "kind", "mime")
        known = {name: getattr(result, name) for name in plain}
        known["subcategory"] = result.subcategory or ""
        known["labels"], known["wildcards"] = self.redacted(result.labels), result.wildcards
        known["caption"], known["params"] = self.redacted(result.caption), self.redacted(result.params)
        return known

    def _files_of(self, result):
        folder = os.path.dirname(result.path)
        others = [[path, os.path.relpath(path, folder)] for path in result.others]
        # The script of a page cannot read files beside it, unless a web server sends them.
        is_in_page = not self._is_archive or result.kind in ("table", "text") and result.size <= _MOST_IN_PAGE
        return {"id": result.id, "path": result.path, "name": result.target, "page": is_in_page, "others": others}

    def redacted(self, value):
        """The value without what is in the variables of `envvars:`."""
        if not self.secrets:
            return value
        if isinstance(value, str):
            if value in self.secrets:
                return _REDACTED
            for secret in self.secrets:
                if len(secret) >= _SHORTEST_PART:
                    value = value.replace(secret, _REDACTED).replace(escape(secret), _REDACTED)
            return value
        if isinstance(value, dict):
            return {name: self.redacted(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.redacted(item) for item in value]
        return _REDACTED if not isinstance(value, bool) and str(value) in self.secrets else value


def _params_text(values):
    if not values.rule.param_items:
        return ""
    try:
        params = values.params()
    except WorkflowError as error:
        return f"(not known: {error})"
    named = list(params.items())
    plain = [str(value) for value in params[: len(params) - len(named)]] if len(named) < len(params) else []
    text = ", ".join(plain + [f"{name}={value}" for name, value in named])
    return text if len(text) <= _LONGEST_PARAMS else text[:_LONGEST_PARAMS] + "..."
