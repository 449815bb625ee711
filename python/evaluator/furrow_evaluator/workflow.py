"""`workflow`, as a Snakefile sees it, and `__furrow__`, whose methods translated code calls."""

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

kModuleName = "furrow_snakefile"
kRemote = ("http://", "https://", "github:", "git+", "ftp://", "s3://", "gs://")


class SourcePath(str):
    """A path of a Snakefile or its folder, with the methods that Snakefiles call on it."""

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
    """Settings that a Snakefile may read; what is not known is None."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class RuleProxies:
    """`rules`: every rule that has been defined so far."""

    def __init__(self, by_name):
        self.__dict__["_rules"] = by_name

    def __getattr__(self, name):
        try:
            return self._rules[name]
        except KeyError:
            pass
        near = did_you_mean(name, self._rules)
        hint = "; did you mean rules.%s?" % near if near else "; rules are known from the line on where they are defined"
        raise AttributeError("there is no rule named %s so far%s" % (name, hint))

    def __getitem__(self, name):
        return getattr(self, name)

    def __iter__(self):
        return iter(self._rules.values())

    def __contains__(self, name):
        return name in self._rules


class Workflow:
    """The state of one load. Its public names are those that Snakefiles use."""

    def __init__(self, request, transport):
        self.transport_ = transport
        self.request_ = request
        self.main_snakefile = os.path.abspath(request["snakefile"])
        self.files_ = []
        self.included_stack = []
        self.rules_by_name_ = {}
        self.default_target_rule = None
        self.wildcard_constraints = {}
        self.localrules_ = set()
        self.ruleorders_ = []
        self.ruleorder_places_ = []
        self.runs_ = {}
        self.overwrite_workdir = request.get("workdir")
        self.workdir_init = os.getcwd()
        self.cores = self._cores = request.get("cores") or 1
        self.max_threads = min(request.get("max_threads") or self.cores, self.cores)
        self.nodes = None
        self.attempt = request.get("attempt") or 1
        self.config_ = Config(request, transport)
        self.configfiles = list(request.get("configfiles") or [])
        self.overwrite_configfiles = list(request.get("configfiles") or [])
        self.overwrite_config = request.get("config") or {}
        self.envvars = set()
        self.default_flags_ = {"input": None, "output": None}
        self.resource_scopes = {}
        self.dryrun = bool(request.get("dryrun"))
        self.has_cluster = bool(request.get("cluster"))
        self.global_resources = {"_cores": self.cores, "_nodes": None}
        self.modifier = Settings(skip_validation=False, is_module=False)
        self.rule_proxies_ = RuleProxies(self.rules_by_name_)
        self.globals = self.make_namespace()

    def make_namespace(self):
        module = type(sys)(kModuleName)
        sys.modules[kModuleName] = module
        names = module.__dict__
        names.update(base_names())
        names.update(
            workflow=self, rules=self.rule_proxies_, config=self.config_.values, __furrow__=Directives(self), srcdir=self.srcdir,
            __file__=self.main_snakefile,
        )  # fmt: skip
        return names

    def __getattr__(self, name):
        if name.endswith("_settings"):
            return Settings(cores=self.cores, configfiles=self.configfiles, overwrite_config=self.overwrite_config)
        raise AttributeError("workflow.%s is not among the attributes that Furrow offers" % name)

    @property
    def rules(self):
        return list(self.rules_by_name_.values())

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
        """The Snakefile whose code asks."""
        return sys._getframe(1).f_code.co_filename

    @property
    def included(self):
        return [SourcePath(path) for path in self.files_]

    @property
    def default_target(self):
        return self.default_target_rule.name if self.default_target_rule else None

    @default_target.setter
    def default_target(self, name):
        self.default_target_rule = self.get_rule(name) if name is not None else None

    def is_rule(self, name):
        return name in self.rules_by_name_

    def get_rule(self, name):
        if name not in self.rules_by_name_:
            raise WorkflowError("there is no rule named %s" % name)
        return self.rules_by_name_[name]

    def is_local(self, rule):
        return rule.localrule or rule.name in self.localrules_

    def include(self, path, **ignored):
        """For Snakefiles that include files by name from Python."""
        self.globals["__furrow__"].include(path)

    def list_rules(self, only_targets=False):
        return self.rules

    def source_path(self, path):
        """The path of a file that lies beside the Snakefile whose code asks."""
        caller = sys._getframe(1).f_code.co_filename
        return self.join(os.path.dirname(caller), str(path))

    def srcdir(self, path):
        """The older name of source_path, for use while the Snakefile is read."""
        return str(self.current_basedir.join(path))

    def join(self, folder, path):
        return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))

    def default_flag(self, directive):
        return self.default_flags_.get(directive)

    def checked_constraints(self, args, kwargs):
        if args:
            raise WorkflowError("wildcard_constraints takes names, as in `wildcard_constraints: sample=\"[a-z]+\"`")
        for name, pattern in kwargs.items():
            if not isinstance(pattern, str):
                raise WorkflowError("the constraint of %s must be a regular expression as a text, not %s" % (name, type(pattern).__name__))
        return dict(kwargs)

    def glob_wildcards(self, pattern, files=None, followlinks=False):
        """Values of the wildcards of a pattern, from the files that match it."""
        pattern = os.path.normpath(str(pattern))
        if files is None and not active.can_ask:
            return glob_in_folders(pattern, None, followlinks)
        if files is None:
            answer = self.transport_.ask("glob", pattern=pattern, followlinks=bool(followlinks))
            return as_columns(answer["names"], answer["values"])
        return glob_in_folders(pattern, files, followlinks)

    # Loading.

    def include_file(self, path, is_main=False):
        if path in self.files_:
            return
        text = read_source(path)
        translation = translate(text, path, len(self.files_))
        self.files_.append(path)
        self.runs_.update(translation.runs)
        add_mentioned(self.globals, text)
        code = compile_quietly(translation.text, path, text)
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
        if rule.name in self.rules_by_name_:
            first = self.rules_by_name_[rule.name]
            raise WorkflowError(
                "the rule name %s is taken already (line %d of %s)" % (rule.name, first.lineno, first.snakefile),
                file=rule.snakefile, line=rule.lineno, rule=rule.name,
            )  # fmt: skip
        self.rules_by_name_[rule.name] = rule
        if self.default_target_rule is None:
            self.default_target_rule = rule

    def finish(self):
        """What concerns all rules, once all are known."""
        self.check_names()
        defaults = {"tmpdir": temporary_folder()}
        for name, text in (self.request_.get("default_resources") or {}).items():
            name, value = normalise(name, from_expression(str(text)))
            defaults[name] = value
        overwrite = self.request_.get("overwrite") or {}
        for rule in self.rules_by_name_.values():
            rule.localrule = self.is_local(rule)
            handed = self.request_.get("resources") or {} if rule.handover and not rule.resource_items else {}
            rule.resource_items = {**defaults, **handed, **rule.resource_items}
            threads, resources = overwrite.get("threads") or {}, overwrite.get("resources") or {}
            set_overwritten(rule, threads.get(rule.name), resources.get(rule.name))
            for name, value in rule.resource_items.items():
                rule.resource_items[name] = self.within_limit(rule, name, value)
            rule.group = (overwrite.get("groups") or {}).get(rule.name, rule.group)

    def within_limit(self, rule, name, value):
        """No job has more of a resource than the limit that --resources sets."""
        limit = (self.request_.get("resources") or {}).get(name)
        if limit is None or callable(value) or value is None:
            return value
        if isinstance(value, str):
            raise WorkflowError(
                "rule %s asks for the text %r as %s, of which --resources %s=%s sets a limit, a number" % (rule.name, value, name, name, limit),
                file=rule.snakefile, line=rule.resource_lines.get(name, rule.lineno), rule=rule.name,
            )  # fmt: skip
        return min(value, limit)

    def changed_folder(self):
        """The working directory, if `workdir:` or the user's own code has changed it."""
        folder = os.getcwd()
        return None if folder == self.workdir_init else folder

    def check_names(self):
        for names, (file, line) in zip(self.ruleorders_, self.ruleorder_places_):
            for name in names:
                if name not in self.rules_by_name_:
                    near = did_you_mean(name, self.rules_by_name_)
                    raise WorkflowError("ruleorder names the rule %s, which there is not" % name, file=file, line=line, hint=near and "did you mean %s?" % near)
        unknown = sorted(self.localrules_ - set(self.rules_by_name_))
        if unknown:
            logger.warning("localrules names rules that there are not: %s" % ", ".join(unknown))

    def hooks(self):
        found = {}
        for name, value in self.globals.items():
            if name.startswith("__furrow_hook_"):
                found[name.split("_")[4]] = value
        return found


