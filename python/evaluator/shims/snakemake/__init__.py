"""What Snakefiles and scripts import under the name `snakemake`: Furrow's own code, not Snakemake's."""

__version__ = "9.25.0"


def __getattr__(name):
    from importlib import import_module

    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return import_module("snakemake." + name)
    except ModuleNotFoundError:
        raise AttributeError(f"Furrow provides no snakemake.{name}") from None
