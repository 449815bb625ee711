"""What Snakefiles and scripts import under the name `snakemake`: Furrow's own code, not Snakemake's."""

from furrow_evaluator.engine_only import add_finder as _add_finder

__version__ = "9.25.0"
_add_finder()
# Functions of version 7, which start the engine.
_FUNCTIONS = frozenset(["snakemake", "main", "get_argument_parser", "get_profile_file", "parse_config"])


def __getattr__(name):
    from importlib import import_module

    if name.startswith("_"):
        raise AttributeError(name)
    if name in _FUNCTIONS:
        from furrow_evaluator.engine_only import stand_in

        return stand_in("snakemake", name)
    try:
        return import_module("snakemake." + name)
    except ModuleNotFoundError as error:
        if error.name != "snakemake." + name:
            raise
        raise AttributeError(f"Furrow provides no snakemake.{name}") from None
