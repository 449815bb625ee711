"""What a rule's directives do: translated code calls one method for each of them."""

import os

from .errors import WorkflowError
from .flags import flags_of
from .logger import logger
from .resources import normalise
from .rules import SCRIPT_EXTENSIONS
from .source_files import SourceFile
from .values import check_name

_SHADOWS = ("minimal", "copy-minimal", "shallow", "full")


def _single(method):
    """Makes a method a directive that takes exactly one value, without a name."""

    def checked(self, *args, **kwargs):
        if len(args) != 1 or kwargs:
            raise WorkflowError(f"{method.__name__} takes one value")
        return method(self, args[0])

    return checked


def _path_of(directive, path, rest):
    if rest or not (isinstance(path, (str, SourceFile)) or hasattr(path, "__fspath__")):
        raise WorkflowError(f"{directive} takes one file name")
    return path if isinstance(path, str) else str(path)


class Given:
    """A directive as it was written, so that another rule can inherit it."""

    __slots__ = ("directive", "args", "kwargs", "file", "line", "paths")

    def __init__(self, directive, args, kwargs, file, line, paths):
        self.directive = directive
        self.args = args
        self.kwargs = kwargs
        self.file = file
        self.line = line
        self.paths = paths

    def replaced(self, args, kwargs):
        return Given(self.directive, args, kwargs, self.file, self.line, self.paths)

    def repeat(self, builder):
        """Does to another rule what the directive has done to the first one."""
        try:
            getattr(builder, self.directive)(*self.args, **self.kwargs)
        except WorkflowError as error:
            if error.line is None:
                error.file, error.line = self.file, self.line
            raise


# Directives that say the same thing under several names.
_SAME = {"singularity": "container", "containerized": "container"}
_SAME.update(dict.fromkeys("shell script notebook wrapper cwl template_engine".split(), "action"))


def _remembered(directive, method):
    """Makes a directive one that rules inherit."""
    what = _SAME.get(directive, directive)

    def give(self, *args, **kwargs):
        rule = self._rule
        line = self._lines.get(directive, rule.lineno)
        rule.given[what] = Given(directive, args, kwargs, self._file, line, self._paths)
        return method(self, *args, **kwargs)

    return give


