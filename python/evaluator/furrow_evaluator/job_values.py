"""The threads, resources and params of a job.

What a rule *asks for* is the same in every run: at the first attempt, before the limits of `--cores` and `--resources`,
and wherever temporary files go. The engine records the params that follow from it, and compares them later. What a job
*gets* is within the limits of this run, and goes into its command.
"""

from functools import partial

from .errors import IncompleteCheckpoint, MissingInput, WorkflowError, describe
from .flags import FlaggedFunction
from .functions import Lazy, call_named, may_take, parameters, takes
from .param_items import NAME_OF_CONTENT, FunctionResult, encode_param, has_wildcards, identity_text, named_params
from .patterns import apply_wildcards
from .resources import NODE_FOLDER, SIZED, convert, in_words, on_this_machine, with_derived
from .rules import LISTS
from .transport import EngineGone, Json, dumps
from .unknown import UNKNOWN
from .values import Resources, Wildcards

MAX_NESTED = 10
# Stands for the folder for temporary files in what a rule asks for. Nothing can be made or read there, so a function
# that does more than to name the folder fails and is given the real one.
_ANY_FOLDER = "/dev/null/tmpdir"
_VARYING = frozenset(["attempt", "threads", "resources", "params"])  # what may differ from run to run


def wildcards_of(job):
    return Wildcards.from_mapping(job.get("w") or {})


def files_of(rule, job, directive):
    """input, output or log of a job, with the names that the rule gives."""
    shape = rule.shape_of(directive)
    if directive == "input" and job.get("input_shape") is not None:
        shape = job["input_shape"]
    return LISTS[directive].from_shape(job.get(directive) or [], shape or ())


def _with_methods(rule, job, directive):
    from .file_values import File

    return files_of(rule, {**job, directive: list(map(File, job.get(directive) or ()))}, directive)


def _may_look_at_files(function):
    from .file_readers import may_look_at_files

    return may_look_at_files(function)


def guarded(function, wildcards, known, files, names=()):
    """Calls a function of the rule. A file that it misses is a MissingInput, since the file may be made later."""
    try:
        return call_named(function, names or parameters(function), wildcards, known)
    except FileNotFoundError as error:
        name = error.filename
        if name is None or (files is not None and str(name) not in map(str, files)):
            raise
        raise MissingInput(f"the file {name}, which a function reads, is not there") from error


