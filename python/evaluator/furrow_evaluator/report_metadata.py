"""The file of --report-metadata: facts about a workflow, in YAML, with the templates of YTE where that is installed."""

from .config import load_file
from .errors import WorkflowError


def read_metadata(path, workflow):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkflowError(f"--report-metadata: {path} cannot be read: {getattr(error, 'strerror', error)}") from None
    try:
        from yte import process_yaml
    except ImportError:
        if "__definitions__" in text or "__variables__" in text or "?" in text:
            raise WorkflowError(
                f"--report-metadata: {path} is a template of YTE, and the Snakefile's Python lacks the package yte",
                hint="install it with pip or conda, or write plain YAML",
            ) from None
        found = load_file(path, workflow._transport, "file")
    else:
        try:
            found = process_yaml(text, require_use_yte=False)
        except Exception as error:
            raise WorkflowError(f"--report-metadata: {path}: {error}", file=path) from None
    if not isinstance(found, dict):
        raise WorkflowError(f"--report-metadata: {path} must be a table of names and values, not {found!r}")
    return {str(name): _plain(value) for name, value in found.items()}


def _plain(value):
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else str(value)
