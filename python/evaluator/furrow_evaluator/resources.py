"""Resources: sizes and times in words, conversions between units, and expressions given on the command line."""

import os

from .errors import WorkflowError
from .functions import call

kSized = ("mem", "disk")
kBytes = {"b": 1, "": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15, "e": 10**18}
kSeconds = {"": 60.0, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800}
kSeconds.update({"year": 31536000, "y": 31536000, "second": 1, "minute": 60, "hr": 3600})
kExpressionNames = frozenset(["wildcards", "input", "attempt", "threads", "rulename", "resources", "output", "params"])


def normalise(name, value):
    """(name, value) as the engine knows them: mem and disk in megabytes, runtime in minutes, floats as whole numbers."""
    if callable(value):
        target = name + "_mb" if name in kSized else name[:-4] + "_mb" if is_mib(name) else name
        return target, (Converted(name, value) if target != name or name == "runtime" or is_size(name) else value)
    return convert(name, value)


def is_mib(name):
    return name in ("mem_mib", "disk_mib")


def is_size(name):
    return name in ("mem_mb", "disk_mb")


def convert(name, value):
    if isinstance(value, bool):
        value = int(value)
    if hasattr(value, "item") and not isinstance(value, (int, float, str)):
        value = value.item()
    if hasattr(value, "__fspath__"):
        value = str(value)
    if isinstance(value, float):
        value = round(value)
    if value is not None and not isinstance(value, (int, str)):
        raise WorkflowError("the resource %s must be a number, a text or a function, not %s" % (name, type(value).__name__))
    if name in kSized:
        return name + "_mb", megabytes(name, value)
    if is_mib(name):
        return name[:-4] + "_mb", value if value is None else int(megabytes(name, value) / 0.95367431640625)
    if is_size(name):
        return name, megabytes(name, value)
    if name == "runtime" and isinstance(value, str):
        return name, minutes(value)
    return name, str(value) if isinstance(value, str) else value


class Converted:
    """A resource function whose answer is brought to the engine's unit."""

    takes_all = True

    def __init__(self, name, function):
        self.name = name
        self.function = function

    def __call__(self, wildcards, **known):
        return convert(self.name, call(self.function, wildcards, known))[1]


def split_number(text):
    text = text.strip().strip("'\"").strip()
    end = 0
    while end < len(text) and (text[end].isdigit() or text[end] == "."):
        end += 1
    return text[:end], text[end:].strip()


def megabytes(name, value):
    if not isinstance(value, str):
        return value
    number, unit = split_number(value)
    unit = unit.lower()
    if not number:
        raise WorkflowError("the resource %s is %r, which is no size such as '8 GB'" % (name, value))
    if not unit:
        return round(float(number))
    scale = kBytes.get(unit[0] if unit not in ("bytes", "byte") else "b")
    rest = unit[1:] if unit not in ("bytes", "byte") else ""
    if scale is None or rest not in ("", "b", "ib", "ilobyte", "egabyte", "igabyte"):
        raise WorkflowError("the resource %s is %r, whose unit %r is unknown" % (name, value, unit))
    if rest == "ib":
        scale = 1024 ** {10**3: 1, 10**6: 2, 10**9: 3, 10**12: 4, 10**15: 5, 10**18: 6}[scale]
    megabyte_count = float(number) * scale / 1e6
    return max(int(-(-megabyte_count // 1)), 1)


def minutes(text):
    """'1d 2h', '30m', '90' (minutes) as whole minutes."""
    plain = text.strip().strip("'\"").strip()
    if plain.isdigit():
        return int(plain)
    seconds = 0.0
    rest = plain.replace(",", " ")
    while rest.strip():
        number, rest = split_number(rest)
        end = 0
        while end < len(rest) and rest[end].isalpha():
            end += 1
        unit, rest = rest[:end].lower(), rest[end:]
        scale = kSeconds.get(unit) or kSeconds.get(unit[:-1] if unit.endswith("s") else unit)
        if not number or scale is None:
            raise WorkflowError("the resource runtime is %r, which is no time such as '2h' or '30m'" % text)
        seconds += float(number) * scale
    return max(round(seconds / 60), 1)


def with_derived(resources):
    """The resources with mem_mib and disk_mib beside mem_mb and disk_mb."""
    for kind in kSized:
        value = resources.get(kind + "_mb")
        if isinstance(value, int) and kind + "_mib" not in resources:
            resources[kind + "_mib"] = mebibytes(value)
    return resources


def mebibytes(megabyte_count):
    return -int(-megabyte_count * 0.95367431640625 // 1)


def in_words(megabyte_count):
    for unit, size in (("TB", 10**6), ("GB", 10**3), ("MB", 1)):
        if megabyte_count >= size:
            return ("%.2f" % (megabyte_count / size)).rstrip("0").rstrip(".") + " " + unit
    return "%s MB" % megabyte_count


def temporary_folder():
    """The folder for temporary files, chosen as Python's tempfile does, without its import."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        path = os.environ.get(name)
        if path and os.path.isdir(path) and os.access(path, os.W_OK):
            return os.path.abspath(path)
    for path in ("/tmp", "/var/tmp", "/usr/tmp"):
        if os.path.isdir(path) and os.access(path, os.W_OK):
            return path
    return os.getcwd()


def from_expression(text):
    """A resource given as text: a number, an expression over input, attempt and the like, or a word that stands for itself."""
    text = os.path.expandvars(text) if "$" in text else text
    plain = text.strip()
    if plain.lstrip("-").isdigit():
        return int(plain)
    try:
        code = compile(plain, "<resource>", "eval")
    except SyntaxError:
        return text
    if kExpressionNames & set(all_names(code)):
        return Expression(plain, code)
    return Expression(plain, code).evaluate({})


def all_names(code):
    names = list(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names += all_names(constant)
    return names


class Expression:
    """An expression that needs the job."""

    takes_all = True

    def __init__(self, text, code):
        self.text = text
        self.code = code

    def __call__(self, wildcards, **known):
        return self.evaluate({"wildcards": wildcards, **known})

    def evaluate(self, known):
        names = {"system_tmpdir": temporary_folder(), **known}
        if "shutil" in self.text:
            import shutil

            names["shutil"] = shutil
        try:
            return eval(self.code, names)
        except FileNotFoundError:
            raise
        except NameError:
            return self.text
        except Exception as error:
            if self.text.replace("-", "").replace("_", "").replace(".", "").isalnum():
                return self.text
            raise WorkflowError("the resource %r cannot be evaluated: %s" % (self.text, error)) from None
