"""validate(...): checks config values and tables against a JSON schema, and fills in defaults.

It needs only the standard library, so that a workflow behaves alike in every Python. Formats are not checked, as is
common.
"""

import os
import re

from .errors import WorkflowError
from .source_files import on_this_machine


class Invalid(Exception):
    def __init__(self, path, message):
        super().__init__(message)
        self.path = path

    def __str__(self):
        return "%s: %s" % (self.path or "the document", self.args[0])


class Schema:
    """A schema and the files it refers to."""

    def __init__(self, document, folder, load, set_default):
        self.document = document
        self.folder = folder
        self.load = load
        self.set_default = set_default
        self.others = {}

    def check(self, value, schema=None, path="", root=None, depth=0):
        """Raises Invalid where the value does not fit."""
        root = root or self
        schema = root.document if schema is None else schema
        if schema is True or schema is None:
            return
        if schema is False:
            raise Invalid(path, "nothing is allowed here")
        if depth > 200:
            raise WorkflowError("the schema refers to itself endlessly, at %s" % (path or "its top"))
        if "$ref" in schema:
            other_root, other = root.resolve(schema["$ref"])
            self.check(value, other, path, other_root, depth + 1)
        for keyword, check in _CHECKS.items():
            if keyword in schema:
                check(self, value, schema[keyword], schema, path, root, depth + 1)

    def fits(self, value, schema, path, root, depth):
        try:
            self.check(value, schema, path, root, depth)
            return True
        except Invalid:
            return False

    def resolve(self, reference):
        """The schema that a $ref names, in this file or in another beside it."""
        place, _, pointer = reference.partition("#")
        root = self
        if place and place != self.document.get("$id"):
            place = place[7:] if place.startswith("file://") else place
            file = on_this_machine(os.path.normpath(os.path.join(self.folder, place)))
            if file not in self.others:
                self.others[file] = Schema(self.load(file), os.path.dirname(file), self.load, self.set_default)
            root = self.others[file]
        found = root.document
        for word in pointer.split("/"):
            if word == "":
                continue
            word = word.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(word)] if isinstance(found, list) else found[word]
            except (KeyError, IndexError, ValueError, TypeError):
                raise WorkflowError(f"the schema refers to {reference}, which is not there") from None
        return root, found


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value):
    is_finite = not isinstance(value, float) or value - value == 0
    return is_finite and _is_number(value) and int(value) == value


def _is_time(value):
    """A schema has no type for dates; those of YAML count as the texts that they are in the file."""
    return hasattr(value, "isoformat")


_TYPES = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str) or _is_time(value),
    "integer": _is_integer,
    "number": _is_number,
    "array": lambda value: isinstance(value, (list, tuple)),
    "object": lambda value: isinstance(value, dict),
}


def _shown(value):
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _need(condition, path, message, *values):
    if not condition:
        raise Invalid(path, message % values)


def _below(path, key):
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)


def _check_type(schema, value, wanted, whole, path, root, depth):
    names = wanted if isinstance(wanted, list) else [wanted]
    _need(
        any(_TYPES.get(name, lambda _: False)(value) for name in names),
        path,
        "%s is not of type %s",
        _shown(value),
        " or ".join(map(str, names)),
    )


def _check_properties(schema, value, properties, whole, path, root, depth):
    if not isinstance(value, dict):
        return
    if schema.set_default:
        for name, inner in properties.items():
            if isinstance(inner, dict) and "default" in inner:
                value.setdefault(name, inner["default"])
    for name, inner in properties.items():
        if name in value:
            schema.check(value[name], inner, _below(path, name), root, depth)


def _check_additional(schema, value, allowed, whole, path, root, depth):
    if not isinstance(value, dict):
        return
    known = whole.get("properties", {})
    patterns = list(whole.get("patternProperties", {}))
    for name, item in value.items():
        if name in known or any(re.search(pattern, str(name)) for pattern in patterns):
            continue
        _need(
            allowed is not False,
            path,
            "the key %s is not among those allowed (%s)",
            _shown(name),
            ", ".join(map(str, known)) or "none",
        )
        schema.check(item, allowed, _below(path, name), root, depth)


