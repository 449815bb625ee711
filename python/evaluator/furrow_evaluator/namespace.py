"""The names that a Snakefile finds in its namespace. Modules that cost time are imported only where the text speaks of them."""

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

# name: (module, attribute or None for the module itself)
kLazyNames = {
    name: (name, None)
    for name in "copy json glob subprocess hashlib platform tempfile tarfile threading dis linecache signal urllib shutil math".split()
}
kLazyNames.update(
    Path=("pathlib", "Path"),
    PosixPath=("pathlib", "PosixPath"),
    Iterator=("collections.abc", "Iterator"),
    Mapping=("collections.abc", "Mapping"),
    ThreadPoolExecutor=("concurrent.futures", "ThreadPoolExecutor"),
    dataclass=("dataclasses", "dataclass"),
    field=("dataclasses", "field"),
    attrgetter=("operator", "attrgetter"),
    snakemake=("snakemake", None),
)
kLazyNames.update({name: ("typing", name) for name in "Callable Dict Iterable List Optional Set Union DefaultDict".split()})
del kLazyNames["math"], kLazyNames["shutil"], kLazyNames["glob"]


def base_names():
    names = {
        "os": os, "re": re, "sys": sys, "OrderedDict": OrderedDict, "namedtuple": namedtuple, "partial": partial, "chain": chain,
        "filterfalse": filterfalse, "shell": shell, "logger": logger, "expand": patterns.expand, "collect": patterns.expand,
        "multiext": patterns.multiext, "glob_wildcards": patterns.glob_wildcards, "access": flags.AccessPatterns(),
        "WorkflowError": WorkflowError, "WildcardError": WildcardError, "update_config": update_config, "cluster_config": {},
    }  # fmt: skip
    for name in (
        "ancient directory temp temporary protected touch ensure unpack repeat local report pipe service from_queue update before_update dynamic flag"
    ).split():
        names[name] = getattr(flags, name)
    names.update(helpers.namespace())
    return names


def add_mentioned(names, text):
    """Imports what the text mentions. A name that stands only in a comment costs a little time and nothing else."""
    for name, (module, attribute) in kLazyNames.items():
        if name in text and name not in names:
            try:
                __import__(module)
            except ImportError:
                continue
            found = sys.modules[module]
            names[name] = getattr(found, attribute) if attribute else sys.modules[module.split(".")[0]]
