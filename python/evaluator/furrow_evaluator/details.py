"""The values of single jobs that functions return: threads, resources, params."""

from functools import partial

from .errors import MissingInput, WorkflowError
from .flags import FlaggedFunction
from .functions import Lazy, call, takes
from .patterns import apply_wildcards
from .resources import SIZED, convert, in_words, with_derived
from .rules import LISTS, FunctionResult, encode_param, has_wildcards, named_params
from .unknown import UNKNOWN
from .values import Resources, Wildcards

MAX_NESTED = 10


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


def guarded(function, wildcards, known, files):
    """Calls a function of the rule. A file that it misses is a MissingInput, since the file may be made later."""
    try:
        return call(function, wildcards, known)
    except FileNotFoundError as error:
        name = error.filename
        if name is None or (files is not None and str(name) not in map(str, files)):
            raise
        raise MissingInput(f"the file {name}, which a function reads, is not there") from error


def job_details(rule, job):
    details = Details(rule, job)
    wanted = job.get("want") or ("threads", "resources", "params")
    answer = {}
    if "group" in wanted:
        answer["group"] = details.group()
    if "priority" in wanted:
        answer["priority"] = details.priority()
    if "threads" in wanted:
        answer["threads"] = details.threads()
    if "resources" in wanted:
        answer["resources"] = details.evaluate_resources()
    if "params" in wanted:
        params = details.encoded_params()
        if params is None:
            answer["unknown"] = True
        else:
            answer["params"] = params
    return answer


def _with_units(names):
    """The names, and those under which the same resource is known in other units."""
    for name in names:
        yield name
        if name[-3:] == "_mb" and name[:-3] in SIZED:
            yield from (name[:-3], name[:-3] + "_mib")


class Details:
    """The values of one job that functions return; each is made when it is first needed.

    In a preview, the jobs that this one depends on have yet to run. What a function cannot return for that reason is
    UNKNOWN.
    """

    def __init__(self, rule, job):
        self.rule = rule
        self.job = job
        self.wildcards = wildcards_of(job)
        self.resource_values = dict(job.get("resources") or {})
        self.thread_count = 1 if job.get("threads") is None else job["threads"]
        self.is_preview = bool(job.get("preview"))
        self.has_unknown = False
        self._param_values = None
        # Functions get files with methods; commands and scripts get plain texts.
        self.files = {name: Lazy(partial(_with_methods, rule, job, name)) for name in ("input", "output", "log")}
        self.input = Lazy(lambda: files_of(rule, job, "input"))
        self.output = Lazy(lambda: files_of(rule, job, "output"))
        self.log = Lazy(lambda: files_of(rule, job, "log"))

    def common(self):
        return {"input": self.files["input"], "attempt": self.job.get("attempt", 1), "rulename": self.rule.name}

    def ask(self, function, known):
        try:
            return guarded(function, self.wildcards, known, self.job.get("input"))
        except Exception as error:
            if not self.is_preview or not self._may_succeed_later(function, error):
                raise
            self.has_unknown = True
            return UNKNOWN

    def _may_succeed_later(self, function, error):
        """Whether the jobs that run before this one may help: the function looks at their files, or what follows."""
        if isinstance(error, (MissingInput, FileNotFoundError)):
            return True
        if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            return False
        undecided = {"params", "threads", "resources"} if self.has_unknown else set()
        return takes(function, {"input"} | undecided)

    def evaluate_functions(self):
        """Threads and resources, which the engine gives if they are known."""
        if callable(self.rule.threads):
            self.threads()
        if any(callable(value) for value in self.rule.resource_items.values()):
            self.evaluate_resources()

    def threads(self):
        value = self.rule.threads
        if callable(value):
            value = self.ask(value, {**self.common(), "output": self.files["output"]})
            if value is UNKNOWN:
                self.thread_count = UNKNOWN
                return value
            if isinstance(value, float):
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise WorkflowError(f"the function for threads must return a whole number, not {value!r}")
        self.thread_count = min(value, self.rule.workflow.max_threads)
        return value

    def priority(self):
        value = guarded(self.rule.priority, self.wildcards, self.common(), self.job.get("input"))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise WorkflowError(f"the function for priority must return a number, not {value!r}")
        return round(value)

    def group(self):
        """Empty if the job is in no group."""
        value = guarded(self.rule.group, self.wildcards, {}, None) if callable(self.rule.group) else self.rule.group
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise WorkflowError(f"the function for group must return a name, not {value!r}")
        return "" if value is None else str(value)

    def evaluate_resources(self):
        known = {**self.common(), "threads": self.thread_count, "output": self.files["output"]}
        values, unknown = {}, []
        for name, value in self.rule.resource_items.items():
            if callable(value):
                try:
                    value = self.ask(value, known)
                    if value is UNKNOWN:
                        unknown.append(name)
                        continue
                    value = convert(name, value)[1]
                except (MissingInput, FileNotFoundError):
                    if not self.job.get("ahead"):
                        raise
                    value = None
                if value is not None:
                    values[name] = self.rule.workflow.within_limit(self.rule, name, value)
        self.resource_values.update(with_derived(values))
        self.resource_values.update((name, UNKNOWN) for name in _with_units(unknown))
        return values

    def resources(self):
        values = self.resource_values
        for name, value in self.rule.resource_items.items():
            if name not in values and not callable(value) and value is not None:
                values[name] = value
        values = {**values, "_cores": self.thread_count, "_nodes": 1}
        for kind in SIZED:
            if isinstance(values.get(kind + "_mb"), int):
                values.setdefault(kind, in_words(values[kind + "_mb"]))
        return Resources.from_mapping(with_derived(values))

    def param_values(self):
        """(name, value, whether a function returned it) for each param; functions are called once."""
        if self._param_values is not None:
            return self._param_values
        found = []
        so_far = Lazy(lambda: named_params([(name, value) for name, value, _ in found]))
        known = {
            **self.common(),
            "output": self.files["output"],
            "log": self.files["log"],
            "threads": self.thread_count,
            "resources": Lazy(self.resources),
            "params": so_far,
        }
        for name, value, _ in self.rule.param_items:
            is_result = callable(value)
            if is_result:
                value = self.call_function(value, known)
            elif has_wildcards(value):
                value = self.fill_param(value)
            found.append((name, value, is_result))
        self._param_values = found
        return found

    def call_function(self, function, known):
        if isinstance(function, FlaggedFunction) and "unpack" in function.flags:
            raise WorkflowError("unpack() is not allowed with params; a dict can be used as it is, as in {params[key]}")
        for _ in range(MAX_NESTED):
            value = self.ask(function, known)
            if value is UNKNOWN:
                return value
            if not callable(value) or isinstance(value, type):
                return list(value) if hasattr(value, "gi_frame") else value
            function = value
        raise WorkflowError(f"a function of params returns a function, and so on more than {MAX_NESTED} times")

    def fill_param(self, value):
        if isinstance(value, str):
            return apply_wildcards(value, self.wildcards)
        return [apply_wildcards(item, self.wildcards) if isinstance(item, str) else item for item in value]

    def encoded_params(self):
        """None if they are not known yet."""
        self.param_values()
        if self.has_unknown:
            return None
        encoded = []
        for (name, value, is_result), (_, given, line) in zip(self.param_values(), self.rule.param_items):
            if is_result:
                text = encode_param(name, FunctionResult(value), line)
            else:
                text = encode_param(name, given, line)
            encoded.append(text)
        return encoded

    def params(self):
        return named_params([(name, value) for name, value, _ in self.param_values()])
