"""`config`: files named by the Snakefile, then files named by --configfile, then --config; the later wins, key by key."""

import os

from .errors import WorkflowError
from .transport import AskFailed


def update_config(config, other):
    """Takes over another config key by key, so that what it does not speak of stays."""
    for key, value in other.items():
        if isinstance(value, dict):
            inner = config.get(key)
            config[key] = update_config(inner if isinstance(inner, dict) else {}, value)
        else:
            config[key] = value
    return config


def with_any_keys(value):
    """Undoes how the engine writes mappings whose keys are no texts: {"__pairs__": [[key, value], ...]}."""
    if isinstance(value, list):
        return [with_any_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and "__pairs__" in value:
        return {key: with_any_keys(item) for key, item in value["__pairs__"]}
    return {key: with_any_keys(item) for key, item in value.items()}


def load_file(path, transport, what="config file"):
    try:
        return with_any_keys(transport.ask("yaml", path=os.path.abspath(path)))
    except AskFailed as failed:
        error = WorkflowError("the %s %s cannot be read: %s" % (what, path, failed), hint=failed.error.get("hint"))
        if failed.error.get("file") and failed.error.get("line"):
            error.file, error.line = failed.error["file"], failed.error["line"]
        raise error from None


def load_mapping(path, transport):
    content = load_file(path, transport)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise WorkflowError("the config file %s must hold keys and values at its top, not %s" % (path, type(content).__name__))
    return content


class Config:
    """The values, and what the command line has said about them."""

    def __init__(self, request, transport):
        self.transport_ = transport
        self.overwrite_ = {}
        for path in request.get("configfiles") or []:
            update_config(self.overwrite_, load_mapping(path, transport))
        update_config(self.overwrite_, request.get("config") or {})
        self.values = update_config({}, self.overwrite_)
        self.has_files_ = bool(request.get("configfiles"))
        self.replaces_ = self.has_files_ and bool(request.get("replace_config"))

    def read(self, path, workflow):
        """`configfile:` of a Snakefile; the path is relative to the working directory."""
        if not os.path.exists(path):
            if self.has_files_:
                return
            raise WorkflowError("the config file %s is not there (looked at %s)" % (path, os.path.abspath(path)))
        if self.replaces_:
            return
        workflow.configfiles.append(path)
        config = workflow.globals["config"]
        update_config(config, load_mapping(path, self.transport_))
        update_config(config, self.overwrite_)
