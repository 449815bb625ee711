"""What concerns single jobs: answers of functions, and what is to be executed."""

import json

from .entries import encode_items, flatten
from .errors import MissingInput, WorkflowError
from .flags import FlaggedFunction, flag, flags_of, is_path
from .formatting import Names, fill
from .functions import Lazy, call
from .patterns import apply_wildcards
from .resources import convert, in_words, kSized, with_derived
from .rules import encode_param, has_wildcards, kLists, named_params
from .shell import State, default_executable, prefix_for, which
from .transport import Json
from .values import Resources, Wildcards

kMaxNested = 10
kNotIterated = (str, bytes)


def wildcards_of(job):
    return Wildcards.from_mapping(job.get("w") or {})


def files_of(rule, job, directive):
    """input, output or log of a job, with the names that the rule gives."""
    shape = rule.shape_of(directive)
    if directive == "input" and job.get("input_shape") is not None:
        shape = job["input_shape"]
    return kLists[directive].from_shape(job.get(directive) or [], shape or ())


def guarded(function, wildcards, known, files):
    """Calls a function of the rule. A file that it missed is told apart, since it may come into being later."""
    try:
        return call(function, wildcards, known)
    except FileNotFoundError as error:
        name = error.filename
        if name is None or (files is not None and str(name) not in map(str, files)):
            raise
        raise MissingInput("the file %s, which a function reads, is not there" % name) from error


# Input functions.


def job_inputs(rule, job):
    wildcards = wildcards_of(job)
    known = {"attempt": job.get("attempt", 1), "rulename": rule.name, "groupid": Lazy(lambda: group_id(rule, job))}
    answers = []
    for entry in rule.entries["input"]:
        if entry.function is not None:
            answers.append(Json("[%s]" % ",".join(answered_entries(entry, wildcards, known))))
    return {"entries": answers}


def group_id(rule, job):
    """What an input function names files by that are made anew in each group: here all jobs are one group, on a cluster each job asks for its own."""
    if rule.group is None or not rule.workflow.has_cluster:
        return "local"
    from uuid import NAMESPACE_URL, uuid5

    # As Snakemake makes them, so that a folder may be used by both.
    wildcards = ",".join(sorted("%s:%s" % item for item in (job.get("w") or {}).items()))
    return str(uuid5(uuid5(NAMESPACE_URL, "https://snakemake.readthedocs.io"), "%s:%s" % (rule.name, wildcards)))


def answered_entries(entry, wildcards, known):
    answer = entry.function
    for _ in range(kMaxNested):
        answer = guarded(answer, wildcards, known, None)
        if not callable(answer) or is_path(answer):
            break
    else:
        raise WorkflowError("an input function answers a function, which answers a function, and so on more than %d times" % kMaxNested)
    flags = {name: content for name, content in flags_of(entry.function).items() if name != "unpack"}
    if "unpack" in flags_of(entry.function):
        return unpacked_entries(entry, answer, flags, wildcards)
    return [one_entry(entry.name, answer, flags, wildcards)]


def unpacked_entries(entry, answer, flags, wildcards):
    if entry.name is not None:
        raise WorkflowError("unpack(...) cannot have a name (here %s): the function's answer brings the names" % entry.name)
    if hasattr(answer, "items") and not isinstance(answer, list):
        return [one_entry(name, value, flags, wildcards) for name, value in answer.items()]
    if isinstance(answer, (list, tuple)):
        return [one_entry(None, value, flags, wildcards) for value in answer]
    raise WorkflowError("the function in unpack(...) must answer a dict or a list, not %s" % type(answer).__name__)


def one_entry(name, answer, flags, wildcards):
    is_list = not is_path(answer)
    try:
        items = flatten(answer, "input", name)
    except WorkflowError:
        raise WorkflowError("the input function answers %r; it must answer file names or lists of them" % (shortened(answer),)) from None
    if any(callable(item) for item in items):
        raise WorkflowError("the input function answers a list that holds functions; it must answer file names")
    items = [apply_wildcards(item, wildcards) if "{" in item else item for item in items]
    for flag_name, content in flags.items():
        items = [flag(item, flag_name, content) for item in items]
    return encode_items(name, items, is_list, "input", literal=True)


