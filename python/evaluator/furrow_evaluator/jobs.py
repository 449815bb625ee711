"""Answers about single jobs: the results of input functions, and what to execute."""

import json

from .cluster_config import ClusterValues
from .deployment import encoded_environment, folders_of, job_environment
from .entries import checks, encode_items, flatten
from .errors import IncompleteCheckpoint, NotYet, WorkflowError
from .flags import changed, flag, flags_of, is_path, queue_of
from .formatting import Names, fill
from .functions import Lazy, OnDemand
from .job_values import MAX_NESTED, JobValues, guarded, wildcards_of
from .patterns import apply_wildcards
from .rules import LISTS
from .shell import State, default_executable, prefix_for, which
from .transport import Json
from .unknown import UNKNOWN

# Input functions.


def job_inputs(rule, job):
    wildcards = wildcards_of(job)
    known = OnDemand(
        attempt=job.get("attempt", 1), rulename=rule.name, groupid=Lazy(lambda: _group_id(rule, job))
    )
    answers = []
    for entry in rule.entries["input"]:
        if entry.function is not None:
            answers.append(Json("[%s]" % ",".join(_answered_entries(rule, entry, wildcards, known))))
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


def _answered_entries(rule, entry, wildcards, known):
    """What the function returns; or, if it waits for a checkpoint, the file that the checkpoint makes."""
    queue = queue_of(entry.function)
    try:
        entries = _result_entries(rule, entry, wildcards, known)
        if queue and queue.is_open:
            return [Json('{"open":true,' + made[1:]) for made in entries]
        return entries
    except IncompleteCheckpoint as waiting:
        name = None if "unpack" in flags_of(entry.function) else entry.name
        return [Json('{"waits":true,' + encode_items(name, [waiting.target], False, "input", literal=True)[1:])]


def _result_entries(rule, entry, wildcards, known):
    answer = entry.function
    for _ in range(MAX_NESTED):
        answer = guarded(answer, wildcards, known, None)
        if not callable(answer) or is_path(answer):
            break
    else:
        raise WorkflowError(
            f"an input function returns a function, which returns a function, and so on more than {MAX_NESTED} times"
        )
    own = ("unpack", "from_queue")
    flags = {name: content for name, content in flags_of(entry.function).items() if name not in own}
    if "unpack" in flags_of(entry.function):
        return _unpacked_entries(rule, entry, answer, flags, wildcards)
    if isinstance(answer, dict):
        raise WorkflowError(
            f"the input function returns a dict, {_shortened(answer)!r}; it must return file names or lists of them",
            file=rule.file_of("input"),
            line=entry.line,
            hint="a dict whose keys name the files needs unpack(...) around the function",
        )
    return [_one_entry(rule, entry.name, answer, flags, wildcards)]


def _unpacked_entries(rule, entry, answer, flags, wildcards):
    if entry.name is not None:
        raise WorkflowError(f"unpack(...) cannot have a name (here {entry.name}): the function's result has the names")
    if hasattr(answer, "items") and not isinstance(answer, list):
        return [_one_entry(rule, name, value, flags, wildcards) for name, value in answer.items()]
    if isinstance(answer, (list, tuple)):
        return [_one_entry(rule, None, value, flags, wildcards) for value in answer]
    raise WorkflowError(f"the function in unpack(...) must return a dict or a list, not {type(answer).__name__}")


def _one_entry(rule, name, answer, flags, wildcards):
    is_list = not is_path(answer)
    try:
        items = flatten(answer, "input", name)
    except WorkflowError:
        raise WorkflowError(
            f"the input function returns {_shortened(answer)!r}; it must return file names or lists of them"
        ) from None
    if any(callable(item) for item in items):
        raise WorkflowError("the input function returns a list that holds functions; it must return file names")
    items = rule.filled(items)
    items = [changed(item, apply_wildcards(item, wildcards)) if "{" in item else item for item in items]
    items = rule.moved(items, "input")
    for flag_name, content in flags.items():
        items = [flag(item, flag_name, content) for item in items]
    for item in items:
        if "report" in flags_of(item):
            rule.workflow.report_flags[str(item)] = flags_of(item)["report"]
    return encode_items(name, items, is_list, "input", literal=True)


def _shortened(value):
    text = repr(value)
    return value if len(text) < 200 else text[:200] + "..."


# Priority, group, threads, resources and params.


def job_details(rule, job):
    values = JobValues(rule, job, is_settled=False)
    wanted = job.get("want") or ("threads", "resources", "params")
    answer = {}
    if "group" in wanted:
        answer["group"] = values.group()
    if "priority" in wanted:
        answer["priority"] = values.priority()
    if "threads" in wanted:
        answer["threads"] = values.granted.wanted_threads()
    if "resources" in wanted:
        answer["resources"] = values.granted.answers()
    if "params" in wanted:
        answer["params"] = values.encoded_params(_content_of_script(rule, _JobNames(values)))
    if "ensure" in wanted:
        items = [item for entry in rule.entries["output"] for item in entry.items]
        answer["ensure"] = [checks(flags_of(item).get("ensure") or {}, values.wildcards) for item in items]
    if "environment" in wanted:
        answer["environment"] = job_environment(rule, values)
    return answer


# Commands.


