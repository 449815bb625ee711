"""Answers about single jobs: the results of functions, and what to execute."""

import json

from .entries import encode_items, flatten
from .errors import MissingInput, WorkflowError
from .flags import FlaggedFunction, flag, flags_of, is_path
from .formatting import Names, fill
from .functions import Lazy, call
from .patterns import apply_wildcards
from .resources import SIZED, convert, in_words, with_derived
from .rules import LISTS, FunctionResult, encode_param, has_wildcards, named_params
from .shell import State, default_executable, prefix_for, which
from .transport import Json
from .values import Resources, Wildcards

_MAX_NESTED = 10


def _wildcards_of(job):
    return Wildcards.from_mapping(job.get("w") or {})


def _files_of(rule, job, directive):
    """input, output or log of a job, with the names that the rule gives."""
    shape = rule.shape_of(directive)
    if directive == "input" and job.get("input_shape") is not None:
        shape = job["input_shape"]
    return LISTS[directive].from_shape(job.get(directive) or [], shape or ())


def _guarded(function, wildcards, known, files):
    """Calls a function of the rule. A file that it misses is a MissingInput, since the file may be made later."""
    try:
        return call(function, wildcards, known)
    except FileNotFoundError as error:
        name = error.filename
        if name is None or (files is not None and str(name) not in map(str, files)):
            raise
        raise MissingInput(f"the file {name}, which a function reads, is not there") from error


# Input functions.


def job_inputs(rule, job):
    wildcards = _wildcards_of(job)
    known = {"attempt": job.get("attempt", 1), "rulename": rule.name, "groupid": Lazy(lambda: _group_id(rule, job))}
    answers = []
    for entry in rule.entries["input"]:
        if entry.function is not None:
            answers.append(Json("[%s]" % ",".join(_result_entries(entry, wildcards, known))))
    return {"entries": answers}


def _group_id(rule, job):
    """The groupid that an input function may use in the names of files that each group makes for itself.

    Without a cluster all jobs are one group; on a cluster each job has its own groupid.
    """
    if rule.group is None or not rule.workflow.has_cluster:
        return "local"
    from uuid import NAMESPACE_URL, uuid5

    # Made as Snakemake makes it, so that both can use the same folder.
    wildcards = ",".join(sorted("%s:%s" % item for item in (job.get("w") or {}).items()))
    return str(uuid5(uuid5(NAMESPACE_URL, "https://snakemake.readthedocs.io"), f"{rule.name}:{wildcards}"))


def _result_entries(entry, wildcards, known):
    answer = entry.function
    for _ in range(_MAX_NESTED):
        answer = _guarded(answer, wildcards, known, None)
        if not callable(answer) or is_path(answer):
            break
    else:
        raise WorkflowError(
            f"an input function returns a function, which returns a function, and so on more than {_MAX_NESTED} times"
        )
    flags = {name: content for name, content in flags_of(entry.function).items() if name != "unpack"}
    if "unpack" in flags_of(entry.function):
        return _unpacked_entries(entry, answer, flags, wildcards)
    return [_one_entry(entry.name, answer, flags, wildcards)]


def _unpacked_entries(entry, answer, flags, wildcards):
    if entry.name is not None:
        raise WorkflowError(f"unpack(...) cannot have a name (here {entry.name}): the function's result has the names")
    if hasattr(answer, "items") and not isinstance(answer, list):
        return [_one_entry(name, value, flags, wildcards) for name, value in answer.items()]
    if isinstance(answer, (list, tuple)):
        return [_one_entry(None, value, flags, wildcards) for value in answer]
    raise WorkflowError(f"the function in unpack(...) must return a dict or a list, not {type(answer).__name__}")


