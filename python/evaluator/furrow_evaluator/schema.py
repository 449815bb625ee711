"""validate(...): checks config values and tables against a JSON schema, and fills in defaults.

Written with the standard library, so that a workflow behaves alike in every Python. Formats are not checked, as is common.
"""

import os
import re

from .errors import WorkflowError


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
            raise WorkflowError("the schema refers to itself without end, at %s" % (path or "its top"))
        if "$ref" in schema:
            other_root, other = root.resolve(schema["$ref"])
            self.check(value, other, path, other_root, depth + 1)
        for keyword, check in kChecks.items():
            if keyword in schema:
                check(self, value, schema[keyword], schema, path, root, depth + 1)

    def fits(self, value, schema, path, root, depth):
        try:
            self.check(value, schema, path, root, depth)
            return True
        except Invalid:
            return False

    def resolve(self, reference):
        """The schema that a $ref names: in this file, or in another beside it."""
        place, _, pointer = reference.partition("#")
        root = self
        if place and place != self.document.get("$id"):
            place = place[7:] if place.startswith("file://") else place
            file = os.path.normpath(os.path.join(self.folder, place))
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
                raise WorkflowError("the schema refers to %s, which is not there" % reference) from None
        return root, found


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


kTypes = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: is_number(value) and int(value) == value if not (isinstance(value, float) and value - value != 0) else False,
    "number": is_number,
    "array": lambda value: isinstance(value, (list, tuple)),
    "object": lambda value: isinstance(value, dict),
}


def shown(value):
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def need(condition, path, message, *values):
    if not condition:
        raise Invalid(path, message % values)


def below(path, key):
    return "%s[%d]" % (path, key) if isinstance(key, int) else "%s.%s" % (path, key) if path else str(key)


def check_type(schema, value, wanted, whole, path, root, depth):
    names = wanted if isinstance(wanted, list) else [wanted]
    need(any(kTypes.get(name, lambda _: False)(value) for name in names), path, "%s is not of type %s", shown(value), " or ".join(map(str, names)))


def check_properties(schema, value, properties, whole, path, root, depth):
    if not isinstance(value, dict):
        return
    if schema.set_default:
        for name, inner in properties.items():
            if isinstance(inner, dict) and "default" in inner:
                value.setdefault(name, inner["default"])
    for name, inner in properties.items():
        if name in value:
            schema.check(value[name], inner, below(path, name), root, depth)


def check_additional(schema, value, allowed, whole, path, root, depth):
    if not isinstance(value, dict):
        return
    known = whole.get("properties", {})
    patterns = list(whole.get("patternProperties", {}))
    for name, item in value.items():
        if name in known or any(re.search(pattern, str(name)) for pattern in patterns):
            continue
        need(allowed is not False, path, "the key %s is not among those allowed (%s)", shown(name), ", ".join(map(str, known)) or "none")
        schema.check(item, allowed, below(path, name), root, depth)


def check_pattern_properties(schema, value, patterns, whole, path, root, depth):
    if isinstance(value, dict):
        for pattern, inner in patterns.items():
            for name, item in value.items():
                if re.search(pattern, str(name)):
                    schema.check(item, inner, below(path, name), root, depth)


def check_names(schema, value, inner, whole, path, root, depth):
    if isinstance(value, dict):
        for name in value:
            schema.check(name, inner, path, root, depth)


def check_required(schema, value, names, whole, path, root, depth):
    if isinstance(value, dict) and isinstance(names, list):
        for name in names:
            need(name in value, path, "the key %s is missing", shown(name))


def check_dependent(schema, value, dependencies, whole, path, root, depth):
    if isinstance(value, dict):
        for name, wanted in dependencies.items():
            if name in value and isinstance(wanted, list):
                check_required(schema, value, wanted, whole, path, root, depth)
            elif name in value:
                schema.check(value, wanted, path, root, depth)


def check_items(schema, value, inner, whole, path, root, depth):
    if not isinstance(value, (list, tuple)):
        return
    first = len(whole.get("prefixItems", ()))
    for at, item in enumerate(value):
        if isinstance(inner, list):
            if at < len(inner):
                schema.check(item, inner[at], below(path, at), root, depth)
            elif "additionalItems" in whole:
                schema.check(item, whole["additionalItems"], below(path, at), root, depth)
        elif at >= first:
            schema.check(item, inner, below(path, at), root, depth)


def check_prefix_items(schema, value, inner, whole, path, root, depth):
    if isinstance(value, (list, tuple)):
        for at, (item, one) in enumerate(zip(value, inner)):
            schema.check(item, one, below(path, at), root, depth)


def check_contains(schema, value, inner, whole, path, root, depth):
    if isinstance(value, (list, tuple)):
        need(any(schema.fits(item, inner, path, root, depth) for item in value), path, "none of the items fits")


def check_unique(schema, value, wanted, whole, path, root, depth):
    if wanted and isinstance(value, (list, tuple)):
        need(all(item not in value[:at] for at, item in enumerate(value)), path, "an item comes twice in %s", shown(value))


def check_all_of(schema, value, inner, whole, path, root, depth):
    for one in inner:
        schema.check(value, one, path, root, depth)


