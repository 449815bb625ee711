"""`module`: another workflow, whose rules `use rule` takes."""

import os

from .errors import WorkflowError
from .path_prefix import path_prefix
from .pathvars import Pathvars
from .rule_proxies import RuleProxies
from .scopes import Scope
from .source_files import SourceFile, is_remote, shown_place

_MAX_DEPTH = 10
# Names that a Snakefile needs itself: a module takes the place of what else has its name.
_RESERVED = frozenset("workflow config rules checkpoints shell expand __furrow__".split())


class ModuleScope:
    """The `with` block that `module NAME:` is translated to, and `__r` within: one method for each directive."""

    def __init__(self, workflow, name, line):
        self._workflow = workflow
        self._given = {"name": name}
        self._line = line

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            file = str(self._workflow.included_stack[-1])
            try:
                module = Module(self._workflow, file, self._line, **self._given)
            except WorkflowError as failed:
                failed.file, failed.line = failed.file or file, failed.line or self._line
                raise
            self._workflow.scope.modules[module.name] = module
        return False

    def doc(self, text):
        """A docstring says nothing to the engine."""

    def __getattr__(self, directive):
        if directive.startswith("_"):
            raise AttributeError(directive)

        def give(*args, **kwargs):
            if len(args) != 1 or kwargs:
                raise WorkflowError(f"{directive} of a module takes one value")
            self._given[directive] = args[0]

        return give

    def given_again(self, directive, line):
        raise WorkflowError(f"{directive} is given twice in a module")

    def pathvars(self, *args, **items):
        if args:
            raise WorkflowError('pathvars takes names, as in `pathvars: results="out"`')
        self._given["pathvars"] = items


class Module:
    """One `module` statement. It is read anew whenever rules of it are used."""

    def __init__(
        self,
        workflow,
        file,
        line,
        name,
        snakefile=None,
        meta_wrapper=None,
        config=None,
        skip_validation=False,
        prefix=None,
        replace_prefix=None,
        pathvars=None,
    ):
        self._workflow = workflow
        self.file, self.line = file, line
        self.name = _checked_name(name)
        self._snakefile = snakefile
        self._meta_wrapper = meta_wrapper
        self._config = config
        self.has_config = config is not None
        self.skip_validation = bool(skip_validation)
        self.paths = path_prefix(*_checked_prefixes(prefix, replace_prefix), workflow.scope.paths)
        self.pathvars = Pathvars(workflow.scope.pathvars)
        if pathvars:
            self.pathvars.update(pathvars, Pathvars.MODULE)
        self.pathvars.update_from_config(config, Pathvars.MODULE)
        self.wrapper_tag = _wrapper_tag(meta_wrapper)
        self.rules = RuleProxies()
        self._taken_whole = []  # selections of `use rule *`
        self._specialised = set()

    def pathvars_for_use(self):
        return Pathvars(self.pathvars)

    def use(self, selection, overrides):
        """Runs the module's Snakefile; its rules go where the selection says."""
        self._check_specialised(selection)
        path = self._source()
        outer = self._workflow.scope
        if outer.depth_of(path) > _MAX_DEPTH:
            raise WorkflowError(
                f"the module {self.name} uses itself without end: {path}", file=self.file, line=self.line
            )
        names = self._workflow.vanilla_names(path, self._config if self.has_config else {})
        scope = Scope(self._workflow, f"{outer.name}.{self.name}", names, outer, self, selection, overrides)
        outer.names[self.name] = scope.namespace
        self._workflow.read_module(scope, path)
        return scope

    def _check_specialised(self, selection):
        """A rule that `use rule *` has brought may be replaced under its name, once."""
        if selection.wanted is None:
            self._taken_whole.append(selection)
            return
        replaced = set()
        for name in selection.wanted:
            final = selection.renamed(name)
            if not any(whole.renamed(name) == final for whole in self._taken_whole):
                continue
            if (name, final) in self._specialised:
                raise WorkflowError(
                    f"the rule {name} of module {self.name} is specialised twice under the name {final}",
                    hint="`use rule ... as` gives the second one another name",
                )
            self._specialised.add((name, final))
            replaced.add(name)
        selection.replaces = replaced == selection.wanted

    def _source(self):
        if self._meta_wrapper is not None:
            return self._meta_wrapper_source()
        path = self._workflow.local_source(self._snakefile, f"module {self.name}")
        if not os.path.isfile(path):
            raise WorkflowError(
                f"the snakefile {self._snakefile} of module {self.name} is not there (looked at {shown_place(path)})",
                file=self.file,
                line=self.line,
                hint="a relative path starts at the folder of the file with the `use rule` statement",
            )
        return path

    def _meta_wrapper_source(self):
        """A meta-wrapper is a folder beside the wrappers, or at the place that a URL names."""
        from .wrappers import file_in, hint_for, source_of

        text, prefix = str(self._meta_wrapper).rstrip("/"), self._workflow.wrapper_prefix
        found = file_in(source_of(text, prefix), ("meta_wrapper.smk", "test/Snakefile"), prefix, text)
        if found is None:
            raise WorkflowError(
                f"the meta-wrapper {text} of module {self.name} has neither meta_wrapper.smk nor test/Snakefile",
                file=self.file,
                line=self.line,
                hint=hint_for(prefix, text),
            )
        return found


def _checked_name(name):
    if not isinstance(name, str) or not name:
        raise WorkflowError(f"the name of a module is a text, not {name!r}")
    if name in _RESERVED:
        raise WorkflowError(f"a module cannot be named {name}, since Snakefiles need that name themselves")
    return name


def _checked_prefixes(prefix, replacements):
    if prefix is not None and replacements is not None:
        raise WorkflowError("a module takes one of prefix and replace_prefix")
    if prefix is not None and not (isinstance(prefix, str) or hasattr(prefix, "__fspath__")):
        raise WorkflowError(f"the prefix of a module is a folder, not {prefix!r}")
    if replacements is not None and not (
        isinstance(replacements, dict)
        and all(isinstance(key, str) and isinstance(value, str) for key, value in replacements.items())
    ):
        raise WorkflowError('replace_prefix takes a dict of texts, as in `replace_prefix: {"results/": "out/"}`')
    return None if prefix is None else str(prefix), replacements


def _wrapper_tag(meta_wrapper):
    """The version that stands for master/ in the wrappers of an old meta-wrapper."""
    if meta_wrapper is None or isinstance(meta_wrapper, SourceFile) or is_remote(str(meta_wrapper)):
        return None
    tag = str(meta_wrapper).partition("/")[0]
    major = tag.lstrip("v").partition(".")[0]
    return None if not tag or (major.isdigit() and int(major) >= 8) else tag
