"""Names that only the engine of Snakemake could give: they can be imported, and say so by name when they are used."""

import os
import sys
from importlib.machinery import ModuleSpec

from .errors import NotYet, WorkflowError
from .logger import logger

# Modules below `snakemake` of which Furrow has nothing.
_MODULES = frozenset(
    "api benchmark caching checkpoints cli cwl decorators deployment executors gui jobs linting modules "
    "notebook output_index parser path_modifier pathvars persistence profiles report resources ruleinfo scheduler "
    "scheduling spawn_jobs stats target_jobs template_rendering unit_tests wrapper".split()
)
# Most modules of Snakemake import these for themselves, and others import them from there.
_IN_ALL = {"WorkflowError": WorkflowError, "logger": logger}


class _EngineOnlyType(type):
    """The type of a stand-in: fit for annotations, isinstance and as a base class, and for nothing else."""

    def _refuse(cls, *args, **kwargs):
        if cls.__base__ is not object:
            cls = cls.__base__
        raise NotYet(f"{cls.__module__}.{cls.__name__} belongs to the engine of Snakemake; Furrow does not have it")

    __call__ = __iter__ = __getitem__ = _refuse

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        cls._refuse()


def stand_in(module, name):
    if name in _IN_ALL:
        return _IN_ALL[name]
    if name.endswith(("Exception", "Error")):
        return type(name, (WorkflowError,), {"__module__": module})
    return _EngineOnlyType(name, (), {"__module__": module})


def stand_ins(module, names):
    """`__getattr__` for a module: these names, and no others."""
    known = frozenset(names.split())

    def find(name):
        if name not in known and name not in _IN_ALL:
            raise AttributeError(f"Furrow provides no {module}.{name}")
        made = sys.modules[module].__dict__[name] = stand_in(module, name)
        return made

    return find


class _Finder:
    """Makes modules that hold nothing but stand-ins."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        words = fullname.split(".")
        if words[0] != "snakemake" or len(words) < 2 or words[1] not in _MODULES:
            return None
        return ModuleSpec(fullname, _Finder, is_package=True)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        def find(name):
            if name.startswith("__"):
                raise AttributeError(name)
            made = module.__dict__[name] = stand_in(module.__name__, name)
            return made

        module.__getattr__ = find


def add_finder():
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)


def known_modules():
    """The names of the modules below `snakemake` that can be imported."""
    shims = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shims", "snakemake")
    found = {name.split(".")[0] for name in os.listdir(shims) if not name.startswith("_")}
    return sorted(found | _MODULES)


def is_engine_only(name):
    return name in _MODULES
