"""Software environments: the directives that name one, and the options that turn them on.

Without its option a directive has no meaning, and the job runs in the current environment. With it, the job would run
in an environment that Furrow cannot set up yet, so the job is refused when it would start.
"""

CONDA, APPTAINER, ENV_MODULES = "conda", "apptainer", "env-modules"

_WHY = {
    CONDA: "conda environments are not made yet; activate yours before you start furrow run, without --use-conda",
    APPTAINER: "containers are not started yet; start furrow run inside of it, without --use-apptainer",
    ENV_MODULES: "modules are not loaded yet; load them before you start furrow run, without --use-envmodules",
}


def environment_of(rule):
    """What an option has turned on for the rule's jobs, as (method, directive, value); None if there is nothing."""
    methods = rule.workflow.deployment_methods
    if not methods or rule.kind in ("run", "none"):
        return None
    if ENV_MODULES in methods and rule.env_modules:
        return ENV_MODULES, "envmodules", " ".join(map(str, rule.env_modules))
    if APPTAINER in methods and rule.container_img:
        return APPTAINER, "containerized" if rule.is_containerized else "container", _shown(rule.container_img)
    if CONDA in methods and rule.conda_env:
        return CONDA, "conda", _shown(rule.conda_env)
    return None


def _shown(value):
    return "(by a function)" if callable(value) else str(value)


def environment_text(rule):
    """The environment that a job must have been made in."""
    found = environment_of(rule)
    return None if found is None else " ".join(found[1:])


def why_no_environment(rule):
    found = environment_of(rule)
    return None if found is None else "%s %s: %s" % (*found[1:], _WHY[found[0]])
