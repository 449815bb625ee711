"""What Snakefiles and scripts import under the name `snakemake`, brought by Furrow and written anew."""

__version__ = "9.25.0"


def __getattr__(name):
    from importlib import import_module

    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return import_module("snakemake." + name)
    except ModuleNotFoundError:
        raise AttributeError("Furrow brings no snakemake.%s" % name) from None
