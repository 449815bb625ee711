"""Software environments: the directives that name one, and the options that turn them on.

Without its option a directive has no meaning, and the job runs in the current environment. With it, the engine gets an
ENVIRONMENT (docs/design/evaluator-protocol.md) and sets it up.
"""

import os
import sys

from .errors import WorkflowError
from .functions import Lazy
from .patterns import apply_wildcards, contains_wildcard
from .source_files import infer_source_file, is_local, shown_place

CONDA, APPTAINER, ENV_MODULES = "conda", "apptainer", "env-modules"


def environment_of(rule):
    """What an option has turned on for the rule's jobs, as {method: value}. Modules go before all others."""
    methods = rule.workflow.deployment_methods
    if not methods or rule.kind in ("run", "none"):
        return {}
    if ENV_MODULES in methods and rule.env_modules:
        return {ENV_MODULES: rule.env_modules}
    found = {APPTAINER: rule.container_img, CONDA: rule.conda_env}
    return {method: value for method, value in found.items() if method in methods and value}


def encoded_environment(rule):
    """The environment that the rule's jobs need, as an ENVIRONMENT. Where it depends on the job, it only says so."""
    found = environment_of(rule)
    if not found:
        return None
    if ENV_MODULES in found:
        # As a shell would: one text may name several.
        modules = [name for text in found[ENV_MODULES] for name in str(text).split()]
        return {"shown": " ".join(["envmodules", *modules]), "modules": modules}
    if any(_is_settled_for_each_job(method, value) for method, value in found.items()):
        return {"shown": " with ".join(_shown(rule, *item) for item in found.items()), "fn": True}
    return _encoded(rule, found)


def job_environment(rule, values):
    """The environment of one job, as an ENVIRONMENT; None if its functions answer None."""
    found = {method: _value_for_job(method, value, values) for method, value in environment_of(rule).items()}
    return _encoded(rule, {method: value for method, value in found.items() if value is not None})


def folders_of(rule, *more):
    """What a job in a container reads beside its own folder, as a part of the answer: sources, and these folders."""
    if APPTAINER not in environment_of(rule):
        return {}
    cache = sys.modules.get("furrow_evaluator.source_cache")  # without it nothing was fetched
    folders = map(str, (rule.basedir or ".", cache.cache_folder() if cache else ".", *more))
    return {"folders": sorted({os.path.abspath(folder) for folder in folders if os.path.isdir(folder)})}


def _directive(rule, method):
    if method == CONDA:
        return "conda"
    return "containerized" if rule.is_containerized else "container"


def _shown(rule, method, value):
    return "%s %s" % (_directive(rule, method), "(by a function)" if callable(value) else value)


def _is_settled_for_each_job(method, value):
    """What is wrong with an image's name is an error of the jobs that need it, not of the workflow."""
    if callable(value) or contains_wildcard(str(value)):
        return True
    return _has_blank(value) if method == APPTAINER else not is_local(infer_source_file(value))


def _value_for_job(method, value, values):
    if not callable(value):
        return apply_wildcards(str(value), values.wildcards) if contains_wildcard(str(value)) else value
    answer = values.call(value, {"params": Lazy(values.params), "input": values.files["input"]})
    is_text = isinstance(answer, (str, os.PathLike))
    if answer is None or is_text or (method == CONDA and not callable(answer) and not is_local(answer)):
        return answer
    what = "conda must return a file or a name" if method == CONDA else "container must return an image"
    raise WorkflowError(f"the function for {what}, not {answer!r}")


def _encoded(rule, found):
    encoded = {}
    if found.get(CONDA):
        encoded = _conda(rule, found[CONDA])
    if found.get(APPTAINER):
        encoded = {**encoded, **_container(rule, os.fspath(found[APPTAINER]), encoded.get("shown"))}
    return encoded or None


def _container(rule, image, conda):
    if _has_blank(image):
        raise WorkflowError(f"container {image!r}: the name of an image has no blanks")
    shown = _shown(rule, APPTAINER, image)
    encoded = {"shown": f"{shown} with {conda}" if conda else shown, "image": image}
    for scheme in ("file://", "file:"):
        image = image[len(scheme) :] if image.startswith(scheme) else image
    if "://" not in image:
        encoded["image"] = os.path.abspath(os.path.expanduser(image))
    return {**encoded, "containerized": True} if rule.is_containerized else encoded


def _has_blank(image):
    return any(letter.isspace() for letter in str(image))


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