def compile_quietly(text, path, original):
    """Compiles; warnings about escapes such as "\\d" concern shell commands far more often than mistakes."""
    if sys.version_info >= (3, 12):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return compile_text(text, path, original)
    return compile_text(text, path, original)


def compile_text(text, path, original):
    try:
        return compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 1
        lines = original.split("\n")
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        raise SnakefileSyntaxError(error.msg, path, line, shown, hint_for_syntax(error, shown)) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SnakefileSyntaxError("the file cannot be compiled: %s" % (str(error) or type(error).__name__), path, 1) from None


def hint_for_syntax(error, line):
    if "positional argument follows keyword" in error.msg:
        return "arguments without a name stand before those with one"
    if "forgot a comma" in error.msg:
        return "is a comma missing between two arguments?"
    if isinstance(error, TabError):
        return "use spaces alone, or tabs alone"
    return None


class RuleScope:
    """The `with` block that a rule becomes."""

    def __init__(self, workflow, name, line, run, lines):
        path = str(workflow.included_stack[-1])
        self.workflow_ = workflow
        self.rule_ = Rule(name, path, line, workflow)
        self.rule_.basedir = os.path.dirname(path)
        self.builder_ = RuleBuilder(self.rule_, workflow, lines)
        self.run_ = run

    def __enter__(self):
        return self.builder_

    def __exit__(self, kind, error, traceback):
        rule = self.rule_
        rule.name = self.builder_.name_ or rule.name or str(len(self.workflow_.rules_by_name_) + 1)
        if error is not None:
            if not hasattr(error, "furrow_rule"):
                try:
                    error.furrow_rule = rule.name
                except AttributeError:
                    pass
            return False
        if self.run_ is not None:
            if self.builder_.given_:
                raise WorkflowError("a rule has only one of run, shell and script", file=rule.snakefile, line=rule.lineno, rule=rule.name)
            rule.run_func = sys._getframe(1).f_locals[self.run_]
            rule.run_code = self.workflow_.runs_.get(self.run_, "")
        self.workflow_.add_rule(rule)
        return False