class JobValues:
    """The values of one job; each is made when it is first needed, and functions are called once.

    `is_settled`: the engine has decided what the job gets, and `job` says it. In a preview, the jobs that this one
    depends on have yet to run. What the job is going to get and a function cannot return for that reason is UNKNOWN.
    """

    def __init__(self, rule, job, is_settled):
        self.rule = rule
        self.job = job
        self.is_settled = is_settled
        self.wildcards = wildcards_of(job)
        self.attempt = job.get("attempt", 1)
        self.is_preview = bool(job.get("preview"))
        self.has_unknown = False
        # Functions get files with methods; commands and scripts get plain texts.
        self.files = {name: Lazy(partial(_with_methods, rule, job, name)) for name in ("input", "output", "log")}
        self.input = Lazy(lambda: files_of(rule, job, "input"))
        self.output = Lazy(lambda: files_of(rule, job, "output"))
        self.log = Lazy(lambda: files_of(rule, job, "log"))
        self.granted = (_Settled if is_settled else _Planned)(self, self.attempt)
        self.given = _Params(self, self.granted)

    def call(self, function, known, names=()):
        return guarded(function, self.wildcards, known, self.job.get("input"), names)

    def call_early(self, function, known, names=()):
        """The same; in a preview, UNKNOWN stands for what the function can only answer later."""
        try:
            return self.call(function, known, names)
        except Exception as error:
            if not self.is_preview or not self.may_succeed_later(function, error):
                raise
            self.has_unknown = True
            return UNKNOWN

    def may_succeed_later(self, function, error):
        """Whether the jobs that run before this one may help: the function looks at their files, or what follows."""
        if isinstance(error, (MissingInput, FileNotFoundError, IncompleteCheckpoint)):
            return True
        if isinstance(error, EngineGone) or isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            return False
        undecided = {"params", "threads", "resources"} if self.has_unknown else set()
        return takes(function, {"input"} | undecided) or _may_look_at_files(function)

    def find_mistakes(self):
        """Calls the functions for threads and resources, also if nothing uses what they return."""
        self.granted.threads()
        self.granted.answers()

    def params(self):
        return self.given.first(len(self.rule.param_items))

    def encoded_params(self, content=None):
        """What the params are in every run, as one PARAM each. One that has no value yet says why.

        CONTENT is a function that says what is in the job's script, for rules where that is a param.
        """
        asked = _Params(self, _Asked(self, 1))
        encoded = []
        for at, (name, value, line) in enumerate(self.rule.param_items):
            if callable(value):
                encoded.append(self._encoded_result(asked, at, name, line))
            else:
                encoded.append(encode_param(name, value, line))
        if content is not None:
            encoded.append(self._encoded_by(content, NAME_OF_CONTENT, self.rule.lineno))
        return encoded + self._stand_ins()

    def _stand_ins(self):
        """What params are when fixed numbers stand for threads and resources that files decide.

        The engine compares these when such a param has no value, as its file is gone: it may have changed nevertheless.
        """
        readers = self.rule.amounts_from_files()
        if not readers:
            return []
        params = _Params(self, _WithoutFiles(self, readers))
        encoded = []
        for at, (name, value, line) in enumerate(self.rule.param_items):
            if not callable(value) or not may_take(parameters(value), {"threads", "resources"}):
                continue
            try:
                text = {"text": identity_text(params.value(at))}
            except EngineGone:
                raise
            except Exception as error:
                text = {"error": describe(error, self.rule.name)}
            encoded.append(Json(dumps({"name": name, "line": line, "wild": False, "for": at, **text})))
        return encoded

    def _encoded_result(self, asked, at, name, line):
        return self._encoded_by(lambda: self._asked_value(asked, at), name, line)

    def _encoded_by(self, make, name, line):
        try:
            return encode_param(name, FunctionResult(make()), line)
        except EngineGone:
            raise
        except Exception as error:
            return Json(dumps({"name": name, "line": line, "error": describe(error, self.rule.name)}))

    def _asked_value(self, asked, at):
        if self.is_settled and not self.given.may_differ(at, asked):
            return self.given.value(at)
        try:
            return asked.value(at)
        except EngineGone:
            raise
        except Exception:
            # Perhaps the function knows only numbers of threads that this run allows.
            value = self.given.value(at)
            if self.has_unknown:
                raise
            return value

    def priority(self):
        known = {"input": self.files["input"], "attempt": self.attempt, "rulename": self.rule.name}
        value = self.call(self.rule.priority, known)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise WorkflowError(f"the function for priority must return a number, not {value!r}")
        return round(value)

    def group(self):
        """Empty if the job is in no group."""
        value = self.rule.group
        if callable(value):
            value = guarded(value, self.wildcards, {}, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise WorkflowError(f"the function for group must return a name, not {value!r}")
        return "" if value is None else str(value)


def _with_units(names):
    """The names, and those under which the same resource is known in other units."""
    for name in names:
        yield name
        if name[-3:] == "_mb" and name[:-3] in SIZED:
            yield from (name[:-3], name[:-3] + "_mib")


class _Asked:
    """The threads and resources that the rule asks for at one attempt."""

    def __init__(self, values, attempt):
        self.values = values
        self.rule = values.rule
        self.attempt = attempt
        self._answered = self._wanted = None

    def call(self, function, known, names=()):
        return self.values.call(function, known, names)

    def threads(self):
        return self.wanted_threads()

    def within_limit(self, name, value):
        return value

    def on_this_machine(self):
        """The same with the folder for temporary files of this machine; None if they name it already."""
        return None

    def constants(self):
        return {**self.rule.resource_items, "tmpdir": _ANY_FOLDER}

    def answers(self):
        """What the functions for resources return, by name. One that fails fails here, unless it may do so yet."""
        answers, failures = self._answers()
        functions = self.constants()
        for name, error in failures.items():
            if not (self.values.job.get("ahead") and self.values.may_succeed_later(functions.get(name), error)):
                raise error
        return answers

    def amounts(self):
        """The values of the resources, and why others have none yet."""
        answers, failures = self._answers()
        plain = {name: value for name, value in self.constants().items() if not callable(value) and value is not None}
        return {**plain, **answers}, failures

    def _answers(self):
        if self._answered is None:
            self._answered = self._call_functions()
        return self._answered

    def wanted_threads(self):
        """Before any limit."""
        if not callable(self.rule.threads):
            return self.rule.threads
        if self._wanted is None:
            self._wanted = self._call_for_threads(self.rule.threads)
        return self._wanted

    def _call_for_threads(self, function):
        value = self.call(function, {**self._common(), "output": self.values.files["output"]})
        if value is UNKNOWN:
            return value
        if isinstance(value, float):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise WorkflowError(f"the function for threads must return a whole number, not {value!r}")
        return value

    def _common(self):
        return {"input": self.values.files["input"], "attempt": self.attempt, "rulename": self.rule.name}

    def _call_functions(self):
        functions = [(name, value) for name, value in self.constants().items() if callable(value)]
        known = functions and {**self._common(), "threads": Lazy(self.threads), "output": self.values.files["output"]}
        answers, unknown, failures = {}, [], {}
        for name, function in functions:
            try:
                value = self.call(function, known)
                if value is UNKNOWN:
                    unknown.append(name)
                    continue
                value = convert(name, value)[1]
                if value is not None:
                    answers[name] = self.within_limit(name, value)
            except EngineGone:
                raise
            except Exception as error:
                failures[name] = error
        return {**with_derived(answers), **dict.fromkeys(_with_units(unknown), UNKNOWN)}, failures

    def resources(self):
        values, missing = self.amounts()
        values = {**values, "_cores": self.threads(), "_nodes": 1}
        for kind in SIZED:
            if isinstance(values.get(kind + "_mb"), int):
                values.setdefault(kind, in_words(values[kind + "_mb"]))
            elif kind + "_mb" in missing:
                missing = {**missing, kind: missing[kind + "_mb"], kind + "_mib": missing[kind + "_mb"]}
        made = (_PartlyKnown if missing else Resources).from_mapping(with_derived(values))
        if missing:
            made.__dict__["_missing"] = missing
        return made


class _WithoutFiles(_Asked):
    """The same, with 1 in place of what functions return that may read files."""

    def __init__(self, values, readers):
        super().__init__(values, 1)
        self.readers = readers

    def wanted_threads(self):
        return 1 if "_cores" in self.readers else super().wanted_threads()

    def constants(self):
        return {name: 1 if name in self.readers else value for name, value in super().constants().items()}


class _Planned(_Asked):
    """What a job is going to get, as far as it can be known before the run."""

    is_here = False

    def call(self, function, known, names=()):
        return self.values.call_early(function, known, names)

    def threads(self):
        wanted = self.wanted_threads()
        return wanted if wanted is UNKNOWN else min(wanted, self.rule.workflow.max_threads)

    def within_limit(self, name, value):
        return self.rule.workflow.within_limit(self.rule, name, value)

    def constants(self):
        return self.rule.limited_resources

    def amounts(self):
        values, failures = super().amounts()
        if self.is_here and "tmpdir" in values:
            values = {**values, "tmpdir": on_this_machine(values["tmpdir"])}
        return values, failures

    def on_this_machine(self):
        if self.is_here or NODE_FOLDER not in str(self.rule.limited_resources.get("tmpdir")):
            return None
        made = type(self)(self.values, self.attempt)
        made.is_here = True
        return made


class _Settled(_Planned):
    """What the engine gives the job."""

    def threads(self):
        threads = self.values.job.get("threads")
        return 1 if threads is None else threads

    def _call_functions(self):
        answers = dict(self.values.job.get("resources") or {})
        failures = {}
        if self.values.job.get("ahead"):
            for name, value in self.constants().items():
                if callable(value) and name not in answers:
                    failures[name] = MissingInput(f"the resource {name} is not known before an input is there")
        return answers, failures


class _PartlyKnown(Resources):
    """Resources of which some are not known yet. To use one of those is an error: its own, which says why."""

    def get(self, key, default=None):
        self._demand(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self._demand(key if isinstance(key, str) else None)
        return super().__getitem__(key)

    def __getattr__(self, name):
        self._demand(name)
        return super().__getattr__(name)

    def _demand(self, name=None):
        """Asks for one resource, or for all."""
        missing = self.__dict__.get("_missing", {})
        if name in missing:
            raise missing[name]
        if name is None and missing:
            raise next(iter(missing.values()))

    def __iter__(self):
        self._demand()
        return super().__iter__()

    def __len__(self):
        self._demand()
        return super().__len__()

    def keys(self):
        self._demand()
        return super().keys()

    def values(self):
        self._demand()
        return super().values()

    def items(self):
        self._demand()
        return super().items()


class _Params:
    """The params of a job for one set of amounts."""

    def __init__(self, values, amounts):
        self.job_values = values
        self.amounts = amounts
        self.items = values.rule.param_items
        self._made = {}
        self._uses = {}  # which of _VARYING a param depends on
        self._known = None

    def value(self, at):
        if at not in self._made:
            self._made[at] = self._evaluate_somewhere(at)
        return self._made[at]

    def _evaluate_somewhere(self, at):
        try:
            return self._evaluate(at)
        except EngineGone:
            raise
        except Exception:
            # Perhaps the function does more than to name the folder for temporary files.
            here = self.amounts.on_this_machine()
            if here is None:
                raise
            return _Params(self.job_values, here).value(at)

    def first(self, count):
        return named_params([(self.items[at][0], self.value(at)) for at in range(count)])

    def may_differ(self, at, other):
        """Whether the param, which has a value, may have another one with other amounts."""
        uses = self._uses.get(at, ())
        return (
            "resources" in uses
            or "params" in uses
            or ("attempt" in uses and self.amounts.attempt != other.amounts.attempt)
            or ("threads" in uses and self.amounts.threads() != other.amounts.threads())
        )

    def _evaluate(self, at):
        value = self.items[at][1]
        if callable(value):
            return self._call(value, at)
        return self._fill(value) if has_wildcards(value) else value

    def _call(self, function, at):
        if isinstance(function, FlaggedFunction) and "unpack" in function.flags:
            raise WorkflowError("unpack() is not allowed with params; a dict can be used as it is, as in {params[key]}")
        uses = self._uses[at] = set()
        known = {**self._known_to_all(), "params": Lazy(lambda: self.first(at))}
        for _ in range(MAX_NESTED):
            names = parameters(function)
            uses.update(may_take(names, _VARYING))
            value = self.amounts.call(function, known, names)
            if value is UNKNOWN:
                return value
            if not callable(value) or isinstance(value, type):
                return list(value) if hasattr(value, "gi_frame") else value
            function = value
        raise WorkflowError(f"a function of params returns a function, and so on more than {MAX_NESTED} times")

    def _known_to_all(self):
        if self._known is None:
            values, amounts = self.job_values, self.amounts
            self._known = {
                **values.files,
                "rulename": values.rule.name,
                "attempt": amounts.attempt,
                "threads": Lazy(amounts.threads),
                "resources": Lazy(amounts.resources),
            }
        return self._known

    def _fill(self, value):
        wildcards = self.job_values.wildcards
        if isinstance(value, str):
            return apply_wildcards(value, wildcards)
        return [apply_wildcards(item, wildcards) if isinstance(item, str) else item for item in value]
