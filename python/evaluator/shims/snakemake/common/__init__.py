"""Small facts and helpers that Snakefiles ask for."""

import os
import sys

from furrow_evaluator.rule_proxies import RuleProxies as Rules
from snakemake import __version__

__all__ = [
    "__version__", "async_run", "bytesto", "dict_to_key_value_args", "DYNAMIC_FILL", "expand_vars_and_user", "Gather",
    "get_appdirs", "get_container_image", "get_file_hash", "get_function_params", "get_input_function_aux_params",
    "get_last_stable_version", "get_uuid", "group_into_chunks", "is_local_file", "is_namedtuple_instance",
    "lazy_property", "mb_to_mib", "mib_to_mb", "MIN_PY_VERSION", "Mode", "NOTHING_TO_BE_DONE_MSG",
    "num_if_possible", "ON_MACOS", "ON_WINDOWS", "overwrite_function_params", "parse_key_value_arg", "parse_uri",
    "Rules", "Scatter", "set_env", "smart_join", "SNAKEFILE_CHOICES", "strip_prefix", "unique_justseen",
]

MIN_PY_VERSION = (3, 9)
ON_WINDOWS = False
ON_MACOS = sys.platform == "darwin"
DYNAMIC_FILL = "__snakemake_dynamic__"
NOTHING_TO_BE_DONE_MSG = "Nothing to be done (all requested files are present and up to date)."
SNAKEFILE_CHOICES = ["Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile"]
IO_PROP_LIMIT = 100
RULEFUNC_CONTEXT_MARKER = "__is_snakemake_rule_func"


class Mode:
    default, subprocess, cluster = 0, 1, 2


class Scatter:
    """A namespace for `scatter`."""


class Gather:
    """A namespace for `gather`."""


def __getattr__(name):
    if name == "UUID_NAMESPACE":
        import uuid

        return uuid.uuid5(uuid.NAMESPACE_URL, "https://snakemake.readthedocs.io")
    raise AttributeError(f"Furrow provides no snakemake.common.{name}")


def async_run(awaitable):
    """The result of a coroutine, or of anything else that can be awaited."""
    import asyncio

    async def wait():
        return await awaitable

    return asyncio.run(wait())


class lazy_property(property):  # noqa: N801
    """A property that is computed once."""

    def __init__(self, method):
        super().__init__(method)
        self.cached = f"_{method.__name__}"

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        if self.cached not in instance.__dict__:
            instance.__dict__[self.cached] = self.fget(instance)
        return instance.__dict__[self.cached]


def is_local_file(path):
    return "://" not in str(path) or str(path).startswith("file:")


def parse_uri(path_or_uri):
    from collections import namedtuple

    text = str(path_or_uri)
    scheme, _, path = text.partition("://") if "://" in text else ("file", "", text)
    return namedtuple("Uri", ["scheme", "uri_path"])(scheme, path)


def smart_join(base, path, abspath=False):
    base, path = str(base), str(path)
    if not is_local_file(path) or os.path.isabs(path):
        return path
    joined = f"{base}/{path}" if not is_local_file(base) else os.path.join(base, path)
    return os.path.abspath(joined) if abspath and is_local_file(base) else joined


def num_if_possible(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def mb_to_mib(size):
    return -int(-size * 0.95367431640625 // 1)


def mib_to_mb(size):
    return -int(-size / 0.95367431640625 // 1)


def bytesto(size, to, bsize=1024):
    return float(size) / bsize ** ("kmgtpe".index(to) + 1)


def get_uuid(name):
    import uuid

    return uuid.uuid5(__getattr__("UUID_NAMESPACE"), name)


def get_file_hash(filename, algorithm="sha256"):
    import hashlib

    made = hashlib.new(algorithm)
    with open(filename, "rb") as file:
        for data in iter(lambda: file.read(1 << 20), b""):
            made.update(data)
    return made.hexdigest()


def get_appdirs():
    from types import SimpleNamespace

    home = os.path.expanduser("~")

    def folder(variable, default):
        return os.path.join(os.environ.get(variable) or os.path.join(home, default), "snakemake")

    return SimpleNamespace(
        user_cache_dir=folder("XDG_CACHE_HOME", ".cache"),
        user_config_dir=folder("XDG_CONFIG_HOME", ".config"),
        user_data_dir=folder("XDG_DATA_HOME", os.path.join(".local", "share")),
        site_config_dir="/etc/xdg/snakemake",
    )


def get_last_stable_version():
    return __version__


def get_container_image():
    return f"snakemake/snakemake:v{__version__}"


def strip_prefix(text, prefix):
    return text[len(prefix) :] if text.startswith(prefix) else text


def group_into_chunks(n, iterable):
    from itertools import islice

    items = iter(iterable)
    while chunk := tuple(islice(items, n)):
        yield chunk


def unique_justseen(iterable, key=None):
    from itertools import groupby

    return (next(group) for _, group in groupby(iterable, key))


def parse_key_value_arg(arg, errmsg, strip_quotes=True):
    key, sign, value = arg.partition("=")
    if not sign:
        raise ValueError(f"{errmsg} (in {arg!r})")
    return key, value.strip("'\"") if strip_quotes else value


def dict_to_key_value_args(values, quote_str=True, repr_obj=False):
    def shown(value):
        return f"'{value}'" if quote_str and isinstance(value, str) else repr(value) if repr_obj else str(value)

    return [f"{key}={shown(value)}" for key, value in values.items()]


def get_function_params(func):
    from inspect import signature

    return getattr(func, "_overwrite_params", None) or signature(func).parameters


def overwrite_function_params(func, params):
    """Says with which arguments a function is to be called."""
    func._overwrite_params = params


def get_input_function_aux_params(func, candidate_params):
    known = get_function_params(func)
    return {name: value for name, value in candidate_params.items() if name in known}


def set_env(**variables):
    from contextlib import contextmanager

    @contextmanager
    def changed():
        kept = dict(os.environ)
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(kept)

    return changed()


def expand_vars_and_user(value):
    return None if value is None else os.path.expanduser(os.path.expandvars(str(value)))


def is_namedtuple_instance(value):
    return isinstance(value, tuple) and hasattr(value, "_fields")


def get_report_id(path):
    from hashlib import sha256

    return sha256(str(path).encode()).hexdigest()


def log_location(message):
    from snakemake.logging import logger

    frame = sys._getframe(1)
    logger.debug(f"{frame.f_code.co_filename} {frame.f_code.co_name} {frame.f_lineno}: {message}")


def func_true(job):
    return True
