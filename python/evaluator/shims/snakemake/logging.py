"""The logger."""

from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.logger import Logger, logger

__all__ = ["format_dict", "format_resource_names", "format_resources", "format_wildcards", "Logger", "logger"]

__getattr__ = stand_ins(
    __name__,
    "ColorizingStreamHandler ColorizingTextHandler DefaultFilter DefaultFormatter LoggerManager LogEvent SlackLogger "
    "WMSLogger setup_logger logger_manager",
)


def format_dict(dict_like, omit_keys=(), omit_values=()):
    pairs = dict_like.items()
    return ", ".join(f"{key}={value}" for key, value in pairs if key not in omit_keys and value not in omit_values)


def format_resources(dict_like, omit_keys=("_cores", "_nodes"), omit_values=()):
    return format_dict(dict_like, omit_keys, omit_values)


def format_wildcards(dict_like, omit_keys=(), omit_values=()):
    return format_dict(dict_like, omit_keys, omit_values)


def format_resource_names(resources, omit_resources=("_cores", "_nodes")):
    return ", ".join(name for name in resources if name not in omit_resources)
