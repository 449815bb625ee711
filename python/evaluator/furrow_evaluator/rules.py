"""Rules: what the directives of a rule collect, and how a rule is sent to the engine."""

from .entries import first_items, read_arguments, shape
from .errors import NotYet, WorkflowError
from .identity import canonical
from .patterns import contains_wildcard, strip_constraints, wildcard_names
from .resources import from_expression, mebibytes, normalise
from .transport import Json, dumps
from .values import InputFiles, Log, OutputFiles, Params, check_name

_SHADOWS = ("minimal", "copy-minimal", "shallow", "full")
LISTS = {"input": InputFiles, "output": OutputFiles, "log": Log}


class Rule:
    """One rule. `entries` holds input, output, log and benchmark; `param_items` is a list of (name, value, line)."""

    def __init__(self, name, snakefile, line, workflow):
        self.name = name
        self.snakefile = snakefile
        self.lineno = line
        self.workflow = workflow
        self.entries = {"input": [], "output": [], "log": [], "benchmark": []}
        self.shapes = {}
        self.param_items = []
        self.threads = 1
        self.threads_line = line
        self.resource_items = {}
        self.limited_resources = {}  # no more than --resources allows
        self.resource_lines = {}
        self.constraints = {}
        self.docstring = None
        self.message = None
        self.priority = 0
        self.retries = None
        self.shadow = None
        self.localrule = False
        self.group = None
        self.group_line = line
        self.handover = False
        self.shellcmd = None
        self.script = None
        self.run_func = None
        self.run_code = None
        self.basedir = None

    def __repr__(self):
        return f"<rule {self.name}>"

    def __str__(self):
        return self.name

    @property
    def kind(self):
        if self.shellcmd is not None:
            return "shell"
        if self.script is not None:
            return "script"
        return "run" if self.run_func is not None else "none"

    is_checkpoint = False

    @property
    def is_shell(self):
        return self.shellcmd is not None

    @property
    def is_script(self):
        return self.script is not None

    @property
    def is_run(self):
        return self.run_func is not None

    @property
    def norun(self):
        return self.kind == "none"

    @property
    def input(self):
        return self._listed("input")

    @property
    def output(self):
        return self._listed("output")

    @property
    def log(self):
        return self._listed("log")

    @property
    def benchmark(self):
        entries = self.entries["benchmark"]
        return entries[0].items[0] if entries else None

    @property
    def params(self):
        return named_params([(name, value) for name, value, _ in self.param_items])

    @property
    def resources(self):
        return {**(self.limited_resources or self.resource_items), "_cores": self.threads, "_nodes": 1}

    @property
    def wildcard_names(self):
        names = set()
        for directive in ("output", "log", "benchmark"):
            for entry in self.entries[directive]:
                for item in entry.items:
                    names |= wildcard_names(item)
        return names

    def has_wildcards(self):
        return bool(self.wildcard_names)

    def _listed(self, directive):
        """Patterns as other rules see them: without flags and constraints."""
        items, ranges = first_items(self.entries[directive])
        plain = [item if callable(item) else str(strip_constraints(item)) for item in items]
        return LISTS[directive].from_shape(plain, ranges)

    def shape_of(self, directive):
        """Ranges of the items by entry; None if a function decides how many items there are."""
        if directive not in self.shapes:
            self.shapes[directive] = shape(self.entries[directive])
        return self.shapes[directive]

    # For the engine.

    def encode(self, files):
        fields = {
            "name": self.name,
            "file": files.index(self.snakefile),
            "line": self.lineno,
            "kind": self.kind,
            "checkpoint": False,
            "local": self.localrule,
            "group": _function_at(self.group_line) if callable(self.group) else self.group,
            "docstring": self.docstring,
            "message": self.message is not None,
        }
        fields["constraints"] = self.constraints
        fields["threads"] = _function_at(self.threads_line) if callable(self.threads) else self.threads
        fields["resources"] = self._encode_resources()
        fields.update(
            priority=self.priority,
            retries=self.retries,
            shadow=self.shadow,
            code=self.code_text(),
            script=self._script_path(),
        )
        parts = [dumps(fields)[:-1]]
        for directive in ("input", "output", "log"):
            parts.append(
                '"%s":[%s]' % (directive, ",".join([entry.encode(directive) for entry in self.entries[directive]]))
            )
        if self.entries["benchmark"]:
            parts.append('"benchmark":' + self.entries["benchmark"][0].encode("benchmark"))
        parts.append(
            '"params":[%s]}' % ",".join([encode_param(name, value, line) for name, value, line in self.param_items])
        )
        return Json(",".join(parts))

    def _encode_resources(self):
        encoded = {}
        for name, value in self.limited_resources.items():
            if value is None:
                continue
            encoded[name] = _function_at(self.resource_lines.get(name, self.lineno)) if callable(value) else value
            if name in ("mem_mb", "disk_mb"):
                encoded[name[:-3] + "_mib"] = encoded[name] if callable(value) else mebibytes(value)
        return encoded

    def code_text(self):
        if self.kind == "shell":
            return str(self.shellcmd)
        if self.kind == "run":
            return self.run_code or ""
        return str(self.script) if self.kind == "script" else ""

    def _script_path(self):
        """The script's path; None if it depends on the job."""
        if self.script is None or "{" in str(self.script):
            return None
        return self.workflow.join(self.basedir, str(self.script))