def _one_entry(name, answer, flags, wildcards):
    is_list = not is_path(answer)
    try:
        items = flatten(answer, "input", name)
    except WorkflowError:
        raise WorkflowError(
            f"the input function returns {_shortened(answer)!r}; it must return file names or lists of them"
        ) from None
    if any(callable(item) for item in items):
        raise WorkflowError("the input function returns a list that holds functions; it must return file names")
    items = [apply_wildcards(item, wildcards) if "{" in item else item for item in items]
    for flag_name, content in flags.items():
        items = [flag(item, flag_name, content) for item in items]
    return encode_items(name, items, is_list, "input", literal=True)


def _shortened(value):
    text = repr(value)
    return value if len(text) < 200 else text[:200] + "..."


# Threads, resources and params.


def job_details(rule, job):
    details = _Details(rule, job)
    wanted = job.get("want") or ("threads", "resources", "params")
    answer = {}
    if "group" in wanted:
        answer["group"] = details.group()
    if "threads" in wanted:
        answer["threads"] = details.threads()
    if "resources" in wanted:
        answer["resources"] = details.evaluate_resources()
    if "params" in wanted:
        answer["params"] = details.encoded_params()
    return answer


class _Details:
    """The values of one job that functions return; each is made when it is first needed."""

    def __init__(self, rule, job):
        self.rule = rule
        self.job = job
        self.wildcards = _wildcards_of(job)
        self.resource_values = dict(job.get("resources") or {})
        self.thread_count = 1 if job.get("threads") is None else job["threads"]
        self._param_values = None
        self.input = Lazy(lambda: _files_of(rule, job, "input"))
        self.output = Lazy(lambda: _files_of(rule, job, "output"))
        self.log = Lazy(lambda: _files_of(rule, job, "log"))

    def common(self):
        return {"input": self.input, "attempt": self.job.get("attempt", 1), "rulename": self.rule.name}

    def threads(self):
        value = self.rule.threads
        if callable(value):
            value = _guarded(value, self.wildcards, {**self.common(), "output": self.output}, self.job.get("input"))
            if isinstance(value, float):
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise WorkflowError(f"the function for threads must return a whole number, not {value!r}")
        self.thread_count = min(value, self.rule.workflow.max_threads)
        return value

    def group(self):
        """Empty if the job is in no group."""
        value = _guarded(self.rule.group, self.wildcards, {}, None) if callable(self.rule.group) else self.rule.group
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise WorkflowError(f"the function for group must return a name, not {value!r}")
        return "" if value is None else str(value)

    def evaluate_resources(self):
        known = {**self.common(), "threads": self.thread_count, "output": self.output}
        values = {}
        for name, value in self.rule.resource_items.items():
            if callable(value):
                try:
                    value = convert(name, _guarded(value, self.wildcards, known, self.job.get("input")))[1]
                except (MissingInput, FileNotFoundError):
                    if not self.job.get("ahead"):
                        raise
                    value = None
                if value is not None:
                    values[name] = self.rule.workflow.within_limit(self.rule, name, value)
        self.resource_values.update(with_derived(values))
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
            "output": self.output,
            "log": self.log,
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
        for _ in range(_MAX_NESTED):
            value = _guarded(function, self.wildcards, known, self.job.get("input"))
            if not callable(value) or isinstance(value, type):
                return list(value) if hasattr(value, "gi_frame") else value
            function = value
        raise WorkflowError(f"a function of params returns a function, and so on more than {_MAX_NESTED} times")

    def fill_param(self, value):
        if isinstance(value, str):
            return apply_wildcards(value, self.wildcards)
        return [apply_wildcards(item, self.wildcards) if isinstance(item, str) else item for item in value]

    def encoded_params(self):
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


# Commands.


class _JobNames(dict):
    """The names of a job that a command or message may use; each value is made when it is first needed."""

    def __init__(self, details):
        self.details = details

    def __missing__(self, name):
        maker = _MAKERS.get(name)
        if maker is None:
            raise KeyError(name)
        value = self[name] = maker(self.details)
        return value


