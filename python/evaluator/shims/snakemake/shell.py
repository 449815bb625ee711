"""shell(...)."""

import sys

from furrow_evaluator.shell import shell

__all__ = ["shell"]


class _CallableModule(type(sys)):
    """`from snakemake import shell` names the function in version 7 of the language, and this module otherwise."""

    def __call__(self, *args, **kwargs):
        return shell(*args, _frames=1, **kwargs)

    def __getattr__(self, name):
        return getattr(shell, name)


sys.modules[__name__].__class__ = _CallableModule
