"""The names in the namespace of a Snakefile. Slow modules are imported only if its text mentions them."""

import os
import re
import sys
from collections import OrderedDict, namedtuple
from functools import partial
from itertools import chain, filterfalse

from . import flags, helpers, patterns
from .config import update_config
from .errors import WildcardError, WorkflowError
from .logger import logger
from .shell import shell

_FLAG_NAMES = (
    "ancient directory temp temporary protected touch ensure unpack repeat local report pipe service from_queue update "
    "before_update dynamic flag".split()
)
_TYPING_NAMES = "Callable DefaultDict Dict Iterable List Optional Set Union".split()
# name: (module, attribute or None for the module itself)
_LAZY_NAMES = {
    name: (name, None)
    for name in "copy json subprocess hashlib platform tempfile tarfile threading dis linecache signal urllib".split()
}
_LAZY_NAMES.update(
    Path=("pathlib", "Path"),
    PosixPath=("pathlib", "PosixPath"),
    Iterator=("collections.abc", "Iterator"),
    Mapping=("collections.abc", "Mapping"),
    ThreadPoolExecutor=("concurrent.futures", "ThreadPoolExecutor"),
    dataclass=("dataclasses", "dataclass"),
    field=("dataclasses", "field"),
    attrgetter=("operator", "attrgetter"),
    snakemake=("snakemake", None),
    storage=("furrow_evaluator.remote_files", "storage"),
)
_LAZY_NAMES.update((name, ("typing", name)) for name in _TYPING_NAMES)
_SETTINGS_NAMES = "DeploymentMethod RerunTrigger SharedFSUsage".split()
_LAZY_NAMES.update((name, ("snakemake.settings.types", name)) for name in _SETTINGS_NAMES)


def base_names():
    names = {
        "os": os,
        "re": re,
        "sys": sys,
        "OrderedDict": OrderedDict,
        "namedtuple": namedtuple,
        "partial": partial,
        "chain": chain,
        "filterfalse": filterfalse,
        "shell": shell,
        "logger": logger,
        "expand": patterns.expand,
        "collect": patterns.expand,
        "multiext": patterns.multiext,
        "glob_wildcards": patterns.glob_wildcards,
        "access": flags.AccessPatterns(),
        "WorkflowError": WorkflowError,
        "WildcardError": WildcardError,
        "update_config": update_config,
        "cluster_config": {},
    }
    names.update((name, getattr(flags, name)) for name in _FLAG_NAMES)
    names.update(helpers.namespace())
    return names


def add_mentioned(names, text):
    """Imports what the text mentions. A name that is only in a comment costs a little time and nothing else."""
    for name, (module, attribute) in _LAZY_NAMES.items():
        if name in text and name not in names:
            try:
                __import__(module)
            except ImportError:
                continue
            found = sys.modules[module]
            names[name] = getattr(found, attribute) if attribute else sys.modules[module.split(".")[0]]
