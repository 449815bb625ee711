"""Scopes: what the main Snakefile has of its own, and so has each module that it uses."""

import os
import sys

from .checkpoints import Checkpoints
from .rule_proxies import RuleProxies

_HOOKS = ("onstart", "onsuccess", "onerror")


class Namespace(type(sys)):
    """The names of a Snakefile, as a module of Python. `m.onstart()` runs the hook of the module m."""

    def __getattr__(self, name):
        if name in _HOOKS:
            found = hooks_of(self.__dict__).get(name)
            if found is not None:
                return lambda log=None: found(log or self.__dict__["workflow"].hook_log)
        raise AttributeError(f"{self.__name__.rpartition('.')[2]} has no name {name}")


def hooks_of(names):
    """Hooks by kind; the last one of each kind counts."""
    return {name.split("_")[4]: value for name, value in names.items() if name.startswith("__furrow_hook_")}


class Scope:
    """The main Snakefile, or one use of a module.

    Rules have two names: the one that their own Snakefile gives them, and the one that they have in the workflow. In
    between may be several modules, each of which chooses among the rules of the next one and renames them.
    """

    def __init__(self, workflow, name, names, parent=None, module=None, selection=None, overrides=None):
        self.workflow = workflow
        self.parent = parent
        self.selection = selection
        self.overrides = overrides
        self.rules = RuleProxies() if module is None else module.rules
        self.modules = {}
        self.included = set()
        self.constraints = {}
        self.default_flags = {"input": None, "output": None}
        self.container_img, self.is_containerized = None, False
        if parent is not None:
            self.container_img, self.is_containerized = parent.container_img, parent.is_containerized
        self.paths = None if module is None else module.paths
        self._pathvars = None if module is None else module.pathvars_for_use()
        self.reads_configfiles = module is None or not module.has_config
        self.skip_validation = module is not None and module.skip_validation
        self.wrapper_tag = None if module is None else module.wrapper_tag
        self.name = name
        self.namespace = Namespace(name)
        sys.modules[name] = self.namespace
        self.names = self.namespace.__dict__
        self.names.update(names)
        self.names["rules"] = self.rules
        self.names["checkpoints"] = Checkpoints(self.rules, workflow.finished_checkpoints)

    @property
    def pathvars(self):
        if self._pathvars is None:
            from .pathvars import Pathvars

            self._pathvars = Pathvars()
        return self._pathvars

    def take_pathvars_of(self, config):
        """A config may have a section of them."""
        if isinstance(config, dict) and config.get("pathvars"):
            self.pathvars.update_from_config(config)

    # Names that Snakefiles know from `workflow.modifier`.

    @property
    def is_module(self):
        return self.parent is not None

    @property
    def skip_configfile(self):
        return not self.reads_configfiles

    @property
    def globals(self):
        return self.names

    def final_name(self, name):
        """The name in the workflow of a rule that has this name here; None if it is not used there."""
        if self.selection is None:
            return name
        chosen = self.selection.name_of(name)
        return None if chosen is None else self.parent.final_name(chosen)

    def place_of_use(self):
        """File and line of the outermost `use rule` statement that brings its rules."""
        return self.selection.place if self.parent.selection is None else self.parent.place_of_use()

    def may_replace(self):
        """Whether its rules may take the place of those that `use rule *` has brought."""
        return self.selection is not None and (self.selection.replaces or self.parent.may_replace())

    def depth_of(self, path):
        """How many modules around this one are of the same Snakefile."""
        count, scope = 0, self
        while scope is not None:
            count += path in scope.included
            scope = scope.parent
        return count

    def take_rules(self, inner):
        """Makes the rules of a module known as `rules.x`.

        Those that are not used can be named too, so that their patterns can; they hide none that is.
        """
        known = vars(self.rules)
        for name, rule in vars(inner.rules).items():
            chosen = inner.selection.name_of(name)
            if chosen is not None:
                known[chosen] = rule
            elif inner.selection.renames_all():
                known.setdefault(inner.selection.renamed(name), rule)


class Selection:
    """Which rules of a module are used, and under which names: `use rule a, b from m exclude c as x_*`."""

    def __init__(self, names, excluded, pattern, place):
        self.place = place  # file and line of the statement
        self.wanted = None if "*" in names else set(names)
        self.excluded = set(excluded)
        self._pattern = pattern
        self.replaces = False
        self.seen = set()

    def name_of(self, name):
        self.seen.add(name)
        is_used = name not in self.excluded if self.wanted is None else name in self.wanted
        return self.renamed(name) if is_used else None

    def renamed(self, name):
        return name if self._pattern is None else self._pattern.replace("*", name)

    def renames_all(self):
        return self._pattern is None or "*" in self._pattern

    def unknown(self):
        """The names that the module does not have, sorted."""
        return sorted((self.wanted or self.excluded) - self.seen)


def folder_of(path):
    return os.path.dirname(str(path))
