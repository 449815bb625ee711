"""`use rule`: rules of a module, or a rule that is like another one, each with some directives of its own."""

from .errors import WorkflowError, did_you_mean
from .logger import logger
from .rule_builder import RuleBuilder
from .rules import Rule
from .scopes import Selection, folder_of

# What a rule does not inherit if the statement has a block: the directive, and what its absence means.
_NOT_INHERITED = {
    "localrule": ("localrule", False),
    "default_target": ("is_default_target", False),
    "cache": ("cache", None),
    "handover": ("handover", False),
}


class OverridesScope:
    """The `with` block that `use rule ... with:` is translated to."""

    def __init__(self, statement, overrides):
        self._statement = statement
        self._overrides = overrides

    def __enter__(self):
        return self._overrides

    def __exit__(self, kind, error, traceback):
        if error is None:
            self._statement.execute(self._overrides if self._overrides._given else None)
        return False


class Overrides:
    """What `__r` is in such a block: it keeps the directives until there is a rule."""

    def __init__(self, workflow, line, lines):
        self._workflow = workflow
        self._lines = lines
        self._file = str(workflow.included_stack[-1])
        self._paths = workflow.scope.paths
        # A rule without effect, which collects directives; rules repeat them.
        self._collector = RuleBuilder(Rule(None, self._file, line, workflow), workflow, lines)
        self._given = self._collector._rule.given

    def name(self, *ignored):
        logger.warning(f"{self._file}:{self._lines['name']}: name has no effect here; `as` gives the rule its name")

    def given_again(self, directive, line):
        return self._collector.given_again(directive, line)

    def __getattr__(self, directive):
        return getattr(self._collector, directive)

    def apply(self, rule):
        """To a rule that is complete otherwise."""
        for attribute, value in _NOT_INHERITED.values():
            setattr(rule, attribute, value)
        RuleBuilder(rule, self._workflow, {}).inherit(merged(rule.given, self._given, rule.name))


def merged(given, overrides, name):
    """The overrides. Of params, those without a name are replaced together, and those with a name one by one."""
    before, now = given.get("params"), overrides.get("params")
    if before is None or now is None:
        return overrides
    if before.args and now.args and len(before.args) != len(now.args):
        logger.warning(
            f"{now.file}:{now.line}: rule {name} has {len(before.args)} params without a name, which are replaced by "
            f"{len(now.args)}"
        )
    params = now.replaced(args=now.args or before.args, kwargs={**before.kwargs, **now.kwargs})
    return {**overrides, "params": params}


class UseStatement:
    """One `use rule` statement, at the moment when the Snakefile comes to it."""

    def __init__(self, workflow, names, module, excluded, pattern, line, frame):
        self._workflow = workflow
        self._names = names
        self._module = module
        self._excluded = excluded
        self._pattern = pattern
        self._line = line
        self._file = str(workflow.included_stack[-1])
        if module is not None:
            self._resolve(frame)

    def execute(self, overrides):
        if self._module is None:
            self._inherit(overrides)
        else:
            self._use_module(overrides)

    def _fail(self, message, hint=None):
        raise WorkflowError(message, file=self._file, line=self._line, hint=hint)

    # From a module.

    def _resolve(self, frame):
        """The module, and the names of its rules. Both may stand in variables, as in a loop over modules."""
        modules = self._workflow.scope.modules
        known = {**frame.f_globals, **frame.f_locals}
        variable = self._module
        if variable in modules:
            self._module = modules[variable]
            return
        if not isinstance(known.get(variable), str):
            near = did_you_mean(variable, modules)
            self._fail(
                f"there is no module named {variable} so far",
                f"did you mean {near}?" if near else f"`module {variable}:` declares it, above this line",
            )
        if known[variable] not in modules:
            self._fail(f"{variable} is {known[variable]!r} here, and no module has that name so far")
        self._module = modules[known[variable]]
        if self._pattern is not None:
            self._pattern = self._resolved_pattern(known)

    def _resolved_pattern(self, known):
        name, star = self._pattern.partition("*")[:2]
        if not isinstance(known.get(name), str) or self._pattern != name + star:
            self._fail(
                f"`as {self._pattern}`: the module stands in a variable, and so must the name: there is no text {name}",
                "such as `use rule * from module_name as alias*`, where alias is a variable too",
            )
        return known[name] + star

    def _use_module(self, overrides):
        selection = Selection(self._names, self._excluded, self._pattern, (self._file, self._line))
        scope = self._module.use(selection, overrides)
        unknown = selection.unknown()
        if unknown:
            self._report_unknown(unknown, selection)
        self._workflow.scope.take_rules(scope)

    def _report_unknown(self, unknown, selection):
        name = self._module.name
        near = did_you_mean(unknown[0], sorted(selection.seen))
        hint = f"did you mean {near}?" if near else "it has " + (", ".join(sorted(selection.seen)[:20]) or "no rules")
        if selection.wanted is not None:
            self._fail(f"the module {name} has no rule named {', '.join(unknown)}", hint)
        logger.warning(
            f"{self._file}:{self._line}: exclude names rules that the module {name} does not have: {', '.join(unknown)}"
        )

    # From the same Snakefile.

    def _inherit(self, overrides):
        base_name = self._names[0]
        rules = vars(self._workflow.scope.rules)
        if base_name not in rules:
            near = did_you_mean(base_name, rules)
            self._fail(
                f"there is no rule named {base_name} so far",
                f"did you mean {near}?" if near else "`use rule` comes after the rule that it uses",
            )
        name = self._pattern.replace("*", base_name)
        if name == base_name:
            self._fail(f"the rule {name} cannot be like itself", "`use rule ... as` gives the new rule another name")
        rule = self._copy(rules[base_name], name, overrides)
        self._workflow.define(rule, name)

    def _copy(self, base, name, overrides):
        rule = Rule(name, self._file, self._line, self._workflow)
        rule.basedir, rule.home = folder_of(self._file), base.home
        if rule.basedir != base.basedir:
            rule.inherited_basedir = base.basedir
        given = dict(base.given)
        if overrides is not None:
            given = {directive: one for directive, one in given.items() if directive not in _NOT_INHERITED}
            given.update(merged(base.given, overrides._given, name))
        RuleBuilder(rule, self._workflow, {}).inherit(given)
        if base.run_func is not None and rule.run_func is None:
            rule.run_func, rule.run_code = base.run_func, base.run_code
        return rule