def _check_pattern_properties(schema, value, patterns, whole, path, root, depth):
    if isinstance(value, dict):
        for pattern, inner in patterns.items():
            for name, item in value.items():
                if re.search(pattern, str(name)):
                    schema.check(item, inner, _below(path, name), root, depth)


def _check_names(schema, value, inner, whole, path, root, depth):
    if isinstance(value, dict):
        for name in value:
            schema.check(name, inner, path, root, depth)


def _check_required(schema, value, names, whole, path, root, depth):
    if isinstance(value, dict) and isinstance(names, list):
        for name in names:
            _need(name in value, path, "the key %s is missing", _shown(name))


def _check_dependent(schema, value, dependencies, whole, path, root, depth):
    if isinstance(value, dict):
        for name, wanted in dependencies.items():
            if name in value and isinstance(wanted, list):
                _check_required(schema, value, wanted, whole, path, root, depth)
            elif name in value:
                schema.check(value, wanted, path, root, depth)


def _check_items(schema, value, inner, whole, path, root, depth):
    if not isinstance(value, (list, tuple)):
        return
    first = len(whole.get("prefixItems", ()))
    for at, item in enumerate(value):
        if isinstance(inner, list):
            if at < len(inner):
                schema.check(item, inner[at], _below(path, at), root, depth)
            elif "additionalItems" in whole:
                schema.check(item, whole["additionalItems"], _below(path, at), root, depth)
        elif at >= first:
            schema.check(item, inner, _below(path, at), root, depth)


def _check_prefix_items(schema, value, inner, whole, path, root, depth):
    if isinstance(value, (list, tuple)):
        for at, (item, one) in enumerate(zip(value, inner)):
            schema.check(item, one, _below(path, at), root, depth)


def _check_contains(schema, value, inner, whole, path, root, depth):
    if isinstance(value, (list, tuple)):
        _need(any(schema.fits(item, inner, path, root, depth) for item in value), path, "none of the items fits")


def _check_unique(schema, value, wanted, whole, path, root, depth):
    if wanted and isinstance(value, (list, tuple)):
        _need(
            all(item not in value[:at] for at, item in enumerate(value)),
            path,
            "an item comes twice in %s",
            _shown(value),
        )


def _check_all_of(schema, value, inner, whole, path, root, depth):
    for one in inner:
        schema.check(value, one, path, root, depth)


def _check_any_of(schema, value, inner, whole, path, root, depth):
    _need(
        any(schema.fits(value, one, path, root, depth) for one in inner),
        path,
        "%s fits none of the %d schemas allowed",
        _shown(value),
        len(inner),
    )


def _check_one_of(schema, value, inner, whole, path, root, depth):
    count = sum(schema.fits(value, one, path, root, depth) for one in inner)
    _need(count == 1, path, "%s fits %d of the schemas, and must fit exactly one", _shown(value), count)


def _check_not(schema, value, inner, whole, path, root, depth):
    _need(not schema.fits(value, inner, path, root, depth), path, "%s is not allowed", _shown(value))


def _check_if(schema, value, condition, whole, path, root, depth):
    branch = "then" if schema.fits(value, condition, path, root, depth) else "else"
    if branch in whole:
        schema.check(value, whole[branch], path, root, depth)


def _same(value, other):
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _simple(kinds, test, message):
    """A check of one value against the keyword's value."""

    def check(schema, value, wanted, whole, path, root, depth):
        if kinds(value):
            _need(test(value, wanted), path, message, _shown(value), _shown(wanted))

    return check


def _anything(value):
    return True


def _is_text(value):
    return isinstance(value, str)


def _is_list(value):
    return isinstance(value, (list, tuple))


def _is_dict(value):
    return isinstance(value, dict)


def _is_multiple(value, step):
    return abs(value / step - round(value / step)) < 1e-9


