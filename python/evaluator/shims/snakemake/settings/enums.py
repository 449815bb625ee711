"""Choices in the settings of a run."""

from enum import Enum

__all__ = [
    "ChangeType", "CondaCleanupPkgs", "DeploymentMethod", "ExecMode", "PersistenceBackend", "PrintDag", "Quietness",
    "RerunTrigger", "SharedFSUsage", "StrictDagEvaluation",
]


class _Choice(Enum):
    @classmethod
    def all(cls):
        return frozenset(cls)

    @classmethod
    def choices(cls):
        return sorted(item.item_to_choice() for item in cls)

    @classmethod
    def parse_choice(cls, choice):
        return cls[choice.replace("-", "_").upper()]

    @classmethod
    def parse_choices_set(cls, choices):
        return {cls.parse_choice(choice) for choice in choices}

    @classmethod
    def parse_choices_list(cls, choices):
        return [cls.parse_choice(choice) for choice in choices]

    def item_to_choice(self):
        return self.name.replace("_", "-").lower()

    def __str__(self):
        return self.item_to_choice()


def _choice(name, words):
    return _Choice(name, words, start=0, module=__name__)


RerunTrigger = _choice("RerunTrigger", "MTIME PARAMS INPUT SOFTWARE_ENV CODE")
ChangeType = _choice("ChangeType", "CODE INPUT PARAMS")
CondaCleanupPkgs = _choice("CondaCleanupPkgs", "TARBALLS CACHE")
Quietness = _choice("Quietness", "RULES PROGRESS ALL HOST REASON")
StrictDagEvaluation = _choice("StrictDagEvaluation", "FUNCTIONS CYCLIC_GRAPH PERIODIC_WILDCARDS")
PrintDag = _choice("PrintDag", "DOT MERMAID_JS")
PersistenceBackend = _choice("PersistenceBackend", "FILE DB")
DeploymentMethod = _choice("DeploymentMethod", "CONDA APPTAINER ENV_MODULES")
ExecMode = _choice("ExecMode", "DEFAULT SUBPROCESS REMOTE")
SharedFSUsage = _choice(
    "SharedFSUsage", "PERSISTENCE INPUT_OUTPUT SOFTWARE_DEPLOYMENT SOURCES STORAGE_LOCAL_COPIES SOURCE_CACHE"
)