def _function_at(line):
    return {"fn": True, "line": line}


class FunctionResult:
    """A value that a function returned: it may itself be callable, and braces in it are not wildcards."""

    def __init__(self, value):
        self.value = value


def encode_param(name, value, line):
    if isinstance(value, FunctionResult):
        return Json(dumps({"name": name, "text": _identity_text(value.value), "wild": False}))
    if callable(value):
        return Json(dumps({"name": name, "fn": True, "line": line}))
    text = _identity_text(value)
    return Json(dumps({"name": name, "text": text, "wild": has_wildcards(value) and contains_wildcard(text)}))


def _identity_text(value):
    return str(value) if isinstance(value, str) else canonical(value)


def has_wildcards(value):
    """Whether the value, a text or a list that holds texts, has wildcards to fill in."""
    if isinstance(value, str):
        return contains_wildcard(value)
    return isinstance(value, list) and any(isinstance(item, str) and contains_wildcard(item) for item in value)


def named_params(items):
    made = Params([value for _, value in items])
    for at, (name, _) in enumerate(items):
        if name is not None:
            made._names[name] = (at, None)
            made.__dict__[name] = items[at][1]
    return made


def _single(method):
    """Makes a method a directive that takes exactly one value, without a name."""

    def checked(self, *args, **kwargs):
        if len(args) != 1 or kwargs:
            raise WorkflowError(f"{method.__name__} takes one value")
        return method(self, args[0])

    return checked


class RuleBuilder:
    """What `__r` is in translated code: one method for each directive."""

    def __init__(self, rule, workflow, lines):
        self._rule = rule
        self._workflow = workflow
        self._lines = lines
        self.given_name = None
        self.has_action = False

    def _line_of(self, directive):
        """The line comes from the translation: asking a frame for it takes longer the larger the file is."""
        return self._lines.get(directive, self._rule.lineno)

    def doc(self, text):
        self._rule.docstring = text.strip()

    def _files(self, directive, args, kwargs):
        self._rule.entries[directive] = read_arguments(
            args, kwargs, directive, self._line_of(directive), self._workflow.default_flag(directive)
        )

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
        if callable(value):
            raise NotYet("a function for priority is not supported yet")
        if not isinstance(value, (int, float)):
            raise WorkflowError(f"priority must be a number, not {type(value).__name__}")
        self._rule.priority = round(value)

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
        self._workflow.default_target_rule = self._rule

    def shell(self, command=None, *rest):
        if rest or not isinstance(command, str):
            raise WorkflowError(
                "shell takes one command as a text",
                hint="write the parts of a long command one after another, without commas",
            )
        self._set_action("shellcmd", command)

    def script(self, path=None, *rest):
        if rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("script takes one file name")
        self._set_action("script", path if isinstance(path, str) else str(path))

    def _set_action(self, attribute, value):
        if self.has_action:
            raise WorkflowError("a rule has only one of run, shell and script")
        self.has_action = True
        setattr(self._rule, attribute, value)

    def ignored(self, *args, **kwargs):
        """Environments, containers and the like belong to options that a local run does not have."""

    conda = container = containerized = singularity = envmodules = cache = version = ignored

    def pathvars(self, **kwargs):
        raise NotYet("pathvars is not supported yet")

    def notebook(self, *args, **kwargs):
        raise NotYet("notebook is not supported yet")

    def wrapper(self, *args, **kwargs):
        raise NotYet("wrapper is not supported yet")

    def template_engine(self, *args, **kwargs):
        raise NotYet("template_engine is not supported yet")

    def cwl(self, *args, **kwargs):
        raise NotYet("cwl is not supported yet")


def set_overwritten(rule, threads, resources):
    """--set-threads and --set-resources override what the rule says."""
    if threads is not None:
        rule.threads = threads if isinstance(threads, int) else from_expression(str(threads))
    for name, value in (resources or {}).items():
        name, value = normalise(name, from_expression(str(value)))
        rule.resource_items[name] = value
    for name in list(rule.resource_items):
        if rule.resource_items[name] is None:
            del rule.resource_items[name]
