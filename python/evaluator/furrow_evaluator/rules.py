"""Rules: what the directives of a rule collect, and how a rule is sent to the engine."""

import os

from .deployment import encoded_environment
from .entries import PlainTexts, first_items, is_reported, read_arguments, shape, warn_of_flags
from .errors import WorkflowError
from .flags import PRODUCER, changed, flag, without_flags
from .param_items import NAME_OF_CONTENT, encode_param, named_params
from .patterns import strip_constraints, wildcard_names
from .resources import from_expression, mebibytes, normalise
from .transport import JsonTexts, dumps
from .uniform import is_uniform
from .values import InputFiles, Log, OutputFiles

LISTS = {"input": InputFiles, "output": OutputFiles, "log": Log}

# The languages of scripts that Furrow runs, by the end of the file's name.
SCRIPT_EXTENSIONS = (".py", ".r", ".rmd", ".sh", ".bash", ".jl", ".rs", ".xsh", ".hy")
# What is not supported, and what to do instead.
_NOT_YET = {
    "cwl": ("CWL tools are", "run it from shell:, with cwltool"),
    "script": ("scripts in this language are", "run it from shell:"),
}


class Rule:
    """One rule. `entries` holds input, output, log and benchmark; `param_items` is a list of (name, value, line)."""

    def __init__(self, name, snakefile, line, workflow):
        self.name = name
        self.snakefile = snakefile
        self.lineno = line
        self.workflow = workflow
        self.scope = self.home = workflow.scope  # a rule that inherits another one has its home
        self.given = {}  # its directives, for rules that inherit them
        self.number = None  # among the rules of the workflow; None as long as it is not one of them
        self.moved_by = {}  # by directive, the prefix of the module that has written it
        self.is_default_target = False
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
        self.priority_line = line
        self.retries = None
        self.repeats = 1
        self.shadow = None
        self.localrule = False
        self.group = None
        self.group_line = line
        self.handover = False
        self.is_checkpoint = False
        self.shellcmd = None
        self.script = None
        self.notebook = None
        self.wrapper = None
        self.run_func = None
        self.run_code = None
        # What Furrow cannot run yet: the directive and its argument, as ("cwl", "tools/sort.cwl").
        self.not_yet = None
        self.conda_env = self.container_img = self.env_modules = self.cache = None
        self.is_containerized = False
        self.template_engine = None
        self.pathvars = {}
        self.basedir = None
        self.inherited_basedir = None
        self._amounts_from_files = None

    def __repr__(self):
        return f"<rule {self.name}>"

    def __str__(self):
        return self.name

    @property
    def names(self):
        """The names that the Snakefile with its command knows."""
        return self.home.names

    @property
    def config(self):
        return self.home.names["config"]

    def file_of(self, directive):
        """The Snakefile that has the directive. That of a rule of a module may be replaced in another one."""
        return self.given[directive].file if directive in self.given else self.snakefile

    @property
    def kind(self):
        if self.shellcmd is not None:
            return "shell"
        if any(what is not None for what in (self.script, self.notebook, self.wrapper, self.not_yet)):
            return "script"
        return "run" if self.run_func is not None else "none"

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

    def why_not_yet(self):
        """Why its jobs cannot be run; None if they can."""
        if self.not_yet is None:
            return None
        directive, argument = self.not_yet
        what, instead = _NOT_YET[directive]
        return f"{directive} {argument}: {what} not supported yet; {instead}"

    def _argument_of(self, directive):
        return self.not_yet[1] if self.not_yet is not None and self.not_yet[0] == directive else None

    cwl = property(lambda self: self._argument_of("cwl"))
    is_notebook = property(lambda self: self.notebook is not None)
    is_wrapper = property(lambda self: self.wrapper is not None)
    is_cwl = property(lambda self: self.cwl is not None)
    is_template_engine = property(lambda self: self.template_engine is not None)
    is_handover = property(lambda self: self.handover)

    # Names of version 7 and later of the language.

    @property
    def rule(self):
        return self

    @property
    def shadow_depth(self):
        return self.shadow

    @shadow_depth.setter
    def shadow_depth(self, value):
        self.shadow = value

    @property
    def restart_times(self):
        return self.retries

    @restart_times.setter
    def restart_times(self, value):
        self.retries = value

    @property
    def wildcard_constraints(self):
        return self.constraints

    @property
    def products(self):
        return [item for name in ("output", "log", "benchmark") for entry in self.entries[name] for item in entry.items]

    def set_input(self, *args, **kwargs):
        self.set_files("input", args, kwargs)

    def set_output(self, *args, **kwargs):
        self.set_files("output", args, kwargs)

    def set_log(self, *args, **kwargs):
        self.set_files("log", args, kwargs)

    def set_files(self, directive, args, kwargs, line=None):
        given = self.scope.default_flags.get(directive)
        omitted = self.workflow.omitted_flags()

        def without_omitted(item):
            return without_flags(given(item) if given else item, omitted)

        change = without_omitted if omitted else given
        self.entries[directive] = read_arguments(args, kwargs, directive, line or self.lineno, change)
        if directive in ("input", "output"):
            warn_of_flags(self.entries[directive], directive, f"{self.snakefile}:{line or self.lineno}")
        self.shapes.pop(directive, None)

    def flag_ancient(self, names):
        """Inputs are named, or given by their place from 0."""
        entries = self.entries["input"]
        for name in names:
            found = [entry for at, entry in enumerate(entries) if name in (entry.name, str(at))]
            if not found:
                raise WorkflowError(
                    f"--consider-ancient: rule {self.name} has no input {name}", file=self.snakefile, line=self.lineno
                )
            for entry in found:
                entry.items = [flag(item, "ancient") for item in entry.items]
                entry.function = entry.function and flag(entry.function, "ancient")

    def finish_paths(self):
        """What is done to the paths of a rule once it is complete."""
        for directive, entries in self.entries.items():
            for entry in entries:
                entry.items = self.filled(self.moved(entry.items, directive))

    def moved(self, paths, directive):
        """The paths where the prefix of a module leads."""
        moved_by = self.moved_by.get(directive)
        return paths if moved_by is None else [moved_by.moved(path) for path in paths]

    def filled(self, paths):
        """Fills in pathvars, and drops slashes at the ends of paths."""
        text = paths.joined() if type(paths) is PlainTexts else '","'.join(paths)
        if '/"' in text or text[-1:] == "/":
            paths = [changed(path, path.rstrip("/") or "/") if path[-1:] == "/" else path for path in paths]
        if "<" in text:
            from . import pathvars

            known = {**self.scope.pathvars.items, **self.pathvars}
            paths = [changed(path, pathvars.fill(path, known)) if "<" in path else path for path in paths]
        return paths

    def set_params(self, *args, **kwargs):
        items = [(None, value) for value in args] + list(kwargs.items())
        self.param_items = [(name, value, self.lineno) for name, value in items]

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
        files = self._listed("benchmark")
        return files[0] if files else None

    @property
    def params(self):
        return named_params([(name, value) for name, value, _ in self.param_items])

    @property
    def resources(self):
        return RuleResources(self)

    @resources.setter
    def resources(self, values):
        self.resource_items = {}
        RuleResources(self).update(values)

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

    def amounts_from_files(self):
        """The resources, and "_cores" for the threads, whose functions may read files."""
        if self._amounts_from_files is None:
            from .file_readers import may_look_at_files
            from .functions import takes

            amounts = {"_cores": self.threads, **self.resource_items}
            self._amounts_from_files = frozenset(
                name
                for name, value in amounts.items()
                if callable(value) and (takes(value, {"input"}) or may_look_at_files(value))
            )
        return self._amounts_from_files

    def _listed(self, directive):
        """Patterns as other rules see them: without flags and constraints. Outputs know the rule that makes them."""
        items, ranges = first_items(self.entries[directive])
        plain = [item if callable(item) else str(strip_constraints(item)) for item in items]
        if self.moved_by.get(directive) is not None:
            from .path_prefix import as_moved

            plain = [as_moved(item, lambda paths: self.moved(self.filled(paths), directive)) for item in plain]
        if directive == "output":
            plain = [flag(item, PRODUCER, self) for item in plain]
        return LISTS.get(directive, Log).from_shape(plain, ranges)

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
            "checkpoint": self.is_checkpoint,
            "local": self.localrule,
            "group": _function_at(self.group_line) if callable(self.group) else self.group,
            "docstring": self.docstring,
            "message": self.message is not None,
            "uniform": is_uniform(self),
        }
        fields["constraints"] = self.constraints
        if self.scope.is_module:
            fields.update(module=True, constraints={**self.scope.constraints, **self.constraints})
        fields["threads"] = _function_at(self.threads_line) if callable(self.threads) else self.threads
        fields["resources"] = self._encode_resources()
        fields.update(
            priority=_function_at(self.priority_line) if callable(self.priority) else self.priority,
            retries=self.retries,
            shadow=self.shadow,
            repeats=self.repeats,
            code=self.code_text(),
            script=self._script_path(),
            not_yet=self.why_not_yet(),
            environment=encoded_environment(self),
            report=is_reported(self.entries["output"]) or is_reported(self.entries["input"]),
        )
        texts = JsonTexts([dumps(fields)[:-1]])
        for directive in ("input", "output", "log"):
            texts.append(f',"{directive}":[')
            for at, entry in enumerate(self.entries[directive]):
                texts += [",", *entry.encode(directive)] if at else entry.encode(directive)
            texts.append("]")
        if self.entries["benchmark"]:
            texts += [',"benchmark":', *self.entries["benchmark"][0].encode("benchmark")]
        params = [encode_param(name, value, line) for name, value, line in self.param_items]
        if self.script_of_job() is not None:
            params.append(encode_param(NAME_OF_CONTENT, len, self.lineno))  # as that of a function
        texts.append(',"params":[%s]}' % ",".join(params))
        return texts

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
        if self.not_yet is not None:
            return " ".join(map(str, self.not_yet))
        for directive in ("notebook", "wrapper"):
            if getattr(self, directive) is not None:
                return f"{directive} {getattr(self, directive)}"
        return str(self.script) if self.kind == "script" else ""

    def script_of_job(self):
        """The script or notebook as it is written, if each job may have another one; else None.

        Then its content is a param for the engine, which compares params job by job.
        """
        script = self.notebook if self.script is None else self.script
        return script if script is not None and "{" in script and self.not_yet is None else None

    def _script_path(self):
        """The script's path; None if it depends on the job, or is nowhere: then the job says so when it is to start."""
        try:
            if self.wrapper is not None:
                return self.located_wrapper().script(may_fetch=not self.workflow.dryrun)
            script = self.notebook if self.script is None else self.script
            return None if script is None or "{" in script else self.source_path(script)
        except WorkflowError:
            return None

    def located_wrapper(self):
        return self.workflow.located_wrapper(self.wrapper)

    def take_environment_of_wrapper(self):
        """The conda environment of its wrapper. Where that cannot be fetched, nor can the wrapper: its jobs say so."""
        try:
            self.conda_env = self.located_wrapper().environment() or self.conda_env
        except WorkflowError:
            pass

    def source_path(self, path):
        """The path of a file that a directive names. An inherited one may be relative to either rule."""
        found = self.workflow.local_path(self.basedir, path)
        if self.inherited_basedir is not None and not os.path.exists(found):
            inherited = self.workflow.local_path(self.inherited_basedir, path)
            return inherited if os.path.exists(inherited) else found
        return found


