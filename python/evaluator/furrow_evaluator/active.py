"""The workflow loaded in this process, for functions imported from modules named `snakemake`. Scripts have none."""

workflow = None
can_ask = False


def load_text(text):
    """The same for the text of such a file."""
    import os
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile("w", suffix=".yaml", delete=False, encoding="utf-8") as file:
        file.write(text if isinstance(text, str) else text.decode())
    try:
        return load_document(file.name)
    finally:
        os.unlink(file.name)


def load_document(path):
    """A YAML or JSON file as Python values, parsed by the engine where it can be asked, else by installed modules."""
    if workflow is not None and can_ask:
        from .config import load_file

        return load_file(path, workflow._transport, "file")
    import json

    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        import yaml
    except ImportError:
        from .errors import WorkflowError

        raise WorkflowError(f"{path} is not JSON, and this Python has no PyYAML to read it with") from None
    return yaml.safe_load(text)
