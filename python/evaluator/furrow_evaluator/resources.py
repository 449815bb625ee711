"""Resources: sizes and times as text, conversions between units, and expressions given on the command line."""

import os

from .errors import WorkflowError
from .functions import call

SIZED = ("mem", "disk")
_BYTES = {"b": 1, "": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15, "e": 10**18}
_SECONDS = {
    "": 60.0,
    "s": 1,
    "sec": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_SECONDS.update({"year": 31536000, "y": 31536000, "second": 1, "minute": 60, "hr": 3600})
_EXPRESSION_NAMES = frozenset(["wildcards", "input", "attempt", "threads", "rulename", "resources", "output", "params"])


def normalise(name, value):
    """(name, value) as the engine wants them: mem and disk in megabytes, runtime in minutes, numbers whole."""
    if callable(value):
        target = name + "_mb" if name in SIZED else name[:-4] + "_mb" if _is_mib(name) else name
        return target, (_Converted(name, value) if target != name or name == "runtime" or _is_size(name) else value)
    return convert(name, value)


def _is_mib(name):
    return name in ("mem_mib", "disk_mib")


def _is_size(name):
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
        raise WorkflowError(f"the resource {name} must be a number, a text or a function, not {type(value).__name__}")
    if name in SIZED:
        return name + "_mb", _megabytes(name, value)
    if _is_mib(name):
        return name[:-4] + "_mb", value if value is None else int(_megabytes(name, value) / 0.95367431640625)
    if _is_size(name):
        return name, _megabytes(name, value)
    if name == "runtime" and isinstance(value, str):
        return name, _minutes(value)
    return name, str(value) if isinstance(value, str) else value


class _Converted:
    """A resource function whose result is converted to the engine's unit."""

    takes_all = True

    def __init__(self, name, function):
        self.name = name
        self.function = function

    def __call__(self, wildcards, **known):
        return convert(self.name, call(self.function, wildcards, known))[1]


def _split_number(text):
    text = text.strip().strip("'\"").strip()
    end = 0
    while end < len(text) and (text[end].isdigit() or text[end] == "."):
        end += 1
    return text[:end], text[end:].strip()


def _megabytes(name, value):
    if not isinstance(value, str):
        return value
    number, unit = _split_number(value)
    unit = unit.lower()
    if not number:
        raise WorkflowError(f"the resource {name} is {value!r}, which is not a size such as '8 GB'")
    if not unit:
        return round(float(number))
    scale = _BYTES.get(unit[0] if unit not in ("bytes", "byte") else "b")
    rest = unit[1:] if unit not in ("bytes", "byte") else ""
    if scale is None or rest not in ("", "b", "ib", "ilobyte", "egabyte", "igabyte"):
        raise WorkflowError(f"the resource {name} is {value!r}, whose unit {unit!r} is unknown")
    if rest == "ib":
        scale = 1024 ** {10**3: 1, 10**6: 2, 10**9: 3, 10**12: 4, 10**15: 5, 10**18: 6}[scale]
    megabyte_count = float(number) * scale / 1e6
    return max(int(-(-megabyte_count // 1)), 1)


def _minutes(text):
    """'1d 2h', '30m', '90' (minutes) as whole minutes."""
    plain = text.strip().strip("'\"").strip()
    if plain.isdigit():
        return int(plain)
    seconds = 0.0
    rest = plain.replace(",", " ")
    while rest.strip():
        number, rest = _split_number(rest)
        end = 0
        while end < len(rest) and rest[end].isalpha():
            end += 1
        unit, rest = rest[:end].lower(), rest[end:]
        scale = _SECONDS.get(unit) or _SECONDS.get(unit[:-1] if unit.endswith("s") else unit)
        if not number or scale is None:
            raise WorkflowError(f"the resource runtime is {text!r}, which is not a time such as '2h' or '30m'")
        seconds += float(number) * scale
    return max(round(seconds / 60), 1)


def with_derived(resources):
    """The resources, with mem_mib and disk_mib added to mem_mb and disk_mb."""
    for kind in SIZED:
        value = resources.get(kind + "_mb")
        if isinstance(value, int) and kind + "_mib" not in resources:
            resources[kind + "_mib"] = mebibytes(value)
    return resources


def mebibytes(megabyte_count):
    return -int(-megabyte_count * 0.95367431640625 // 1)


def in_words(megabyte_count):
    for unit, size in (("TB", 10**6), ("GB", 10**3), ("MB", 1)):
        if megabyte_count >= size:
            return f"{megabyte_count / size:.2f}".rstrip("0").rstrip(".") + " " + unit
    return f"{megabyte_count} MB"


def temporary_folder():
    """The folder for temporary files, chosen as Python's tempfile does but without importing it."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        path = os.environ.get(name)
        if path and os.path.isdir(path) and os.access(path, os.W_OK):
            return os.path.abspath(path)
    for path in ("/tmp", "/var/tmp", "/usr/tmp"):
        if os.path.isdir(path) and os.access(path, os.W_OK):
            return path
    return os.getcwd()


# Stands for the folder of a node that nobody knows yet: the runner on the node puts its own there, as the engine's
# plan/node_folder.hpp says. Nothing can be made or read under this name.
NODE_FOLDER = "/dev/null/tmpdir-of-the-node"


class SystemFolder:
    """`system_tmpdir`, where a rule without the resource `tmpdir` has its temporary files."""

    is_of_the_node = False

    @classmethod
    def name(cls):
        return NODE_FOLDER if cls.is_of_the_node else temporary_folder()


def on_this_machine(folder):
    """The same resource for a job that runs here."""
    return folder.replace(NODE_FOLDER, temporary_folder()) if isinstance(folder, str) else folder


def from_expression(text, place=None):
    """A resource given as text: a number, an expression over input, attempt and the like, or a plain word.

    `place` is that of the option in a profile.
    """
    text = os.path.expandvars(text) if "$" in text else text
    plain = text.strip()
    if plain.lstrip("-").isdigit():
        return int(plain)
    try:
        code = compile(plain, "<resource>", "eval")
    except SyntaxError:
        return text
    if _EXPRESSION_NAMES & set(_all_names(code)):
        return _Expression(plain, code, place)
    return _Expression(plain, code, place).evaluate({})


def _all_names(code):
    names = list(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names += _all_names(constant)
    return names


class _Expression:
    """An expression that needs the job."""

    takes_all = True

    def __init__(self, text, code, place):
        self.text = text
        self.code = code
        self.place = place

    def __call__(self, wildcards, **known):
        return self.evaluate({"wildcards": wildcards, **known})

    def evaluate(self, known):
        names = {"system_tmpdir": SystemFolder.name(), **known}
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
            where = self.place and f" ({self.place})"
            raise WorkflowError(f"the resource {self.text!r}{where or ''} cannot be evaluated: {error}") from None
