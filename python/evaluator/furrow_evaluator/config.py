"""`config`: files named by the Snakefile, then by --configfile, then --config; later ones win, key by key."""

import os
import re

from .errors import WorkflowError, imported
from .source_files import infer_source_file, is_local
from .transport import AskFailed


_TIME = r"([0-9-]+)[Tt \t]+(\d+):(\d+):(\d+)(?:\.(\d*))?[ \t]*(Z|[-+][0-9:]+)?"


def update_config(config, other):
    """Merges another config key by key, so that keys which it does not have stay."""
    for key, value in other.items():
        if isinstance(value, dict):
            inner = config.get(key)
            config[key] = update_config(inner if isinstance(inner, dict) else {}, value)
        else:
            config[key] = value
    return config


def _with_any_keys(value):
    """Decodes what JSON does not have: {"__pairs__": [[key, value], ...]} for keys that are not texts, and times."""
    if isinstance(value, list):
        return [_with_any_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and "__pairs__" in value:
        return {_with_any_keys(key): _with_any_keys(item) for key, item in value["__pairs__"]}
    if len(value) == 1 and "__time__" in value:
        return _time_of(value["__time__"])
    return {key: _with_any_keys(item) for key, item in value.items()}


def _time_of(text):
    """A date or a time of YAML; a text if there is no such day."""
    from datetime import date, datetime, timedelta, timezone

    try:
        if len(text) == 10 and text[7] == "-":
            return date(*map(int, text.split("-")))
        day, hour, minute, second, fraction, zone = re.match(_TIME, text).groups()
        made = datetime(*map(int, day.split("-")), int(hour), int(minute), int(second))
        made = made.replace(microsecond=int(((fraction or "") + "000000")[:6]))
        if not zone:
            return made
        if zone == "Z":
            return made.replace(tzinfo=timezone.utc)
        digits = zone[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, 0)
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return made.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
    except ValueError:
        return text


def load_file(path, transport, what="config file"):
    try:
        return _with_any_keys(transport.ask("yaml", path=os.path.abspath(path)))
    except AskFailed as failed:
        error = WorkflowError(f"the {what} {path} cannot be read: {failed}", hint=failed.error.get("hint"))
        if failed.error.get("file") and failed.error.get("line"):
            error.file, error.line = failed.error["file"], failed.error["line"]
        raise error from None


def load_mapping(path, transport):
    content = load_file(path, transport)
    if isinstance(content, dict) and content.get("__use_yte__") is True:
        with open(path, encoding="utf-8") as file:
            content = imported("yte", f"the config file {path}").process_yaml(file, require_use_yte=True)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise WorkflowError(
            f"the config file {path} must hold keys and values at its top, not {type(content).__name__}"
        )
    return content


def _path_of(path):
    """Where the file is on this machine; one from the web or from a git repository is fetched."""
    found = infer_source_file(path)
    return str(path) if is_local(found) else found.fetched()


class Config:
    """The values, and what the command line says about them."""

    def __init__(self, request, transport):
        self._transport = transport
        self._overwrite = {}
        for path in request.get("configfiles") or []:
            update_config(self._overwrite, load_mapping(_path_of(path), transport))
        update_config(self._overwrite, request.get("config") or {})
        self.values = update_config({}, self._overwrite)
        self._has_files = bool(request.get("configfiles"))
        self._replaces = self._has_files and bool(request.get("replace_config"))

    def read(self, path, workflow):
        """`configfile:` of a Snakefile; the path is relative to the working directory, or an address."""
        if not workflow.scope.reads_configfiles:
            return
        path = _path_of(path)
        if self._replaces or (self._has_files and not os.path.exists(path)):
            update_config(workflow.config, self._overwrite)
            return
        if not os.path.exists(path):
            raise WorkflowError(f"the config file {path} is not there (looked at {os.path.abspath(path)})")
        workflow.configfiles.append(path)
        config = workflow.config
        update_config(config, load_mapping(path, self._transport))
        update_config(config, self._overwrite)
        workflow.scope.take_pathvars_of(config)