def shortened(value):
    text = repr(value)
    return value if len(text) < 200 else text[:200] + "..."


# Threads, resources and params.


def job_details(rule, job):
    details = Details(rule, job)
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


class Details:
    """The values of one job that functions answer; each is made when it is first needed."""

    def __init__(self, rule, job):
        self.rule = rule
        self.job = job
        self.wildcards = wildcards_of(job)
        self.resource_values = dict(job.get("resources") or {})
        self.threads_ = 1 if job.get("threads") is None else job["threads"]
        self.param_values_ = None
        self.input = Lazy(lambda: files_of(rule, job, "input"))
        self.output = Lazy(lambda: files_of(rule, job, "output"))
        self.log = Lazy(lambda: files_of(rule, job, "log"))

    def common(self):
        return {"input": self.input, "attempt": self.job.get("attempt", 1), "rulename": self.rule.name}

    def threads(self):
        value = self.rule.threads
        if callable(value):
            value = guarded(value, self.wildcards, {**self.common(), "output": self.output}, self.job.get("input"))
            if isinstance(value, float):
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, int):
                raise WorkflowError("the function for threads must answer a whole number, not %r" % (value,))
        self.threads_ = min(value, self.rule.workflow.max_threads)
        return value

    def group(self):
        """Empty where the job is in none."""
        value = guarded(self.rule.group, self.wildcards, {}, None) if callable(self.rule.group) else self.rule.group
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise WorkflowError("the function for group must answer a name, not %r" % (value,))
        return "" if value is None else str(value)

    def evaluate_resources(self):
        known = {**self.common(), "threads": self.threads_, "output": self.output}
        values = {}
        for name, value in self.rule.resource_items.items():
            if callable(value):
                try:
                    value = convert(name, guarded(value, self.wildcards, known, self.job.get("input")))[1]
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
        values = {**values, "_cores": self.threads_, "_nodes": 1}
        for kind in kSized:
            if isinstance(values.get(kind + "_mb"), int):
                values.setdefault(kind, in_words(values[kind + "_mb"]))
        return Resources.from_mapping(with_derived(values))

    def param_values(self):
        """(name, value, answered by a function) for each param; functions are called once."""
        if self.param_values_ is not None:
            return self.param_values_
        found = []
        so_far = Lazy(lambda: named_params([(name, value) for name, value, _ in found]))
        known = {**self.common(), "output": self.output, "log": self.log, "threads": self.threads_, "resources": Lazy(self.resources), "params": so_far}
        for name, value, _ in self.rule.param_items:
            answered = callable(value)
            if answered:
                value = self.answer(value, known)
            elif has_wildcards(value):
                value = self.fill_param(value)
            found.append((name, value, answered))
        self.param_values_ = found
        return found

    def answer(self, function, known):
        if isinstance(function, FlaggedFunction) and "unpack" in function.flags:
            raise WorkflowError("unpack() is not allowed with params; a dict can be used as it is, as in {params[key]}")
        for _ in range(kMaxNested):
            value = guarded(function, self.wildcards, known, self.job.get("input"))
            if not callable(value) or isinstance(value, type):
                return list(value) if hasattr(value, "gi_frame") else value
            function = value
        raise WorkflowError("a function of params answers a function, and so on more than %d times" % kMaxNested)

    def fill_param(self, value):
        if isinstance(value, str):
            return apply_wildcards(value, self.wildcards)
        return [apply_wildcards(item, self.wildcards) if isinstance(item, str) else item for item in value]

    def encoded_params(self):
        encoded = []
        for (name, value, answered), (_, given, line) in zip(self.param_values(), self.rule.param_items):
            if answered:
                text = encode_param(name, Answered(value), line)
            else:
                text = encode_param(name, given, line)
            encoded.append(text)
        return encoded

    def params(self):
        return named_params([(name, value) for name, value, _ in self.param_values()])


