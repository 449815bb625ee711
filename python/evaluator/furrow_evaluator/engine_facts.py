"""What a Snakefile may ask `workflow` about the run: settings, under their names in versions 7 to 9 of the language.

Furrow has no remote storage yet, so those settings say that it is off. What only the
engine of Snakemake could answer is refused by name.
"""

import os

from .deployment import APPTAINER, CONDA, ENV_MODULES
from .errors import NotYet

_OFF = dict(
    conda_prefix=None,
    conda_base_path=None,
    conda_frontend="conda",
    conda_create_envs_only=False,
    conda_not_block_search_path_envvars=False,
    singularity_prefix=None,
    singularity_args="",
    apptainer_prefix=None,
    apptainer_args="",
    default_remote_provider=None,
    default_remote_prefix="",
    default_storage_provider=None,
    default_storage_prefix=None,
    use_threads=False,
    subprocess_exec=False,
    remote_exec=False,
    run_local=True,
    local_exec=True,
    is_main_process=True,
    debug=False,
    touch=False,
    pepfile=None,
    edit_notebook=None,
    cleanup_scripts=True,
    keep_local=False,
    assume_shared_fs=True,
    check_envvars=True,
    nodes=None,
)
_DEPLOYMENT = dict(
    use_conda=CONDA, use_singularity=APPTAINER, use_apptainer=APPTAINER, use_env_modules=ENV_MODULES
)
# To which Snakemake translates a rule; Python code that defines rules uses them.
RULE_DECORATORS = frozenset(
    "rule run norun shellcmd input output log benchmark params resources threads message priority retries shadow group "
    "handover conda container singularity containerized envmodules docstring script notebook wrapper cwl "
    "template_engine register_wildcard_constraints cache_rule default_target_rule rule_pathvars name localrule".split()
)
_ENGINE_ONLY = frozenset(
    "dag scheduler persistence iocache output_file_cache storage_registry executor_plugin sourcecache logger_manager "
    "subworkflows containerize execute create_report check unlock delete_output archive".split()
)


class Settings:
    """Settings that a Snakefile may read; an unknown one is None."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Persistence:
    """Where the record of past runs is. Its content belongs to the engine."""

    path = os.path.abspath(".furrow")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotYet(f"workflow.persistence.{name} belongs to the engine of Snakemake; Furrow keeps other records")


def _as_choices(methods):
    from snakemake.settings.enums import DeploymentMethod

    return DeploymentMethod.parse_choices_set(methods)


class EngineFacts:
    """The part of Workflow that answers such questions. It reads `self._request`, which the engine has sent."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _OFF:
            return _OFF[name]
        if name in _DEPLOYMENT:
            return _DEPLOYMENT[name] in self.deployment_methods
        if name == "persistence":
            return Persistence()
        if name.endswith("_settings"):
            return self._settings(name)
        if name in RULE_DECORATORS:
            from .decorated_rules import decorator

            return decorator(self, name)
        if name in _ENGINE_ONLY:
            raise NotYet(f"workflow.{name} belongs to the engine of Snakemake; Furrow does not have it")
        raise AttributeError(f"workflow.{name} is not among the attributes that Furrow offers")

    def __setattr__(self, name, value):
        if name in _DEPLOYMENT:
            change = self.deployment_methods.add if value else self.deployment_methods.discard
            change(_DEPLOYMENT[name])
        else:
            object.__setattr__(self, name, value)

    def _settings(self, name):
        """One object for each group of settings of version 8 and later."""
        values = dict(
            cores=self.cores,
            max_threads=self._request.get("max_threads") or None,
            default_resources=self.default_resources,
            resources=self._request.get("resources") or {},
            config=self.overwrite_config,
            overwrite_config=self.overwrite_config,
            config_args=self.config_args,
            configfiles=self.overwrite_configfiles,
            deployment_method=_as_choices(self.deployment_methods),
            targets=frozenset(self.targets),
            dryrun=self.dryrun,
            printshellcmds=self.printshellcmds,
            verbose=self.verbose,
            shadow_prefix=self.shadow_prefix,
            attempt=self.attempt,
            wrapper_prefix=self.wrapper_prefix,
            local_storage_prefix=os.path.join(".furrow", "storage"),
        )
        return Settings(**{**_OFF, **values})

    @property
    def overwrite_shadow(self):
        return (self._request.get("overwrite") or {}).get("shadow_prefix")

    shadow_prefix = overwrite_shadow

    @property
    def printshellcmds(self):
        return bool(self._request.get("printshellcmds"))

    @property
    def quiet(self):
        return bool(self._request.get("quiet"))

    @property
    def verbose(self):
        return bool(self._request.get("verbose"))

    @property
    def config_args(self):
        return list(self._request.get("config_args") or [])

    @property
    def targets(self):
        return list(self._request.get("targets") or [])

    @property
    def default_resources(self):
        return dict(self._request.get("default_resources") or {})

    @property
    def mode(self):
        return 0

    @property
    def restart_times(self):
        return 0

    @property
    def non_local_exec(self):
        return self.has_cluster

    @property
    def rundir(self):
        return self.workdir_init

    @property
    def snakemake_tmp_dir(self):
        from pathlib import Path

        return Path(".furrow", "tmp")
