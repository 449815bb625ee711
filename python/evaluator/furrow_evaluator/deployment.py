"""Software environments: the directives that name one, and the options that turn them on.

Without its option a directive has no meaning, and the job runs in the current environment. With it, the engine gets an
ENVIRONMENT (docs/design/evaluator-protocol.md) and sets it up, or refuses the job if Furrow cannot do that yet.
"""

import os

from .errors import WorkflowError
from .functions import Lazy
from .patterns import apply_wildcards, contains_wildcard
from .source_files import infer_source_file, is_local, shown_place

CONDA, APPTAINER, ENV_MODULES = "conda", "apptainer", "env-modules"
_CONTAINERS = "containers are not started yet; start furrow run inside of it, without --use-apptainer"


def environment_of(rule):
    """What an option has turned on for the rule's jobs, as (method, directive, value); None if there is nothing."""
    methods = rule.workflow.deployment_methods
    if not methods or rule.kind in ("run", "none"):
        return None
    if ENV_MODULES in methods and rule.env_modules:
        return ENV_MODULES, "envmodules", rule.env_modules
    if APPTAINER in methods and rule.container_img:
        return APPTAINER, "containerized" if rule.is_containerized else "container", rule.container_img
    if CONDA in methods and rule.conda_env:
        return CONDA, "conda", rule.conda_env
    return None


def why_no_environment(rule):
    """Why the jobs cannot run in the environment that they need; None if they can, or need none."""
    found = environment_of(rule)
    if found is None or found[0] != APPTAINER:
        return None
    return "%s %s: %s" % (found[1], _shown(found[2]), _CONTAINERS)


def _shown(value):
    return "(by a function)" if callable(value) else str(value)


def encoded_environment(rule):
    """The environment that the rule's jobs need, as an ENVIRONMENT. Where it depends on the job, it only says so."""
    found = environment_of(rule)
    if found is None:
        return None
    method, directive, value = found
    if method == ENV_MODULES:
        # As a shell would: one text may name several.
        modules = [name for text in value for name in str(text).split()]
        return {"shown": " ".join([directive, *modules]), "modules": modules}
    shown = "%s %s" % (directive, _shown(value))
    if method == APPTAINER:
        return {"shown": shown}
    if depends_on_job(rule) or not is_local(infer_source_file(value)):
        return {"shown": shown, "fn": True}
    return _conda(rule, value)


def depends_on_job(rule):
    found = environment_of(rule)
    return found is not None and found[0] == CONDA and (callable(found[2]) or contains_wildcard(str(found[2])))


def job_environment(rule, values):
    """The environment of one job, as an ENVIRONMENT; None if its function answers None."""
    value = environment_of(rule)[2]
    if callable(value):
        value = values.call(value, {"params": Lazy(values.params), "input": values.files["input"]})
        if value is None:
            return None
        if callable(value) or not isinstance(value, (str, os.PathLike)) and is_local(value):
            raise WorkflowError(f"the function for conda must return a file or a name, not {value!r}")
    else:
        value = apply_wildcards(str(value), values.wildcards) if contains_wildcard(str(value)) else value
    return _conda(rule, value)


def _conda(rule, value):
    """A file ends in .yaml or .yml; anything else is a folder, if there is such a one, or a name."""
    source = infer_source_file(value)
    shown = f"conda {shown_place(str(source))}"
    if not str(source).endswith((".yaml", ".yml")):
        return {"shown": shown, **_made_by_others(rule, str(source))}
    return {"shown": shown, "file": os.path.abspath(rule.source_path(source))}


def _made_by_others(rule, text):
    for path in (rule.source_path(text), os.path.abspath(os.path.expanduser(text))):
        if os.path.isdir(path):
            return {"folder": path}
    return {"folder": rule.source_path(text)} if os.sep in text else {"name": text}