def check_any_of(schema, value, inner, whole, path, root, depth):
    need(any(schema.fits(value, one, path, root, depth) for one in inner), path, "%s fits none of the %d schemas allowed", shown(value), len(inner))


def check_one_of(schema, value, inner, whole, path, root, depth):
    count = sum(schema.fits(value, one, path, root, depth) for one in inner)
    need(count == 1, path, "%s fits %d of the schemas, and must fit exactly one", shown(value), count)


def check_not(schema, value, inner, whole, path, root, depth):
    need(not schema.fits(value, inner, path, root, depth), path, "%s is not allowed", shown(value))


def check_if(schema, value, condition, whole, path, root, depth):
    branch = "then" if schema.fits(value, condition, path, root, depth) else "else"
    if branch in whole:
        schema.check(value, whole[branch], path, root, depth)


def same(value, other):
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def simple(kinds, test, message):
    """A check of one value against the keyword's own."""

    def check(schema, value, wanted, whole, path, root, depth):
        if kinds(value):
            need(test(value, wanted), path, message, shown(value), shown(wanted))

    return check


def anything(value):
    return True


def is_text(value):
    return isinstance(value, str)


def is_list(value):
    return isinstance(value, (list, tuple))


def is_dict(value):
    return isinstance(value, dict)


def is_multiple(value, step):
    return abs(value / step - round(value / step)) < 1e-9


kChecks = {
    "type": check_type,
    "enum": simple(anything, lambda value, wanted: any(same(value, one) for one in wanted), "%s is not one of %s"),
    "const": simple(anything, same, "%s is not %s"),
    "properties": check_properties,
    "patternProperties": check_pattern_properties,
    "additionalProperties": check_additional,
    "propertyNames": check_names,
    "required": check_required,
    "dependencies": check_dependent,
    "dependentRequired": check_dependent,
    "dependentSchemas": check_dependent,
    "items": check_items,
    "prefixItems": check_prefix_items,
    "contains": check_contains,
    "uniqueItems": check_unique,
    "minimum": simple(is_number, lambda value, wanted: value >= wanted, "%s is less than the minimum %s"),
    "maximum": simple(is_number, lambda value, wanted: value <= wanted, "%s is more than the maximum %s"),
    "exclusiveMinimum": simple(is_number, lambda value, wanted: value > wanted, "%s is not more than %s"),
    "exclusiveMaximum": simple(is_number, lambda value, wanted: value < wanted, "%s is not less than %s"),
    "multipleOf": simple(is_number, is_multiple, "%s is no multiple of %s"),
    "minLength": simple(is_text, lambda value, wanted: len(value) >= wanted, "%s is shorter than %s"),
    "maxLength": simple(is_text, lambda value, wanted: len(value) <= wanted, "%s is longer than %s"),
    "pattern": simple(is_text, lambda value, wanted: re.search(wanted, value) is not None, "%s does not match %s"),
    "minItems": simple(is_list, lambda value, wanted: len(value) >= wanted, "%s has fewer than %s items"),
    "maxItems": simple(is_list, lambda value, wanted: len(value) <= wanted, "%s has more than %s items"),
    "minProperties": simple(is_dict, lambda value, wanted: len(value) >= wanted, "%s has fewer than %s keys"),
    "maxProperties": simple(is_dict, lambda value, wanted: len(value) <= wanted, "%s has more than %s keys"),
    "allOf": check_all_of,
    "anyOf": check_any_of,
    "oneOf": check_one_of,
    "not": check_not,
    "if": check_if,
}


def validate_value(data, document, folder, load, set_default):
    """Checks a dict, or each row of a table."""
    schema = Schema(document, folder, load, set_default)
    if isinstance(data, dict):
        try:
            schema.check(data)
        except Invalid as invalid:
            raise WorkflowError("the config does not fit its schema: %s" % invalid) from None
        return
    rows, restore = table_rows(data)
    for at, row in enumerate(rows):
        try:
            schema.check(row)
        except Invalid as invalid:
            raise WorkflowError("row %d of the table does not fit its schema: %s" % (at, invalid)) from None
    if set_default:
        restore(rows)


def table_rows(data):
    """Rows of a data frame as dicts without empty cells, and a function that puts defaults back."""
    kind = type(data).__module__.split(".")[0]
    if kind == "pandas":
        import pandas

        rows = [{key: plain(item) for key, item in row.items() if not is_null(pandas, item)} for row in data.to_dict("records")]
        return rows, lambda filled: fill_pandas(pandas, data, filled)
    if kind == "polars":
        frame = data.head(1000).collect() if hasattr(data, "collect") else data
        return [{key: item for key, item in row.items() if item is not None} for row in frame.to_dicts()], lambda filled: None
    raise WorkflowError("validate(...) takes a dict or a data frame, not %s" % type(data).__name__)


def is_null(pandas, item):
    answer = pandas.isnull(item)
    return answer if isinstance(answer, bool) else bool(getattr(answer, "all", lambda: answer)())


def plain(item):
    return item.item() if hasattr(item, "item") and not isinstance(item, (str, int, float)) else item


def fill_pandas(pandas, data, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        values = [row.get(name) for row in rows]
        if name not in data.columns:
            data[name] = values
        elif data[name].isna().any():
            data[name] = [new if pandas.isna(old) else old for old, new in zip(data[name].tolist(), values)]