class RuleBuilder:
    """What `__r` is in translated code: one method for each directive."""

    def __init__(self, rule, workflow, lines):
        self._rule = rule
        self._workflow = workflow
        self._lines = lines
        self._file = rule.snakefile
        self._paths = workflow.scope.paths
        self.given_name = None
        self.has_action = False

    def inherit(self, given):
        """Gives the rule the directives of another one."""
        for one in list(given.values()):
            self._lines, self._file, self._paths = {one.directive: one.line}, one.file, one.paths
            one.repeat(self)

    def _line_of(self, directive):
        """The line comes from the translation: asking a frame for it takes longer the larger the file is."""
        return self._lines.get(directive, self._rule.lineno)

    def given_again(self, directive, line):
        """A directive that the rule has already: the first one counts."""
        where = f"{self._rule.snakefile}:{line}"
        logger.warning(f"{where}: {directive} is given twice in a rule; the first one counts")
        return self.ignored

    def doc(self, text):
        self._rule.docstring = text.strip()

    def _files(self, directive, args, kwargs):
        self._rule.set_files(directive, args, kwargs, self._line_of(directive))
        self._rule.moved_by[directive] = self._paths

    def input(self, *args, **kwargs):
        self._files("input", args, kwargs)

    def output(self, *args, **kwargs):
        self._files("output", args, kwargs)

    def log(self, *args, **kwargs):
        self._files("log", args, kwargs)

    def benchmark(self, *args, **kwargs):
        self._files("benchmark", args, kwargs)
        entries = self._rule.entries["benchmark"]
        if len(entries) > 1 or any(len(entry.items) != 1 for entry in entries):
            raise WorkflowError("benchmark takes one file name")
        self._rule.repeats = flags_of(entries[0].items[0]).get("repeat", 1) if entries else 1

    def params(self, *args, **kwargs):
        line = self._line_of("params")
        for name in kwargs:
            try:
                check_name(name)
            except AttributeError as error:
                raise WorkflowError(str(error)) from None
        items = [(None, value) for value in args] + list(kwargs.items())
        self._rule.param_items = [(name, value, line) for name, value in items]

    def resources(self, *args, **kwargs):
        if args:
            raise WorkflowError("resources must have names, as in `resources: mem_mb=100`")
        self._rule.resource_items = {}
        for name, value in kwargs.items():
            name, value = normalise(name, value)
            self._rule.resource_items[name] = value
            self._rule.resource_lines[name] = self._line_of("resources")

    @_single
    def threads(self, value):
        if isinstance(value, float):
            value = int(value)
        if not callable(value) and (isinstance(value, bool) or not isinstance(value, int)):
            raise WorkflowError(f"threads must be a whole number or a function, not {type(value).__name__}")
        self._rule.threads = value
        self._rule.threads_line = self._line_of("threads")

    def wildcard_constraints(self, *args, **kwargs):
        self._rule.constraints = self._workflow.checked_constraints(args, kwargs)

    @_single
    def message(self, text):
        if not isinstance(text, str):
            raise WorkflowError(f"message takes a text, not {type(text).__name__}")
        self._rule.message = text

    @_single
    def name(self, text):
        self.given_name = text

    @_single
    def priority(self, value):
        if not callable(value) and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise WorkflowError(f"priority must be a number or a function, not {type(value).__name__}")
        self._rule.priority = value if callable(value) else round(value)
        self._rule.priority_line = self._line_of("priority")

    @_single
    def retries(self, value):
        if not isinstance(value, int) or value < 0:
            raise WorkflowError("retries must be a whole number of at least 0")
        self._rule.retries = value

    @_single
    def shadow(self, value):
        value = "full" if value is True else value
        if value and value not in _SHADOWS:
            raise WorkflowError("shadow must be one of %s" % ", ".join(_SHADOWS))
        self._rule.shadow = value or None

    @_single
    def localrule(self, value):
        self._rule.localrule = bool(value)

    @_single
    def group(self, value):
        if not callable(value) and (isinstance(value, bool) or not isinstance(value, (str, int, type(None)))):
            raise WorkflowError(f"group takes a name or a function, not {type(value).__name__}")
        self._rule.group = value if callable(value) or value is None else str(value)
        self._rule.group_line = self._line_of("group")

    @_single
    def handover(self, value):
        self._rule.localrule = self._rule.localrule or bool(value)
        self._rule.handover = bool(value)

    @_single
    def default_target(self, value):
        if value is not True:
            raise WorkflowError("default_target takes True, and is left out otherwise")
        self._rule.is_default_target = True

    def shell(self, command=None, *rest):
        if rest or not isinstance(command, str):
            raise WorkflowError(
                "shell takes one command as a text",
                hint="write the parts of a long command one after another, without commas",
            )
        self._set_action("shellcmd", command)

    def script(self, path=None, *rest):
        path = _path_of("script", path, rest)
        self._set_action("script", path)
        if not ("{" in path or "." not in os.path.basename(path) or path.lower().endswith(SCRIPT_EXTENSIONS)):
            self._rule.not_yet = ("script", path)

    def notebook(self, path=None, *rest):
        self._set_action("notebook", _path_of("notebook", path, rest))

    def wrapper(self, path=None, *rest):
        path, tag = _path_of("wrapper", path, rest), self._workflow.scope.wrapper_tag
        path = tag + path[len("master") :] if tag and path.startswith("master/") else path
        self._set_action("wrapper", path)

    def cwl(self, path=None, *rest):
        self._set_action("not_yet", ("cwl", _path_of("cwl", path, rest)))

    def _set_action(self, attribute, value):
        if self.has_action:
            raise WorkflowError("a rule has only one of run, shell and script")
        self.has_action = True
        setattr(self._rule, attribute, value)

    def ignored(self, *args, **kwargs):
        """What has no meaning for Furrow."""

    version = ignored

    # What an option turns on, as --use-conda does. Without it, the jobs run in the current environment.

    @_single
    def conda(self, value):
        self._rule.conda_env = value

    @_single
    def container(self, value):
        self._rule.container_img = False if value is None else value  # not even the workflow's own

    singularity = container

    @_single
    def containerized(self, value):
        self._rule.container_img, self._rule.is_containerized = value, True

    def envmodules(self, *names):
        self._rule.env_modules = names

    @_single
    def cache(self, value):
        self._rule.cache = value

    def pathvars(self, *args, **items):
        if args:
            raise WorkflowError('pathvars takes names, as in `pathvars: sample="{sample}"`')
        from .pathvars import checked

        self._rule.pathvars = checked(items)

    @_single
    def template_engine(self, engine):
        from .templates import ENGINES, renderer

        if engine not in ENGINES:
            raise WorkflowError(f"template_engine is one of {' and '.join(ENGINES)}, not {engine!r}")
        self._set_action("run_func", renderer(engine, self._rule))
        self._rule.template_engine, self._rule.run_code = engine, f"template_engine {engine}"


for _name in (
    "doc input output log benchmark params resources threads wildcard_constraints message priority retries shadow "
    "localrule group handover default_target shell script notebook wrapper cwl conda container singularity "
    "containerized envmodules cache pathvars template_engine"
).split():
    setattr(RuleBuilder, _name, _remembered(_name, RuleBuilder.__dict__[_name]))
