"""Rules: what the directives of a rule collect, and how a rule is told to the engine."""

from .entries import first_items, read_arguments, shape
from .errors import NotYet, WorkflowError
from .identity import canonical
from .patterns import contains_wildcard, strip_constraints, wildcard_names
from .resources import from_expression, mebibytes, normalise
from .transport import Json, dumps
from .values import InputFiles, Log, OutputFiles, Params, check_name

kShadows = ("minimal", "copy-minimal", "shallow", "full")
kLists = {"input": InputFiles, "output": OutputFiles, "log": Log}


class Rule:
    """One rule. `entries` holds input, output, log and benchmark; `params` is a list of (name, value, line)."""

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
        return "<rule %s>" % self.name

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
        return self.listed("input")

    @property
    def output(self):
        return self.listed("output")

    @property
    def log(self):
        return self.listed("log")

    @property
    def benchmark(self):
        entries = self.entries["benchmark"]
        return entries[0].items[0] if entries else None

    @property
    def params(self):
        return named_params([(name, value) for name, value, _ in self.param_items])

    @property
    def resources(self):
        return {**self.resource_items, "_cores": self.threads, "_nodes": 1}

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

    def listed(self, directive):
        """Patterns as another rule sees them: without flags and constraints."""
        items, ranges = first_items(self.entries[directive])
        plain = [item if callable(item) else str(strip_constraints(item)) for item in items]
        return kLists[directive].from_shape(plain, ranges)

    def shape_of(self, directive):
        """Ranges of the items by entry; None where a function decides how many there are."""
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
            "group": function_at(self.group_line) if callable(self.group) else self.group,
            "docstring": self.docstring,
            "message": self.message is not None,
        }
        fields["constraints"] = self.constraints
        fields["threads"] = function_at(self.threads_line) if callable(self.threads) else self.threads
        fields["resources"] = self.encode_resources()
        fields.update(priority=self.priority, retries=self.retries, shadow=self.shadow, code=self.code_text(), script=self.script_path())
        parts = [dumps(fields)[:-1]]
        for directive in ("input", "output", "log"):
            parts.append('"%s":[%s]' % (directive, ",".join([entry.encode(directive) for entry in self.entries[directive]])))
        if self.entries["benchmark"]:
            parts.append('"benchmark":' + self.entries["benchmark"][0].encode("benchmark"))
        parts.append('"params":[%s]}' % ",".join([encode_param(name, value, line) for name, value, line in self.param_items]))
        return Json(",".join(parts))

    def encode_resources(self):
        encoded = {}
        for name, value in self.resource_items.items():
            if value is None:
                continue
            encoded[name] = function_at(self.resource_lines.get(name, self.lineno)) if callable(value) else value
            if name in ("mem_mb", "disk_mb"):
                encoded[name[:-3] + "_mib"] = encoded[name] if callable(value) else mebibytes(value)
        return encoded

    def code_text(self):
        if self.kind == "shell":
            return str(self.shellcmd)
        if self.kind == "run":
            return self.run_code or ""
        return str(self.script) if self.kind == "script" else ""

    def script_path(self):
        """The script's place, if it does not depend on the job."""
        if self.script is None or "{" in str(self.script):
            return None
        return self.workflow.join(self.basedir, str(self.script))


def function_at(line):
    return {"fn": True, "line": line}


def encode_param(name, value, line):
    if type(value).__name__ == "Answered":
        return Json(dumps({"name": name, "text": identity_text(value.value), "wild": False}))
    if callable(value):
        return Json(dumps({"name": name, "fn": True, "line": line}))
    text = identity_text(value)
    return Json(dumps({"name": name, "text": text, "wild": has_wildcards(value) and contains_wildcard(text)}))


def identity_text(value):
    return str(value) if isinstance(value, str) else canonical(value)


def has_wildcards(value):
    """Whether wildcards are filled into the value: a text, or a list that holds texts."""
    if isinstance(value, str):
        return contains_wildcard(value)
    return isinstance(value, list) and any(isinstance(item, str) and contains_wildcard(item) for item in value)


def named_params(items):
    made = Params([value for _, value in items])
    for at, (name, _) in enumerate(items):
        if name is not None:
            made.names_[name] = (at, None)
            made.__dict__[name] = items[at][1]
    return made


def single(method):
    """A directive that takes exactly one value, without a name."""

    def checked(self, *args, **kwargs):
        if len(args) != 1 or kwargs:
            raise WorkflowError("%s takes one value" % method.__name__)
        return method(self, args[0])

    return checked


