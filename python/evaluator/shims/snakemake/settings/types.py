"""Groups of settings: plain holders of values, since only the engine of Snakemake would act on them."""

from furrow_evaluator.engine_facts import Settings as _Settings
from furrow_evaluator.engine_only import stand_ins
from snakemake.settings.enums import *  # noqa: F401,F403


def _group(name):
    return type(name, (_Settings,), {"__module__": __name__})


ConfigSettings = _group("ConfigSettings")
DAGSettings = _group("DAGSettings")
DeploymentSettings = _group("DeploymentSettings")
ExecutionSettings = _group("ExecutionSettings")
GlobalReportSettings = _group("GlobalReportSettings")
GroupSettings = _group("GroupSettings")
OutputSettings = _group("OutputSettings")
RemoteExecutionSettings = _group("RemoteExecutionSettings")
ResourceSettings = _group("ResourceSettings")
SchedulingSettings = _group("SchedulingSettings")
StorageSettings = _group("StorageSettings")
WorkflowSettings = _group("WorkflowSettings")

__getattr__ = stand_ins(__name__, "Batch MaxJobsPerTimespan MaxJobsPerSecond NotebookEditMode SettingsBase")
