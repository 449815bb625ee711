"""Text that is equal for equal values, in any process and on any day: the identity of a parameter."""

_MAX_DEPTH = 50


def canonical(value, depth=0):
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, bytes, str):
        return repr(value)
    if depth > _MAX_DEPTH:
        return "..."
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join([canonical(item, depth + 1) for item in value])
    if isinstance(value, (set, frozenset)):
        return "set(%s)" % ", ".join(sorted(canonical(item, depth + 1) for item in value))
    if isinstance(value, dict):
        pairs = sorted((canonical(key, depth + 1), canonical(item, depth + 1)) for key, item in value.items())
        return "dict(%s)" % ", ".join("%s: %s" % pair for pair in pairs)
    if hasattr(value, "__fspath__"):
        return repr(str(value))
    return _canonical_object(value, depth)


def _canonical_object(value, depth):
    if hasattr(value, "plain_value"):  # a fact about a file
        return repr(value.plain_value())
    name = type(value).__module__ + "." + type(value).__qualname__
    if name.startswith("numpy.") and hasattr(value, "tolist"):
        return canonical(value.tolist(), depth + 1)
    if name.startswith(("pandas.", "polars.")):
        return f"{name}({_table_digest(value)})"
    if hasattr(value, "__dataclass_fields__"):
        return "%s(%s)" % (name, canonical({key: getattr(value, key) for key in value.__dataclass_fields__}, depth + 1))
    if isinstance(value, type) or callable(value):
        return "%s.%s" % (getattr(value, "__module__", ""), getattr(value, "__qualname__", name))
    if type(value).__repr__ is not object.__repr__:
        return _without_addresses(repr(value))
    state = getattr(value, "__dict__", None)
    return "%s(%s)" % (name, canonical(state, depth + 1) if state else "")


def _table_digest(value):
    """A data frame is identified by its content, since its repr leaves out rows."""
    from hashlib import sha256

    for method in ("to_csv", "write_csv"):
        if hasattr(value, method):
            return sha256(getattr(value, method)().encode("utf-8", "surrogateescape")).hexdigest()
    return _without_addresses(repr(value))


def _without_addresses(text):
    if " at 0x" not in text:
        return text
    from re import sub

    return sub(r" at 0x[0-9a-fA-F]+", "", text)