class RuleBuilder:
    """What `__r` is in translated code: one method for each directive."""

    def __init__(self, rule, workflow, lines):
        self.rule_ = rule
        self.workflow_ = workflow
        self.lines_ = lines
        self.name_ = None
        self.given_ = False

    def line_of(self, directive):
        """Told by the translation: to ask a frame for its line takes longer the larger the file is."""
        return self.lines_.get(directive, self.rule_.lineno)

    def doc(self, text):
        self.rule_.docstring = text.strip()

    def files(self, directive, args, kwargs):
        self.rule_.entries[directive] = read_arguments(args, kwargs, directive, self.line_of(directive), self.workflow_.default_flag(directive))

    def input(self, *args, **kwargs):
        self.files("input", args, kwargs)

    def output(self, *args, **kwargs):
        self.files("output", args, kwargs)

    def log(self, *args, **kwargs):
        self.files("log", args, kwargs)

    def benchmark(self, *args, **kwargs):
        self.files("benchmark", args, kwargs)
        entries = self.rule_.entries["benchmark"]
        if len(entries) > 1 or any(len(entry.items) != 1 for entry in entries):
            raise WorkflowError("benchmark takes one file name")

    def params(self, *args, **kwargs):
        line = self.line_of("params")
        for name in kwargs:
            try:
                check_name(name)
            except AttributeError as error:
                raise WorkflowError(str(error)) from None
        items = [(None, value) for value in args] + list(kwargs.items())
        self.rule_.param_items = [(name, value, line) for name, value in items]

    def resources(self, *args, **kwargs):
        if args:
            raise WorkflowError("resources must have names, as in `resources: mem_mb=100`")
        for name, value in kwargs.items():
            name, value = normalise(name, value)
            self.rule_.resource_items[name] = value
            self.rule_.resource_lines[name] = self.line_of("resources")

    @single
    def threads(self, value):
        if isinstance(value, float):
            value = int(value)
        if not callable(value) and (isinstance(value, bool) or not isinstance(value, int)):
            raise WorkflowError("threads must be a whole number or a function, not %s" % type(value).__name__)
        self.rule_.threads = value
        self.rule_.threads_line = self.line_of("threads")

    def wildcard_constraints(self, *args, **kwargs):
        self.rule_.constraints = self.workflow_.checked_constraints(args, kwargs)

    @single
    def message(self, text):
        if not isinstance(text, str):
            raise WorkflowError("message takes a text, not %s" % type(text).__name__)
        self.rule_.message = text

    @single
    def name(self, text):
        self.name_ = text

    @single
    def priority(self, value):
        if callable(value):
            raise NotYet("a function for priority is not carried out yet")
        if not isinstance(value, (int, float)):
            raise WorkflowError("priority must be a number, not %s" % type(value).__name__)
        self.rule_.priority = round(value)

    @single
    def retries(self, value):
        if not isinstance(value, int) or value < 0:
            raise WorkflowError("retries must be a whole number of at least 0")
        self.rule_.retries = value

    @single
    def shadow(self, value):
        value = "full" if value is True else value
        if value and value not in kShadows:
            raise WorkflowError("shadow must be one of %s" % ", ".join(kShadows))
        self.rule_.shadow = value or None

    @single
    def localrule(self, value):
        self.rule_.localrule = bool(value)

    @single
    def group(self, value):
        if not callable(value) and (isinstance(value, bool) or not isinstance(value, (str, int, type(None)))):
            raise WorkflowError("group takes a name or a function, not %s" % type(value).__name__)
        self.rule_.group = value if callable(value) or value is None else str(value)
        self.rule_.group_line = self.line_of("group")

    @single
    def handover(self, value):
        self.rule_.localrule = self.rule_.localrule or bool(value)
        self.rule_.handover = bool(value)

    @single
    def default_target(self, value):
        if value is not True:
            raise WorkflowError("default_target takes True, and is left out otherwise")
        self.workflow_.default_target_rule = self.rule_

    def shell(self, command=None, *rest):
        if rest or not isinstance(command, str):
            raise WorkflowError("shell takes one command as a text", hint="parts of a long command stand side by side, with no comma between")
        self.carry_out("shellcmd", command)

    def script(self, path=None, *rest):
        if rest or not (isinstance(path, str) or hasattr(path, "__fspath__")):
            raise WorkflowError("script takes one file name")
        self.carry_out("script", path if isinstance(path, str) else str(path))

    def carry_out(self, attribute, value):
        if self.given_:
            raise WorkflowError("a rule has only one of run, shell and script")
        self.given_ = True
        setattr(self.rule_, attribute, value)

    def ignored(self, *args, **kwargs):
        """Environments, containers and the like concern options that a local run does not have."""

    conda = container = containerized = singularity = envmodules = cache = version = ignored

    def pathvars(self, **kwargs):
        raise NotYet("pathvars is not carried out yet")

    def notebook(self, *args, **kwargs):
        raise NotYet("notebook is not carried out yet")

    def wrapper(self, *args, **kwargs):
        raise NotYet("wrapper is not carried out yet")

    def template_engine(self, *args, **kwargs):
        raise NotYet("template_engine is not carried out yet")

    def cwl(self, *args, **kwargs):
        raise NotYet("cwl is not carried out yet")


def set_overwritten(rule, threads, resources):
    """--set-threads and --set-resources win over what the rule says."""
    if threads is not None:
        rule.threads = threads if isinstance(threads, int) else from_expression(str(threads))
    for name, value in (resources or {}).items():
        name, value = normalise(name, from_expression(str(value)))
        rule.resource_items[name] = value
    for name in list(rule.resource_items):
        if rule.resource_items[name] is None:
            del rule.resource_items[name]