_MAKERS = {
    "input": lambda details: details.input.get(),
    "output": lambda details: details.output.get(),
    "log": lambda details: details.log.get(),
    "params": lambda details: details.params(),
    "wildcards": lambda details: details.wildcards,
    "threads": lambda details: details.thread_count,
    "resources": lambda details: details.resources(),
    "rule": lambda details: details.rule.name,
    "rulename": lambda details: details.rule.name,
    "name": lambda details: details.rule.name,
    "benchmark": lambda details: details.job.get("benchmark") or "",
    "jobid": lambda details: details.job.get("jobid", 0),
    "bench_iteration": lambda details: details.job.get("bench_iteration"),
    "shadow_dir": lambda details: details.job.get("cwd"),
}


def job_command(rule, job, for_real):
    names = _JobNames(_Details(rule, job))
    lookup = Names(names, rule.workflow.globals)
    answer = {"message": fill(rule.message, lookup) if rule.message is not None else None}
    kind = rule.kind
    if kind == "shell":
        answer.update(_shell_command(rule, names, lookup))
    elif kind == "run":
        answer["fork"] = True
    elif kind == "script":
        from .script import script_command

        answer.update(script_command(rule, job, names, lookup, for_real))
    if any(callable(value) for _, value, _ in rule.param_items):
        answer["params"] = names.details.encoded_params()
    return answer


def submission(rule, job, text):
    """The user's command that submits a job to a cluster, filled in, and the properties that its scripts may read."""
    names = _JobNames(_Details(rule, job))
    names["dependencies"] = ""  # a job is submitted after its dependencies have ended
    resources = {name: value for name, value in names["resources"].items() if not name.startswith("_")}
    if "group" in job:
        return _group_submission(rule, job, text, names, resources)
    properties = {
        "type": "single",
        "rule": rule.name,
        "local": False,
        "input": list(names["input"]),
        "output": list(names["output"]),
        "wildcards": dict(names["wildcards"].items()),
        "params": dict(names["params"].items()),
        "log": list(names["log"]),
        "threads": names["threads"],
        "resources": resources,
        "jobid": names["jobid"],
        "cluster": {},
    }
    return {
        "command": fill(text, Names(names, rule.workflow.globals)),
        "properties": json.dumps(properties, default=str),
    }


def _group_submission(rule, job, text, names, resources):
    """The same for the jobs of a group, which are submitted as one.

    `params` and `benchmark` of one job would be wrong for the others.
    """
    rules = job["rules"][:5] + (["..."] if len(job["rules"]) > 5 else [])
    names.update({name: LISTS[name].from_shape(job[name], ()) for name in LISTS})
    names.update(rule="GROUP", rulename="GROUP", name="_".join([job["group"], *rules]))
    properties = {
        "type": "group",
        "groupid": job["group"],
        "local": False,
        "input": job["input"],
        "output": job["output"],
        "threads": names["threads"],
        "resources": resources,
        "jobid": names["jobid"],
        "cluster": {},
    }
    for name in ("params", "benchmark"):
        if "{%s" % name in text:
            raise WorkflowError(
                "{%s} in the command that submits jobs is not known of a group, whose jobs have each their own" % name
            )
    return {
        "command": fill(text, Names(names, rule.workflow.globals)),
        "properties": json.dumps(properties, default=str),
    }


def _shell_command(rule, names, lookup):
    text = fill(rule.shellcmd, lookup)
    chosen = names.details.resource_values.get("shell_exec")
    executable = (which(str(chosen)) or str(chosen)) if chosen else default_executable()
    if State.suffix:
        text += " " + State.suffix
    return {"shell": text, "prefix": prefix_for(executable), "executable": executable}


def run_arguments(rule, job):
    """The arguments of the function that a `run:` block was translated to."""
    names = _JobNames(_Details(rule, job))
    arguments = {
        name: names[name] for name in ("input", "output", "params", "wildcards", "threads", "resources", "log", "rule")
    }
    arguments.update(
        jobid=names["jobid"],
        bench_iteration=names["bench_iteration"],
        shadow_dir=names["shadow_dir"],
        basedir=rule.basedir,
    )
    return arguments
