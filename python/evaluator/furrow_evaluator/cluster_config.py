"""What belongs to --cluster: values of rules for the command that submits, and a template of the scripts."""

import os

from .errors import WorkflowError

DEFAULT = "__default__"


class ClusterValues(dict):
    """`{cluster.queue}` and `{cluster[queue]}` in the command that submits."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the file of --cluster-config has no {name} for this rule, nor in {DEFAULT}"
            ) from None


class ClusterConfig:
    """The files of --cluster-config; later ones win."""

    def __init__(self, paths, read):
        self._rules = {}
        for path in paths:
            if not os.path.isfile(path):
                raise WorkflowError(f"there is no file {path}, which --cluster-config names")
            for rule, values in (read(path) or {}).items():
                if not isinstance(values, dict):
                    raise WorkflowError(f"{path}: {rule} must name values, as in `{rule}: {{queue: short}}`")
                self._rules.setdefault(rule, {}).update(values)

    def of(self, rule):
        return {**self._rules.get(DEFAULT, {}), **self._rules.get(rule, {})}


def read_script(path):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise WorkflowError(f"--jobscript {path}: {error.strerror}") from None
    if "{exec_job}" not in text:
        raise WorkflowError(f"--jobscript {path}: it has no {{exec_job}}, where the job is to run")
    return text if text.startswith("#!") else "#!/bin/sh\n" + text
