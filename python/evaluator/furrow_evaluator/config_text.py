"""The config as JSON; whatever JSON does not know becomes its text."""

from .transport import dumps


def config_json(config):
    try:
        return dumps(config)
    except (TypeError, ValueError, RecursionError):
        return dumps(plain(config, 0))


def plain(value, depth):
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if depth > 60:
        return "..."
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    return str(value)