class RuleResources(dict):
    """`rule.resources` in Python code: what is changed here is changed in the rule."""

    def __init__(self, rule):
        defaults = rule.workflow.parsed_default_resources()
        given = rule.limited_resources or rule.resource_items
        dict.__init__(self, {**defaults, **given, "_cores": rule.threads, "_nodes": 1})
        self._rule = rule

    def __setitem__(self, name, value):
        if name == "_cores":
            self._rule.threads = value
        elif name != "_nodes":
            name, value = normalise(name, value)
            self._rule.resource_items[name] = value
        dict.__setitem__(self, name, value)

    def __delitem__(self, name):
        dict.__delitem__(self, name)
        self._rule.resource_items.pop(name, None)

    def update(self, *others, **more):
        for name, value in dict(*others, **more).items():
            self[name] = value

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name, *default):
        self._rule.resource_items.pop(name, None)
        return dict.pop(self, name, *default)


def _function_at(line):
    return {"fn": True, "line": line}


def set_overwritten(rule, threads, resources, places):
    """--set-threads and --set-resources override what the rule says."""
    if threads is not None:
        rule.threads = threads if isinstance(threads, int) else from_expression(str(threads), places.get("set-threads"))
    for name, value in (resources or {}).items():
        name, value = normalise(name, from_expression(str(value), places.get("set-resources")))
        rule.resource_items[name] = value
    for name in list(rule.resource_items):
        if rule.resource_items[name] is None:
            del rule.resource_items[name]