class Answered:
    """A function's answer: it may be callable itself, and braces in it are no wildcards."""

    def __init__(self, value):
        self.value = value


# Commands.


class JobNames(dict):
    """The names of a job that a command or message may speak of, made when they are first asked for."""

    def __init__(self, details):
        self.details = details

    def __missing__(self, name):
        maker = kMakers.get(name)
        if maker is None:
            raise KeyError(name)
        value = self[name] = maker(self.details)
        return value


kMakers = {
    "input": lambda details: details.input.get(),
    "output": lambda details: details.output.get(),
    "log": lambda details: details.log.get(),
    "params": lambda details: details.params(),
    "wildcards": lambda details: details.wildcards,
    "threads": lambda details: details.threads_,
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
    names = JobNames(Details(rule, job))
    lookup = Names(names, rule.workflow.globals)
    answer = {"message": fill(rule.message, lookup) if rule.message is not None else None}
    kind = rule.kind
    if kind == "shell":
        answer.update(shell_command(rule, names, lookup))
    elif kind == "run":
        answer["fork"] = True
    elif kind == "script":
        from .script import script_command

        answer.update(script_command(rule, job, names, lookup, for_real))
    if any(callable(value) for _, value, _ in rule.param_items):
        answer["params"] = names.details.encoded_params()
    return answer


def submission(rule, job, text):
    """The user's command that submits a job to a cluster, filled in; and what scripts of his may read of the job."""
    names = JobNames(Details(rule, job))
    names["dependencies"] = ""  # what a job depends on has ended before it is submitted
    resources = {name: value for name, value in names["resources"].items() if not name.startswith("_")}
    if "group" in job:
        return group_submission(rule, job, text, names, resources)
    properties = {
        "type": "single", "rule": rule.name, "local": False, "input": list(names["input"]), "output": list(names["output"]),
        "wildcards": dict(names["wildcards"].items()), "params": dict(names["params"].items()), "log": list(names["log"]),
        "threads": names["threads"], "resources": resources, "jobid": names["jobid"], "cluster": {},
    }  # fmt: skip
    return {"command": fill(text, Names(names, rule.workflow.globals)), "properties": json.dumps(properties, default=str)}


def group_submission(rule, job, text, names, resources):
    """The same for jobs of a group, which are submitted as one: `params` and the like of one of them would be wrong for the others."""
    rules = job["rules"][:5] + (["..."] if len(job["rules"]) > 5 else [])
    names.update({name: kLists[name].from_shape(job[name], ()) for name in kLists})
    names.update(rule="GROUP", rulename="GROUP", name="_".join([job["group"], *rules]))
    properties = {
        "type": "group", "groupid": job["group"], "local": False, "input": job["input"], "output": job["output"],
        "threads": names["threads"], "resources": resources, "jobid": names["jobid"], "cluster": {},
    }  # fmt: skip
    for name in ("params", "benchmark"):
        if "{%s" % name in text:
            raise WorkflowError("{%s} in the command that submits jobs is not known of a group, whose jobs have each their own" % name)
    return {"command": fill(text, Names(names, rule.workflow.globals)), "properties": json.dumps(properties, default=str)}


def shell_command(rule, names, lookup):
    text = fill(rule.shellcmd, lookup)
    chosen = names.details.resource_values.get("shell_exec")
    executable = (which(str(chosen)) or str(chosen)) if chosen else default_executable()
    if State.suffix:
        text += " " + State.suffix
    return {"shell": text, "prefix": prefix_for(executable), "executable": executable}


def run_arguments(rule, job):
    """The arguments of the function that a `run:` block has become."""
    names = JobNames(Details(rule, job))
    arguments = {name: names[name] for name in ("input", "output", "params", "wildcards", "threads", "resources", "log", "rule")}
    arguments.update(jobid=names["jobid"], bench_iteration=names["bench_iteration"], shadow_dir=names["shadow_dir"], basedir=rule.basedir)
    return arguments
