"""`__furrow__`: what translated code calls for rules and for the directives outside of rules."""

import os
import sys

from .errors import NotYet, WorkflowError, imported
from .rule_builder import RuleBuilder
from .rules import Rule
from .source_files import SourceFile, shown_place


class _RuleScope:
    """The `with` block that a rule is translated to."""

    def __init__(self, workflow, name, line, run, lines, is_checkpoint=False):
        path = str(workflow.included_stack[-1])
        self._workflow = workflow
        self._rule = Rule(name, path, line, workflow)
        self._rule.is_checkpoint = is_checkpoint
        self._rule.basedir = os.path.dirname(path)
        self._builder = RuleBuilder(self._rule, workflow, lines)
        self._run = run

    def __enter__(self):
        return self._builder

    def __exit__(self, kind, error, traceback):
        rule = self._rule
        rule.name = self._builder.given_name or rule.name or str(len(self._workflow._rules_by_name) + 1)
        if error is not None:
            if not hasattr(error, "furrow_rule"):
                try:
                    error.furrow_rule = rule.name
                except AttributeError:
                    pass
            return False
        if self._run is not None:
            if self._builder.has_action:
                raise WorkflowError(
                    "a rule has only one of run, shell and script",
                    file=rule.snakefile,
                    line=rule.lineno,
                    rule=rule.name,
                )
            rule.run_func = sys._getframe(1).f_locals[self._run]
            rule.run_code = self._workflow._code.run_texts.get(self._run, "")
        self._workflow.define(rule, rule.name)
        return False