_CHECKS = {
    "type": _check_type,
    "enum": _simple(_anything, lambda value, wanted: any(_same(value, one) for one in wanted), "%s is not one of %s"),
    "const": _simple(_anything, _same, "%s is not %s"),
    "properties": _check_properties,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional,
    "propertyNames": _check_names,
    "required": _check_required,
    "dependencies": _check_dependent,
    "dependentRequired": _check_dependent,
    "dependentSchemas": _check_dependent,
    "items": _check_items,
    "prefixItems": _check_prefix_items,
    "contains": _check_contains,
    "uniqueItems": _check_unique,
    "minimum": _simple(_is_number, lambda value, wanted: value >= wanted, "%s is less than the minimum %s"),
    "maximum": _simple(_is_number, lambda value, wanted: value <= wanted, "%s is more than the maximum %s"),
    "exclusiveMinimum": _simple(_is_number, lambda value, wanted: value > wanted, "%s is not more than %s"),
    "exclusiveMaximum": _simple(_is_number, lambda value, wanted: value < wanted, "%s is not less than %s"),
    "multipleOf": _simple(_is_number, _is_multiple, "%s is not a multiple of %s"),
    "minLength": _simple(_is_text, lambda value, wanted: len(value) >= wanted, "%s is shorter than %s"),
    "maxLength": _simple(_is_text, lambda value, wanted: len(value) <= wanted, "%s is longer than %s"),
    "pattern": _simple(_is_text, lambda value, wanted: re.search(wanted, value) is not None, "%s does not match %s"),
    "minItems": _simple(_is_list, lambda value, wanted: len(value) >= wanted, "%s has fewer than %s items"),
    "maxItems": _simple(_is_list, lambda value, wanted: len(value) <= wanted, "%s has more than %s items"),
    "minProperties": _simple(_is_dict, lambda value, wanted: len(value) >= wanted, "%s has fewer than %s keys"),
    "maxProperties": _simple(_is_dict, lambda value, wanted: len(value) <= wanted, "%s has more than %s keys"),
    "allOf": _check_all_of,
    "anyOf": _check_any_of,
    "oneOf": _check_one_of,
    "not": _check_not,
    "if": _check_if,
}


def validate_value(data, document, folder, load, set_default):
    """Checks a dict, or each row of a table."""
    schema = Schema(document, folder, load, set_default)
    if isinstance(data, dict):
        try:
            schema.check(data)
        except Invalid as invalid:
            raise WorkflowError(f"the config does not fit its schema: {invalid}") from None
        return
    rows, restore = _table_rows(data)
    for at, row in enumerate(rows):
        try:
            schema.check(row)
        except Invalid as invalid:
            raise WorkflowError(f"row {at} of the table does not fit its schema: {invalid}") from None
    if set_default:
        restore(rows)


def _table_rows(data):
    """Rows of a data frame as dicts without empty cells, and a function that writes defaults to the frame."""
    kind = type(data).__module__.split(".")[0]
    if kind == "pandas":
        import pandas

        records = data.to_dict("records")
        rows = [{key: _plain(item) for key, item in row.items() if not _is_null(pandas, item)} for row in records]
        return rows, lambda filled: _fill_pandas(pandas, data, filled)
    if kind == "polars":
        frame = data.head(1000).collect() if hasattr(data, "collect") else data
        return [
            {key: item for key, item in row.items() if item is not None} for row in frame.to_dicts()
        ], lambda filled: None
    raise WorkflowError(f"validate(...) takes a dict or a data frame, not {type(data).__name__}")


def _is_null(pandas, item):
    answer = pandas.isnull(item)
    return answer if isinstance(answer, bool) else bool(getattr(answer, "all", lambda: answer)())


def _plain(item):
    return item.item() if hasattr(item, "item") and not isinstance(item, (str, int, float)) else item


def _fill_pandas(pandas, data, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        values = [row.get(name) for row in rows]
        if name not in data.columns:
            data[name] = values
        elif data[name].isna().any():
            data[name] = [new if pandas.isna(old) else old for old, new in zip(data[name].tolist(), values)]