class Directives:
    """The global directives; translated code calls them as `__furrow__.include(...)` and so on."""

    def __init__(self, workflow):
        self.workflow_ = workflow

    def rule(self, name, line, run, lines):
        return RuleScope(self.workflow_, name, line, run, lines)

    def checkpoint(self, name, line, run, lines):
        return self.not_yet("checkpoint", name)

    def not_yet(self, what, name):
        raise NotYet("%s is not carried out yet" % (what if name is None else "%s %s" % (what, name)))

    def include(self, path=None, *rest):
        if path is None or rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("include takes one file name")
        text = str(path)
        if text.startswith(kRemote):
            raise NotYet("include of %s: files from elsewhere are not fetched yet" % text)
        full = self.workflow_.join(self.workflow_.current_basedir, text)
        if not os.path.isfile(full):
            raise WorkflowError("the included file %s is not there (looked at %s)" % (text, full))
        self.workflow_.include_file(full)

    def workdir(self, path=None, *rest):
        if path is None or rest:
            raise WorkflowError("workdir takes one folder")
        if self.workflow_.overwrite_workdir is not None:
            return
        path = os.path.abspath(os.path.expanduser(str(path)))
        try:
            os.makedirs(path, exist_ok=True)
            os.chdir(path)
        except OSError as error:
            raise WorkflowError("workdir %s: %s" % (path, error.strerror)) from None

    def configfile(self, path=None, *rest):
        if path is None or rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("configfile takes one file name")
        self.workflow_.config_.read(str(path), self.workflow_)

    def envvars(self, *names):
        missing = [name for name in names if name not in os.environ]
        if missing:
            raise WorkflowError("the workflow needs these environment variables, which are not set: %s" % ", ".join(missing))
        self.workflow_.envvars.update(names)

    def wildcard_constraints(self, *args, **kwargs):
        self.workflow_.wildcard_constraints.update(self.workflow_.checked_constraints(args, kwargs))

    def localrules(self, *names):
        self.workflow_.localrules_.update(names)

    def ruleorder(self, *names):
        frame = sys._getframe(1)
        self.workflow_.ruleorders_.append(list(names))
        self.workflow_.ruleorder_places_.append((frame.f_code.co_filename, frame.f_lineno))

    def inputflags(self, *functions):
        self.set_flags("input", functions)

    def outputflags(self, *functions):
        self.set_flags("output", functions)

    def set_flags(self, directive, functions):
        def flag_all(item):
            for function in functions:
                item = function(item)
            return item

        self.workflow_.default_flags_[directive] = flag_all if functions else None

    def resource_scopes(self, *args, **scopes):
        """Whether a limit of a resource holds for each submission to a cluster, or for all of them together."""
        if args:
            raise WorkflowError("resource_scopes takes names, as in `resource_scopes: gpu=\"local\"`")
        for name, scope in scopes.items():
            if scope not in ("local", "global"):
                raise WorkflowError("the scope of the resource %s is neither \"local\" nor \"global\": %r" % (name, scope))
        self.workflow_.resource_scopes.update(scopes)

    def ignored(self, *args, **kwargs):
        """Containers, environments and report texts concern options that a local run does not have."""

    container = containerized = singularity = conda = report = ignored

    def storage(self, *args, **kwargs):
        raise NotYet("storage is not carried out yet")

    def pepfile(self, *args, **kwargs):
        raise NotYet("pepfile is not carried out yet")

    def pepschema(self, *args, **kwargs):
        raise NotYet("pepschema is not carried out yet")

    def scattergather(self, **kwargs):
        raise NotYet("scattergather is not carried out yet")

    def pathvars(self, **kwargs):
        raise NotYet("pathvars is not carried out yet")
