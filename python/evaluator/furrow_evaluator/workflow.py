"""`workflow` as a Snakefile sees it, and `__furrow__`, whose methods translated code calls."""

import os
import sys

from . import active
from .config import Config
from .errors import NotYet, SnakefileSyntaxError, WorkflowError, did_you_mean
from .logger import logger
from .namespace import add_mentioned, base_names
from .patterns import as_columns, glob_in_folders
from .resources import from_expression, normalise, temporary_folder
from .rules import Rule, RuleBuilder, set_overwritten
from .source import read_source
from .translate import translate

_MODULE_NAME = "furrow_snakefile"
_REMOTE = ("http://", "https://", "github:", "git+", "ftp://", "s3://", "gs://")


class SourcePath(str):
    """The path of a Snakefile or its folder, with the methods that Snakefiles call on it."""

    def join(self, path):
        return SourcePath(os.path.normpath(os.path.join(self, str(path))))

    def get_path_or_uri(self, secret_free=True):
        return str(self)

    def get_basedir(self):
        return SourcePath(os.path.dirname(self))

    def get_filename(self):
        return os.path.basename(self)

    def abspath(self):
        return SourcePath(os.path.abspath(self))

    def isabs(self):
        return os.path.isabs(self)


class Settings:
    """Settings that a Snakefile may read; an unknown one is None."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class RuleProxies:
    """`rules`: every rule defined so far."""

    def __init__(self, by_name):
        self.__dict__["_rules"] = by_name

    def __getattr__(self, name):
        try:
            return self._rules[name]
        except KeyError:
            pass
        near = did_you_mean(name, self._rules)
        hint = f"; did you mean rules.{near}?" if near else "; a rule is known only after the lines that define it"
        raise AttributeError(f"there is no rule named {name} so far{hint}")

    def __getitem__(self, name):
        return getattr(self, name)

    def __iter__(self):
        return iter(self._rules.values())

    def __contains__(self, name):
        return name in self._rules


class Workflow:
    """The state of one load. Its public names are those that Snakefiles use; only this package uses the rest."""

    def __init__(self, request, transport):
        self._transport = transport
        self._request = request
        self.main_snakefile = os.path.abspath(request["snakefile"])
        self._files = []
        self.included_stack = []
        self._rules_by_name = {}
        self.default_target_rule = None
        self.wildcard_constraints = {}
        self._localrules = set()
        self._ruleorders = []
        self._ruleorder_places = []
        self._runs = {}
        self.overwrite_workdir = request.get("workdir")
        self.workdir_init = os.getcwd()
        self.cores = self._cores = request.get("cores") or 1
        self.max_threads = min(request.get("max_threads") or self.cores, self.cores)
        self.nodes = None
        self.attempt = request.get("attempt") or 1
        self._config = Config(request, transport)
        self.configfiles = list(request.get("configfiles") or [])
        self.overwrite_configfiles = list(request.get("configfiles") or [])
        self.overwrite_config = request.get("config") or {}
        self.envvars = set()
        self._default_flags = {"input": None, "output": None}
        self.resource_scopes = {}
        self.dryrun = bool(request.get("dryrun"))
        self.has_cluster = bool(request.get("cluster"))
        self.global_resources = {"_cores": self.cores, "_nodes": None}
        self.modifier = Settings(skip_validation=False, is_module=False)
        self._rule_proxies = RuleProxies(self._rules_by_name)
        self.globals = self._make_namespace()

    def _make_namespace(self):
        module = type(sys)(_MODULE_NAME)
        sys.modules[_MODULE_NAME] = module
        names = module.__dict__
        names.update(base_names())
        names.update(
            workflow=self,
            rules=self._rule_proxies,
            config=self._config.values,
            srcdir=self.srcdir,
            __furrow__=Directives(self),
            __file__=self.main_snakefile,
        )
        return names

    def __getattr__(self, name):
        if name.endswith("_settings"):
            return Settings(cores=self.cores, configfiles=self.configfiles, overwrite_config=self.overwrite_config)
        raise AttributeError(f"workflow.{name} is not among the attributes that Furrow offers")

    @property
    def rules(self):
        return list(self._rules_by_name.values())

    @property
    def config(self):
        return self.globals["config"]

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
        return [SourcePath(path) for path in self._files]

    @property
    def default_target(self):
        return self.default_target_rule.name if self.default_target_rule else None

    @default_target.setter
    def default_target(self, name):
        self.default_target_rule = self.get_rule(name) if name is not None else None

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
        self.globals["__furrow__"].include(path)

    def list_rules(self, only_targets=False):
        return self.rules

    def source_path(self, path):
        """The path of a file beside the Snakefile whose code calls this."""
        caller = sys._getframe(1).f_code.co_filename
        return self.join(os.path.dirname(caller), str(path))

    def srcdir(self, path):
        """The older name of source_path, for use while the Snakefile is being read."""
        return str(self.current_basedir.join(path))

    def join(self, folder, path):
        return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))

    def default_flag(self, directive):
        return self._default_flags.get(directive)

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

    def include_file(self, path, is_main=False):
        if path in self._files:
            return
        text = read_source(path)
        translation = translate(text, path, len(self._files))
        self._files.append(path)
        self._runs.update(translation.runs)
        add_mentioned(self.globals, text)
        code = _compile_quietly(translation.text, path, text)
        folder = os.path.dirname(path)
        if folder not in sys.path:
            sys.path.insert(1, folder)
        before = self.default_target_rule
        self.included_stack.append(SourcePath(path))
        exec(code, self.globals)
        self.included_stack.pop()
        if not is_main:
            self.default_target_rule = before

    def add_rule(self, rule):
        if rule.name in self._rules_by_name:
            first = self._rules_by_name[rule.name]
            raise WorkflowError(
                f"the rule name {rule.name} is taken already (line {first.lineno} of {first.snakefile})",
                file=rule.snakefile,
                line=rule.lineno,
                rule=rule.name,
            )
        self._rules_by_name[rule.name] = rule
        if self.default_target_rule is None:
            self.default_target_rule = rule

    def finish(self):
        """Applies defaults, overrides and limits once all rules are known."""
        self._check_names()
        defaults = {"tmpdir": temporary_folder()}
        for name, text in (self._request.get("default_resources") or {}).items():
            name, value = normalise(name, from_expression(str(text)))
            defaults[name] = value
        overwrite = self._request.get("overwrite") or {}
        for rule in self._rules_by_name.values():
            rule.localrule = self.is_local(rule)
            granted = self._request.get("resources") or {} if rule.handover and not rule.resource_items else {}
            rule.resource_items = {**defaults, **granted, **rule.resource_items}
            threads, resources = overwrite.get("threads") or {}, overwrite.get("resources") or {}
            set_overwritten(rule, threads.get(rule.name), resources.get(rule.name))
            rule.limited_resources = {
                name: self.within_limit(rule, name, value) for name, value in rule.resource_items.items()
            }
            rule.group = (overwrite.get("groups") or {}).get(rule.name, rule.group)

    def within_limit(self, rule, name, value):
        """No job gets more of a resource than the limit that --resources sets."""
        limit = (self._request.get("resources") or {}).get(name)
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
        unknown = sorted(self._localrules - set(self._rules_by_name))
        if unknown:
            logger.warning("localrules names rules that do not exist: %s" % ", ".join(unknown))

    def hooks(self):
        found = {}
        for name, value in self.globals.items():
            if name.startswith("__furrow_hook_"):
                found[name.split("_")[4]] = value
        return found


def _compile_quietly(text, path, original):
    """Compiles without warnings about escapes such as "\\d": most of them are right, in shell commands."""
    if sys.version_info >= (3, 12):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _compile_text(text, path, original)
    return _compile_text(text, path, original)


def _compile_text(text, path, original):
    try:
        return compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        lines = original.split("\n")
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        raise SnakefileSyntaxError(error.msg, path, line, shown, _hint_for_syntax(error, shown)) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SnakefileSyntaxError(
            "the file cannot be compiled: %s" % (str(error) or type(error).__name__), path, 1
        ) from None


def _hint_for_syntax(error, line):
    if "positional argument follows keyword" in error.msg:
        return "arguments without a name come before those with one"
    if "forgot a comma" in error.msg:
        return "is a comma missing between two arguments?"
    if isinstance(error, TabError):
        return "use spaces alone, or tabs alone"
    return None


class _RuleScope:
    """The `with` block that a rule is translated to."""

    def __init__(self, workflow, name, line, run, lines):
        path = str(workflow.included_stack[-1])
        self._workflow = workflow
        self._rule = Rule(name, path, line, workflow)
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
            rule.run_code = self._workflow._runs.get(self._run, "")
        self._workflow.add_rule(rule)
        return False


class Directives:
    """The global directives; translated code calls them, as in `__furrow__.include(...)`."""

    def __init__(self, workflow):
        self._workflow = workflow

    def rule(self, name, line, run, lines):
        return _RuleScope(self._workflow, name, line, run, lines)

    def checkpoint(self, name, line, run, lines):
        return self.not_yet("checkpoint", name)

    def not_yet(self, what, name):
        raise NotYet("%s is not supported yet" % (what if name is None else f"{what} {name}"))

    def include(self, path=None, *rest):
        if path is None or rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("include takes one file name")
        text = str(path)
        if text.startswith(_REMOTE):
            raise NotYet(f"include of {text}: remote files are not supported yet")
        full = self._workflow.join(self._workflow.current_basedir, text)
        if not os.path.isfile(full):
            raise WorkflowError(f"the included file {text} is not there (looked at {full})")
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
        self._workflow._config.read(str(path), self._workflow)

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
        self._workflow._localrules.update(names)

    def ruleorder(self, *names):
        frame = sys._getframe(1)
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

        self._workflow._default_flags[directive] = flag_all if functions else None

    def resource_scopes(self, *args, **scopes):
        """Whether the limit of a resource holds for each submission to a cluster or for all of them together."""
        if args:
            raise WorkflowError("resource_scopes takes names, as in `resource_scopes: gpu=\"local\"`")
        for name, scope in scopes.items():
            if scope not in ("local", "global"):
                raise WorkflowError(f"the scope of the resource {name} is neither \"local\" nor \"global\": {scope!r}")
        self._workflow.resource_scopes.update(scopes)

    def ignored(self, *args, **kwargs):
        """Containers, environments and report texts belong to options that a local run does not have."""

    container = containerized = singularity = conda = report = ignored

    def storage(self, *args, **kwargs):
        raise NotYet("storage is not supported yet")

    def pepfile(self, *args, **kwargs):
        raise NotYet("pepfile is not supported yet")

    def pepschema(self, *args, **kwargs):
        raise NotYet("pepschema is not supported yet")

    def scattergather(self, **kwargs):
        raise NotYet("scattergather is not supported yet")

    def pathvars(self, **kwargs):
        raise NotYet("pathvars is not supported yet")