class Directives:
    """The global directives; translated code calls them, as in `__furrow__.include(...)`."""

    def __init__(self, workflow):
        self._workflow = workflow
        self._decorators = []

    def decorator(self, function):
        """A decorator above a rule: it is called with the rule's function once the rule is complete."""
        self._decorators.append(function)

    def decorate(self, rule):
        decorators, self._decorators = self._decorators, []
        if decorators:
            function = rule.run_func or (lambda *args, **kwargs: None)
            function.__name__ = f"__{rule.name}"
            for decorator in reversed(decorators):
                function = decorator(function)

    def rule(self, name, line, run, lines):
        return _RuleScope(self._workflow, name, line, run, lines)

    def checkpoint(self, name, line, run, lines):
        return _RuleScope(self._workflow, name, line, run, lines, is_checkpoint=True)

    def module(self, name, line):
        from .modules import ModuleScope

        return ModuleScope(self._workflow, name, line)

    def use_rules(self, names, module, excluded, pattern, line):
        """`use rule` without a block."""
        from .use_rule import UseStatement

        UseStatement(self._workflow, names, module, excluded, pattern, line, sys._getframe(1)).execute(None)

    def use_rules_with(self, names, module, excluded, pattern, line, lines):
        from .use_rule import Overrides, OverridesScope, UseStatement

        statement = UseStatement(self._workflow, names, module, excluded, pattern, line, sys._getframe(1))
        return OverridesScope(statement, Overrides(self._workflow, line, lines))

    def not_yet(self, what, name):
        raise NotYet("%s is not supported yet" % (what if name is None else f"{what} {name}"))

    def include(self, path=None, *rest):
        if path is None or rest or not (isinstance(path, (str, SourceFile)) or hasattr(path, "__fspath__")):
            raise WorkflowError("include takes one file name")
        full = self._workflow.local_source(path, "include")
        if not os.path.isfile(full):
            raise WorkflowError(f"the included file {path} is not there (looked at {shown_place(full)})")
        self._workflow.include_file(full)

    def workdir(self, path=None, *rest):
        if path is None or rest:
            raise WorkflowError("workdir takes one folder")
        if self._workflow.overwrite_workdir is not None:
            return
        path = os.path.abspath(os.path.expanduser(str(path)))
        try:
            os.makedirs(path, exist_ok=True)
            os.chdir(path)
        except OSError as error:
            raise WorkflowError(f"workdir {path}: {error.strerror}") from None

    def configfile(self, path=None, *rest):
        if path is None or rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("configfile takes one file name")
        self._workflow._config.read(path, self._workflow)

    def envvars(self, *names):
        missing = [name for name in names if name not in os.environ]
        if missing:
            raise WorkflowError(
                "the workflow needs these environment variables, which are not set: %s" % ", ".join(missing)
            )
        self._workflow.envvars.update(names)

    def wildcard_constraints(self, *args, **kwargs):
        self._workflow.wildcard_constraints.update(self._workflow.checked_constraints(args, kwargs))

    def localrules(self, *names):
        scope = self._workflow.scope
        self._workflow._localrules.update(filter(None, map(scope.final_name, names)))

    def ruleorder(self, *names):
        frame = sys._getframe(1)
        names = filter(None, map(self._workflow.scope.final_name, names))
        self._workflow._ruleorders.append(list(names))
        self._workflow._ruleorder_places.append((frame.f_code.co_filename, frame.f_lineno))

    def inputflags(self, *functions):
        self._set_flags("input", functions)

    def outputflags(self, *functions):
        self._set_flags("output", functions)

    def _set_flags(self, directive, functions):
        def flag_all(item):
            for function in functions:
                item = function(item)
            return item

        self._workflow.scope.default_flags[directive] = flag_all if functions else None

    def resource_scopes(self, *args, **scopes):
        """Whether the limit of a resource holds for each submission to a cluster or for all of them together."""
        if args:
            raise WorkflowError("resource_scopes takes names, as in `resource_scopes: gpu=\"local\"`")
        for name, scope in scopes.items():
            if scope not in ("local", "global"):
                raise WorkflowError(f"the scope of the resource {name} is neither \"local\" nor \"global\": {scope!r}")
        self._workflow.resource_scopes.update(scopes)

    def report(self, path=None, *rest):
        """The text of the report. That of the main Snakefile stands before those of its modules."""
        if path is None or rest or not (isinstance(path, (str, SourceFile)) or hasattr(path, "__fspath__")):
            raise WorkflowError("report takes one file name")
        if self._workflow.scope.parent is None or self._workflow.report_text is None:
            self._workflow.report_text = self._workflow.current_basedir.join(path)

    def container(self, image):
        """For all rules below that have no container of their own."""
        self._set_container(image, False)

    singularity = container

    def containerized(self, image):
        self._set_container(image, True)

    def _set_container(self, image, is_containerized):
        scope = self._workflow.scope
        scope.container_img, scope.is_containerized = image, is_containerized

    def conda(self, environment):
        """The packages that the Snakefile itself imports."""
        self._workflow.global_conda_env = environment

    def storage(self, *args, **settings):
        """Only its name counts, since files in storage are planned but not fetched."""

    def pepfile(self, path):
        """`pep`: a table of samples in the PEP format, read by the package peppy."""
        self._workflow.pepfile = str(path)
        self._workflow.globals["pep"] = imported("peppy", "pepfile").Project(str(path))

    def pepschema(self, schema):
        if "pep" not in self._workflow.globals:
            raise WorkflowError("pepschema needs a pepfile: above it")
        path = self._workflow.current_basedir.join(str(schema))
        imported("eido", "pepschema").validate_project(project=self._workflow.globals["pep"], schema=str(path))

    def scattergather(self, *args, **counts):
        """For each process a function in `scatter` and `gather`, which expands the wildcard scatteritem."""
        if args:
            raise WorkflowError("scattergather takes names, as in `scattergather: split=8`")
        chosen = (self._workflow._request.get("overwrite") or {}).get("scatter") or {}
        names = self._workflow.globals
        for name, count in counts.items():
            count = chosen.get(name, count)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise WorkflowError(f"scattergather: {name} must be a whole number of at least 1, not {count!r}")
            names["scatter"].add(name, count)
            names["gather"].add(name, count)
        self._workflow.wildcard_constraints["scatteritem"] = r"\d+-of-\d+"

    def pathvars(self, *args, **items):
        if args:
            raise WorkflowError('pathvars takes names, as in `pathvars: results="out"`')
        pathvars = self._workflow.scope.pathvars
        pathvars.update(items, pathvars.WORKFLOW)
