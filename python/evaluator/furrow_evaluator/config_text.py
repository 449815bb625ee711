"""The config as JSON; a value that JSON does not have is written as its text."""

from .transport import dumps


def config_json(config):
    try:
        return dumps(config)
    except (TypeError, ValueError, RecursionError):
        return dumps(_plain(config, 0))


def _plain(value, depth):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 1000 else hex(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if depth > 60:
        return "..."
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return str(value)
