"""`workflow` as a Snakefile sees it, and `__furrow__`, whose methods translated code calls."""

import os
import sys

from . import active
from .cluster_config import ClusterConfig, read_script
from .config import Config, load_file
from .deployment import CONDA
from .directives import Directives
from .engine_facts import EngineFacts
from .errors import WorkflowError, did_you_mean
from .logger import logger
from .namespace import add_mentioned, base_names
from .patterns import as_columns, glob_in_folders
from .resources import SystemFolder, from_expression, normalise, on_this_machine
from .rules import set_overwritten
from .scopes import Scope, folder_of, hooks_of
from .snakefile_code import SnakefileCode
from .source_files import SourcePath
from .sources import Sources

# The module that the Snakefile is for Python. Those that it uses are modules within.
MODULE_NAME = "furrow_snakefile"


class Workflow(EngineFacts, Sources):
    """The state of one load. Its public names are those that Snakefiles use; only this package uses the rest."""

    def __init__(self, request, transport):
        self._transport = transport
        self._request = request
        self.main_snakefile = self.local_path(os.getcwd(), request["snakefile"])
        self._code = SnakefileCode()
        self.included_stack = []
        self._rules_by_name = {}
        self._replaced_rules = {}
        self.finished_checkpoints = set()  # the first output of each of their jobs that has ended
        self.default_target = None
        self._localrules = set()
        self._ruleorders = []
        self._ruleorder_places = []
        self._wrappers = {}
        self.wrapper_prefix = request.get("wrapper_prefix") or None
        self.edits_notebook = "edit_notebook" in request or "draft_notebook" in request
        self._parsed_defaults = None
        self.hook_log = None
        self.overwrite_workdir = request.get("workdir")
        self._places = request.get("places") or {}
        self.workdir_init = os.getcwd()
        self.cores = self._cores = request.get("cores") or 1
        self.max_threads = min(request.get("max_threads") or self.cores, self.cores)
        self.attempt = request.get("attempt") or 1
        self._config = Config(request, transport)
        self._directives = Directives(self)
        self._base_names = base_names()
        self.configfiles = list(request.get("configfiles") or [])
        self.overwrite_configfiles = list(request.get("configfiles") or [])
        self.overwrite_config = request.get("config") or {}
        self.envvars = set()
        self.report_text = None
        self.report_flags = {}  # what report(...) says of inputs that functions have returned, by path
        self.resource_scopes = {}
        self._cluster_config = self._jobscript = None
        self.deployment_methods = set(request.get("deployment") or [])
        self.global_conda_env = None
        self.dryrun = bool(request.get("dryrun"))
        self.has_cluster = bool(request.get("cluster"))
        # Not where a node evaluates, nor where commands are only shown.
        SystemFolder.is_of_the_node = self.has_cluster and not self.dryrun and request.get("mode") != "subprocess"
        self._limits = {"_cores": self.cores, "_nodes": None, **(request.get("resources") or {})}
        self.global_resources = dict(self._limits)
        self.main_scope = Scope(self, MODULE_NAME, self.vanilla_names(self.main_snakefile, self._config.values))
        self._scopes = [self.main_scope]
        self.main_scope.take_pathvars_of(self._config.values)

    def vanilla_names(self, path, config):
        """What the Snakefile PATH finds in its namespace."""
        return {
            **self._base_names,
            "workflow": self,
            "config": config,
            "srcdir": self.srcdir,
            "__furrow__": self._directives,
            "__file__": path,
        }

    @property
    def scope(self):
        """What belongs to the Snakefile that is being read; afterwards, to the main one."""
        return self._scopes[-1]

    modifier = scope

    @property
    def globals(self):
        return self.scope.names

    @property
    def modules(self):
        """Those around this one too: a Snakefile that finds none here knows that it is no module itself."""
        found, scope = {}, self.scope
        while scope is not None:
            found, scope = {**scope.modules, **found}, scope.parent
        return found

    @property
    def wildcard_constraints(self):
        return self.scope.constraints

    @property
    def pathvars(self):
        return self.scope.pathvars

    @property
    def rules(self):
        return list(self._rules_by_name.values())

    @property
    def _rules(self):
        return self._rules_by_name

    @property
    def config(self):
        return self.scope.names["config"]

    @property
    def basedir(self):
        return os.path.dirname(self.main_snakefile)

    @property
    def current_basedir(self):
        return SourcePath(os.path.dirname(self.included_stack[-1] if self.included_stack else self.main_snakefile))

    @property
    def snakefile(self):
        """The Snakefile whose code reads this property."""
        return sys._getframe(1).f_code.co_filename

    @property
    def included(self):
        return [SourcePath(path) for path in self._code.files]

    def is_rule(self, name):
        return name in self._rules_by_name

    def get_rule(self, name):
        if name not in self._rules_by_name:
            raise WorkflowError(f"there is no rule named {name}")
        return self._rules_by_name[name]

    def is_local(self, rule):
        return rule.localrule or rule.name in self._localrules

    def include(self, path, **ignored):
        """For Snakefiles that include files by name from Python."""
        self._directives.include(path)

    def list_rules(self, only_targets=False):
        return self.rules

    def omitted_flags(self):
        """The flags that --omit-flags ignores."""
        return (self._request.get("overwrite") or {}).get("omit_flags")

    def notebook_work(self, outputs):
        """Whether the notebook of the job with these outputs is to be edited, or drafted: "edit", "draft" or None."""
        wanted = {os.path.normpath(output) for output in outputs}
        for work in ("edit", "draft"):
            target = self._request.get(work + "_notebook")
            if target and os.path.normpath(target) in wanted:
                return work
        return None

    @property
    def notebook_listen(self):
        return self._request["notebook_listen"]

    def checked_constraints(self, args, kwargs):
        if args:
            raise WorkflowError("wildcard_constraints takes names, as in `wildcard_constraints: sample=\"[a-z]+\"`")
        for name, pattern in kwargs.items():
            if not isinstance(pattern, str):
                raise WorkflowError(
                    f"the constraint of {name} must be a regular expression as a text, not {type(pattern).__name__}"
                )
        return dict(kwargs)

    def glob_wildcards(self, pattern, files=None, followlinks=False):
        """Values of the wildcards of a pattern, taken from the files that match it."""
        pattern = os.path.normpath(str(pattern))
        if files is None and not active.can_ask:
            return glob_in_folders(pattern, None, followlinks)
        if files is None:
            answer = self._transport.ask("glob", pattern=pattern, followlinks=bool(followlinks))
            return as_columns(answer["names"], answer["values"])
        return glob_in_folders(pattern, files, followlinks)

    # Loading.

    def include_file(self, path, keeps_target=True):
        scope = self.scope
        if path in scope.included:
            return
        scope.included.add(path)
        text, code = self._code.of(path)
        add_mentioned(scope.names, text)
        folder = folder_of(path)
        if folder not in sys.path:
            sys.path.insert(1, folder)
        before = self.default_target
        self.included_stack.append(SourcePath(path))
        try:
            exec(code, scope.names)
        finally:
            self.included_stack.pop()
        if keeps_target:
            self.default_target = before

    def read_module(self, scope, path):
        """Runs the Snakefile of a module in its own scope. Its first rule may become the default target."""
        self._scopes.append(scope)
        try:
            self.include_file(path, keeps_target=False)
        finally:
            self._scopes.pop()

    def cluster_values(self, rule):
        """What --cluster-config says about a rule."""
        if self._cluster_config is None:
            paths = self._request.get("cluster_config") or []
            self._cluster_config = ClusterConfig(paths, lambda path: load_file(path, self._transport, "file"))
        return self._cluster_config.of(rule)

    def jobscript(self):
        """The template of --jobscript; None if there is none."""
        if self._jobscript is None and self._request.get("jobscript"):
            self._jobscript = read_script(self._request["jobscript"])
        return self._jobscript

    def translation(self):
        """The Python that all files of the Snakefile are translated to."""
        return self._code.translation()

    def keep_code(self):
        """Once the engine has its answer, what was translated is kept for the next load."""
        self._code.keep_new()

    def define(self, rule, name):
        """A rule is complete but for what others say about it; NAME is its name in its own Snakefile."""
        scope = self.scope
        final = scope.final_name(name)
        rule.name = name if final is None else final
        known = vars(scope.rules)
        if final is not None or not self._is_used(known.get(name)):
            known[name] = rule
        if final is not None:
            self._apply_overrides(rule, scope)
        try:
            rule.finish_paths()
        except WorkflowError as error:
            if error.line is None and scope is not self.main_scope:
                error.file, error.line = rule.snakefile, rule.lineno
            raise
        if final is not None:
            self._add_rule(rule)
        self._directives.decorate(rule)

    def _apply_overrides(self, rule, scope):
        """What the `use rule` statements around the rule say of it, from the inner to the outer ones."""
        while scope is not None:
            if scope.overrides is not None:
                scope.overrides.apply(rule)
            scope = scope.parent

    def _is_used(self, rule):
        """A rule of a module may only be read, so that others can name its files."""
        return rule is not None and self._rules_by_name.get(rule.name) is rule

    def _report_taken_name(self, rule, first):
        text = f"the rule name {rule.name} is taken already (line {first.lineno} of {first.snakefile})"
        if not rule.scope.is_module:
            raise WorkflowError(text, file=rule.snakefile, line=rule.lineno, rule=rule.name)
        file, line = rule.scope.place_of_use()
        raise WorkflowError(
            f"{text}, and the module brings another (line {rule.lineno} of {rule.snakefile})",
            file=file,
            line=line,
            hint="`use rule ... as` gives the rules of a module other names",
        )

    def _add_rule(self, rule):
        scope = rule.scope
        if rule.name in self._rules_by_name and not scope.may_replace():
            self._report_taken_name(rule, self._rules_by_name[rule.name])
        if not rule.container_img and rule.container_img is not False:
            rule.container_img, rule.is_containerized = scope.container_img, scope.is_containerized
        if rule.name in self._rules_by_name:
            self._replaced_rules.setdefault(rule.name, []).append(self._rules_by_name[rule.name])
        self._rules_by_name[rule.name] = rule
        if self.default_target is None or rule.is_default_target:
            self.default_target = rule.name

    def finish(self):
        """Applies defaults, overrides and limits once all rules are known."""
        self._check_names()
        if any(".snakemake/log" in text for text in self._code.texts()):
            self._link_logs()
        if self.global_conda_env is not None and CONDA in self.deployment_methods:
            logger.warning(
                f"conda {self.global_conda_env}, outside of rules, is not set up: the Snakefile must find its packages "
                "in the Python that runs it (--python)"
            )
        defaults = self.parsed_default_resources()
        overwrite = self._request.get("overwrite") or {}
        for number, rule in enumerate(self._rules_by_name.values()):
            rule.number = number
            for replaced in self._replaced_rules.get(rule.name, ()):
                replaced.number = number
            if rule.wrapper is not None and CONDA in self.deployment_methods:
                rule.take_environment_of_wrapper()
            rule.localrule = self.is_local(rule)
            granted = {}
            if rule.handover and not rule.resource_items:
                granted, rule.threads = self._request.get("resources") or {}, self.cores
            rule.resource_items = {**defaults, **granted, **rule.resource_items}
            threads, resources = overwrite.get("threads") or {}, overwrite.get("resources") or {}
            set_overwritten(rule, threads.get(rule.name), resources.get(rule.name), self._places)
            rule.limited_resources = {
                name: self.within_limit(rule, name, value) for name, value in rule.resource_items.items()
            }
            rule.group = (overwrite.get("groups") or {}).get(rule.name, rule.group)
            if rule.name in (overwrite.get("ancient") or {}):
                rule.flag_ancient(overwrite["ancient"][rule.name].split(","))

    def _link_logs(self):
        """A workflow that looks for logs in .snakemake/log finds them there."""
        if self._request.get("stdout_is_data") or os.path.lexists(".snakemake/log"):
            return
        try:
            os.makedirs(".snakemake", exist_ok=True)
            os.symlink("../.furrow/log", ".snakemake/log")
        except OSError:
            pass

    def parsed_default_resources(self):
        """The resources of a rule that names none."""
        if self._parsed_defaults is None:
            self._parsed_defaults = {"tmpdir": SystemFolder.name()}
            for name, text in self.default_resources.items():
                name, value = normalise(name, from_expression(str(text), self._places.get("default-resources")))
                self._parsed_defaults[name] = value
        return self._parsed_defaults

    def within_limit(self, rule, name, value):
        """No job gets more of a resource than the limit that --resources sets."""
        if name == "tmpdir" and rule.localrule:
            value = on_this_machine(value)
        limit = self.global_resources.get(name)
        if limit is None or callable(value) or value is None:
            return value
        if isinstance(value, str):
            raise WorkflowError(
                f"rule {rule.name} sets the resource {name} to the text {value!r}, "
                f"but --resources {name}={limit} limits it to a number",
                file=rule.snakefile,
                line=rule.resource_lines.get(name, rule.lineno),
                rule=rule.name,
            )
        return min(value, limit)

    def changed_limits(self):
        """Limits of resources that the Snakefile sets in workflow.global_resources."""
        limits = {}
        for name, value in self.global_resources.items():
            if name.startswith("_") or self._limits.get(name) == value or value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise WorkflowError(f"workflow.global_resources: the limit of {name} must be a whole number")
            limits[name] = value
        return limits

    def changed_folder(self):
        """The working directory, if `workdir:` or user code has changed it; else None."""
        folder = os.getcwd()
        return None if folder == self.workdir_init else folder

    def _check_names(self):
        for names, (file, line) in zip(self._ruleorders, self._ruleorder_places):
            for name in names:
                if name not in self._rules_by_name:
                    near = did_you_mean(name, self._rules_by_name)
                    raise WorkflowError(
                        f"ruleorder names the rule {name}, which does not exist",
                        file=file,
                        line=line,
                        hint=near and f"did you mean {near}?",
                    )
        if self.default_target is not None and str(self.default_target) not in self._rules_by_name:
            raise WorkflowError(f"the default target is the rule {self.default_target}, which does not exist")
        unknown = sorted(self._localrules - set(self._rules_by_name))
        if unknown:
            logger.warning("localrules names rules that do not exist: %s" % ", ".join(unknown))

    def hooks(self):
        return hooks_of(self.main_scope.names)