class _JobNames(dict):
    """The names of a job that a command or message may use; each value is made when it is first needed."""

    def __init__(self, job_values):
        self.job_values = job_values

    def known_names(self):
        return list(_MAKERS)

    def __missing__(self, name):
        maker = _MAKERS.get(name)
        if maker is None:
            raise KeyError(name)
        value = self[name] = maker(self.job_values)
        return value


_MAKERS = {
    "input": lambda values: values.input.get(),
    "output": lambda values: values.output.get(),
    "log": lambda values: values.log.get(),
    "params": lambda values: values.params(),
    "wildcards": lambda values: values.wildcards,
    "threads": lambda values: values.granted.threads(),
    "resources": lambda values: values.granted.resources(),
    "rule": lambda values: values.rule.name,
    "rulename": lambda values: values.rule.name,
    "name": lambda values: values.rule.name,
    "benchmark": lambda values: values.job.get("benchmark") or "",
    "jobid": lambda values: values.job.get("jobid", 0),
    "bench_iteration": lambda values: values.job.get("bench_iteration"),
    "shadow_dir": lambda values: values.job.get("cwd"),
}


# A message knows these names of the job. In a command a variable of the Snakefile with the same name is meant.
_NOT_OF_COMMANDS = ("name", "rulename", "benchmark")


def _names(rule, job, is_settled):
    values = JobValues(rule, job, is_settled=is_settled and not job.get("preview"))
    if values.is_preview:
        values.find_mistakes()
    return _JobNames(values)


def job_command(rule, job, for_real):
    names = _names(rule, job, is_settled=for_real)
    values = names.job_values
    lookup = Names(names, rule.names)
    answer = {"message": _filled(rule.message, lookup, values) if rule.message is not None else None}
    kind = rule.kind
    if rule.workflow.edits_notebook and rule.notebook is None and rule.workflow.notebook_work(names["output"]):
        raise WorkflowError(f"rule {rule.name} has no notebook to work on", file=rule.snakefile, line=rule.lineno)
    if kind == "shell":
        answer.update(_shell_command(rule, names, lookup))
    elif kind == "run":
        _arguments(rule, names)  # what cannot be made is found now, not in the child
        answer["fork"] = True
    elif rule.not_yet is not None:
        if for_real:
            raise NotYet(rule.why_not_yet(), rule=rule.name, file=rule.snakefile, line=rule.lineno)
        answer["show"] = " ".join(map(str, rule.not_yet))
    elif kind == "script":
        from .script import script_command

        answer.update(script_command(rule, job, names, lookup, for_real))
    environment = encoded_environment(rule) if for_real else None
    if environment is not None and environment.get("fn"):
        answer["environment"] = job_environment(rule, values)
    content = _content_of_script(rule, names)
    if content is not None or any(callable(value) for _, value, _ in rule.param_items):
        values.params()  # a function that fails is an error of the job, also if its command does not use the param
        if not values.has_unknown:
            answer["params"] = values.encoded_params(content)
    return answer


def _content_of_script(rule, names):
    """A function that says what is in the job's script; None if all jobs of the rule have one script."""
    written = rule.script_of_job()
    if written is None:
        return None
    from .script import content_identity

    return lambda: content_identity(rule.source_path(fill(written, Names(names, rule.names))))


def _filled(template, lookup, values):
    try:
        return fill(template, lookup)
    except FileNotFoundError:
        if not values.is_preview:
            raise
        return str(UNKNOWN)


def submission(rule, job, text):
    """The user's command that submits a job to a cluster, filled in, and the properties that its scripts may read."""
    names = _names(rule, job, is_settled=True)
    names["dependencies"] = ""  # a job is submitted after its dependencies have ended
    resources = {name: value for name, value in names["resources"].items() if not name.startswith("_")}
    names["cluster"] = rule.workflow.cluster_values(rule.name)
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
        "cluster": names["cluster"],
    }
    return _submission_words(rule, names, text, properties)


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
        "cluster": names["cluster"],
    }
    for name in ("params", "benchmark"):
        if "{%s" % name in text:
            raise WorkflowError(
                "{%s} in the command that submits jobs is not known of a group, whose jobs have each their own" % name
            )
    return _submission_words(rule, names, text, properties)


def _submission_words(rule, names, text, properties):
    names["cluster"] = ClusterValues(names["cluster"])
    properties = json.dumps(properties, default=str)
    words = {"command": fill(text, Names(names, rule.names)), "properties": properties}
    script = rule.workflow.jobscript()
    if script is not None:
        # The engine puts the job in its place.
        names.update(properties=properties, exec_job="{exec_job}", workflow=rule.workflow)
        words["properties"] = fill(script, Names(names, rule.names))
    return words


def _shell_command(rule, names, lookup):
    for name in _NOT_OF_COMMANDS:
        if name in rule.names:
            names[name] = rule.names[name]
    text = _filled(rule.shellcmd, lookup, names.job_values)
    chosen = names.job_values.granted.amounts()[0].get("shell_exec")
    executable = (which(str(chosen)) or str(chosen)) if chosen else default_executable()
    if State.suffix:
        text += " " + State.suffix
    return {"shell": text, "prefix": prefix_for(executable), "executable": executable, **folders_of(rule)}


def run_arguments(rule, job):
    """The arguments of the function that a `run:` block was translated to."""
    return _arguments(rule, _JobNames(JobValues(rule, job, is_settled=True)))


def _arguments(rule, names):
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
