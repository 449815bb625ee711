"""Translates a Snakefile to Python by edits at positions of the original text, so that every line keeps its number.

    rule a:                  with __furrow__.rule("a", 1, None, {"input": 3}) as __r:
        "says what"              __r.doc("says what")
        input: "x",              __r.input( "x",
               y="z"                    y="z")
        run:                     def __furrow_run_0_5(input, output, ...):
            f(input)                 f(input)
    include: "b.smk"         __furrow__.include( "b.smk")

The closing parenthesis comes right after the last token of a directive, before any comment. All other text stays as it
is.
"""

import tokenize
from token import COMMENT, DEDENT, ENCODING, ENDMARKER, INDENT, NAME, NEWLINE, NL, OP, STRING

from .errors import SnakefileSyntaxError, did_you_mean
from .token_reader import TokenReader

_FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
_FSTRING_END = getattr(tokenize, "FSTRING_END", -1)

_RULE_DIRECTIVES = frozenset(
    "name input output params threads resources retries priority log message benchmark conda singularity container "
    "containerized envmodules wildcard_constraints shadow group cache handover default_target localrule pathvars "
    "version run shell script notebook wrapper template_engine cwl".split()
)
_GLOBAL_DIRECTIVES = frozenset(
    "include workdir configfile envvars pathvars pepfile pepschema report wildcard_constraints singularity container "
    "containerized conda scattergather inputflags outputflags resource_scopes storage".split()
)
_HOOKS = frozenset(["onstart", "onsuccess", "onerror"])
_BLOCKS = frozenset(["rule", "checkpoint", "module", "subworkflow"])
_RUN_ARGUMENTS = (
    "input, output, params, wildcards, threads, resources, log, rule, conda_env=None, container_img=None, "
    "singularity_args='', use_singularity=False, env_modules=None, bench_record=None, jobid=None, is_shell=False, "
    "bench_iteration=None, cleanup_scripts=True, shadow_dir=None, edit_notebook=None, conda_base_path=None, "
    "basedir=None"
)
_COMPOUND = frozenset("if else elif for while try except finally with".split())
_STATEMENTS = frozenset("if else for while def import from pass return with try".split())
_WORDS_WITHIN = frozenset("in is if and or not else for".split())  # after a name, within an expression
_ACTIONS = frozenset("run shell script notebook wrapper template_engine cwl".split())
_OVERRIDES = _RULE_DIRECTIVES - _ACTIONS
_MODULE_DIRECTIVES = frozenset(
    "name snakefile meta_wrapper config skip_validation replace_prefix prefix pathvars".split()
)
_MAY_BE_FUNCTIONS = ("input", "params", "threads", "resources", "priority")
_SKIPPED = frozenset([NL, COMMENT])


class _Translation:
    """The Python text, and the text that identifies the code of each `run:` block, by the name of its function."""

    def __init__(self, text, runs):
        self.text = text
        self.runs = runs


def translate(text, filename, index=0):
    return _Translator(text, filename, index).translate()


class _Translator:
    def __init__(self, text, filename, index):
        self._filename = filename
        self._index = index
        self._lines = text.split("\n")
        self._edits = []
        self._runs = {}
        self._tokens = TokenReader(self.fail).read(text)

    def translate(self):
        at = 0
        line_start = True
        one_line = False  # whether a statement may follow a colon on this line, as in `if x: include: "y"`
        depth = 0
        tokens = self._tokens
        while tokens[at][0] != ENDMARKER:
            kind, word = tokens[at][0], tokens[at][1]
            if kind == NEWLINE:
                line_start = True
                one_line = False
            elif kind not in (NL, COMMENT, INDENT, DEDENT, ENCODING):
                if line_start and (kind == NAME or word == "@"):
                    after = self.statement(at) if kind == NAME else self.decorator(at)
                    if after is not None:
                        at = after
                        continue
                    one_line = one_line or word in _COMPOUND
                line_start = False
                if kind == OP:
                    depth += (word in "([{") - (word in ")]}")
                    line_start = one_line and depth == 0 and word == ":"
                elif word == "lambda":
                    one_line = False
            at += 1
        return _Translation(self.apply_edits(), self._runs)

    def fail(self, message, line, hint=None):
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        raise SnakefileSyntaxError(message, self._filename, line, text, hint)

    def fail_at(self, at, message, hint=None):
        self.fail(message, self._tokens[at][2][0], hint)

    def is_op(self, at, word):
        return self._tokens[at][0] == OP and self._tokens[at][1] == word

    def skip_blank(self, at):
        while self._tokens[at][0] in _SKIPPED:
            at += 1
        return at

    # Statements. Each method returns the index after what it has translated, or None if the line is plain Python.

    def statement(self, at):
        word = self._tokens[at][1]
        if word in _BLOCKS:
            return self.block_statement(at)
        if word == "use" and self._tokens[at + 1][1] == "rule" and self._tokens[at + 1][0] == NAME:
            return self.use_rule(at)
        if word == "storage" and self._tokens[at + 1][0] == NAME and self.is_op(at + 2, ":"):
            return self.call(at, at + 2, "__furrow__.storage(")
        if not self.is_op(at + 1, ":"):
            return None
        if word in _GLOBAL_DIRECTIVES:
            return self.call(at, at + 1, f"__furrow__.{word}(")
        if word in _HOOKS:
            name = f"__furrow_hook_{word}_{self._index}_{self._tokens[at][2][0]}"
            return self.function(at, at + 1, f"def {name}(log):")
        if word in ("localrules", "ruleorder"):
            return self.name_list(at, word)
        return self.check_unknown(at)

    def check_unknown(self, at):
        """A misspelt directive may look like Python: `configfil: "x"` is a name with a type, which does nothing."""
        after = self.skip_blank(at + 2)
        is_block = self._tokens[after][0] == NEWLINE
        if self._tokens[at][2][1] > 0 or not is_block and self._tokens[after][0] not in (STRING, _FSTRING_START):
            return None
        word = self._tokens[at][1]
        near = did_you_mean(word, _GLOBAL_DIRECTIVES | _HOOKS | _BLOCKS | {"localrules", "ruleorder"})
        end = after
        while self._tokens[end][0] not in (NEWLINE, ENDMARKER):
            if self.is_op(end, "="):
                return None
            end += 1
        if near and word not in _COMPOUND:
            self.fail_at(at, f"unknown directive {word}", f"did you mean `{near}:`?")
        return None

    def decorator(self, at):
        """A decorator above a rule. Above a function or a class it is plain Python."""
        after = at
        while self.is_op(after, "@"):
            after = self.end_of_line(after)
        if not (self._tokens[after][0] == NAME and self._tokens[after][1] in ("rule", "checkpoint")):
            return None
        last, after = self.extent(at + 1)
        self.replace(at, at, "__furrow__.decorator(")
        self.insert(self._tokens[last][3], ")")
        return after

    def end_of_line(self, at):
        """The index of the first token of the next statement."""
        while self._tokens[at][0] not in (NEWLINE, ENDMARKER):
            at += 1
        return self.skip_blank(at + 1) if self._tokens[at][0] == NEWLINE else at

    def block_statement(self, at):
        """`rule NAME:` and the like. A name where Python allows none shows that a block is meant."""
        word = self._tokens[at][1]
        name = None
        colon = at + 1
        if self._tokens[at + 1][0] == NAME and self._tokens[at + 1][1] not in _WORDS_WITHIN:
            name = self._tokens[at + 1][1]
            colon = at + 2
        if not self.is_op(colon, ":"):
            return self.check_block_head(at, name, colon)
        if word in ("rule", "checkpoint"):
            return self.rule(at, colon, name)
        if word == "module":
            return self.module(at, colon, name)
        after = self.directives(colon, "%s %s" % (word, name or ""), None, None)
        self.replace(at, colon, f"with __furrow__.not_yet({word!r}, {name!r}) as __r:" + self.pass_if_empty(colon))
        return after

    def module(self, at, colon, name):
        owner = f"module {name}" if name else "module"
        found = {}
        after = self.directives(colon, owner, _MODULE_DIRECTIVES, found)
        if (name is None) == ("name" not in found):
            what = "has no name" if name is None else "has two names"
            self.fail_at(at, f"{owner} {what}", "write `module NAME:`, or give it `name:` if its name is in a variable")
        if "snakefile" not in found and "meta_wrapper" not in found:
            self.fail_at(at, f"{owner} needs a snakefile", 'say where it is, as in `snakefile: "other/Snakefile"`')
        head = f"with __furrow__.module({name!r}, {self._tokens[at][2][0]}) as __r:"
        self.replace(at, colon, head + self.pass_if_empty(colon))
        return after

    def check_block_head(self, at, name, colon):
        word = self._tokens[at][1]
        if name is not None:
            self.fail_at(at, f"expected ':' after the name of the {word}", f"write it as `{word} {name}:`")
        if self._tokens[at + 1][0] in (tokenize.NUMBER, STRING, _FSTRING_START):
            self.fail_at(
                at, f"the name of a {word} must consist of letters, digits and _, and must not start with a digit"
            )
        if self._tokens[at + 1][0] in (NEWLINE, COMMENT) and word != "module":
            self.fail_at(at, f"expected a name or ':' after {word}")
        return None

    def rule(self, at, colon, name):
        word, line = self._tokens[at][1], self._tokens[at][2][0]
        found = {}
        after = self.directives(colon, f"{word} {name}" if name else word, _RULE_DIRECTIVES, found)
        run = found.get("run")
        lines = {word: found[word] for word in _MAY_BE_FUNCTIONS if word in found}
        head = f"with __furrow__.{word}({name!r}, {line}, {run!r}, {lines!r}) as __r:"
        self.replace(at, colon, head + self.pass_if_empty(colon))
        return after

    def pass_if_empty(self, colon):
        """A block without a body is legal in the language but not in Python."""
        at = self.skip_blank(colon + 1)
        if self._tokens[at][0] == NEWLINE:
            at = self.skip_blank(at + 1)
            if self._tokens[at][0] != INDENT:
                return " pass"
        elif self._tokens[at][0] == ENDMARKER:
            return " pass"
        return ""

    def directives(self, colon, owner, known, found):
        """The body of a block: one directive or docstring per line, until the indentation ends."""
        tokens = self._tokens
        at = self.skip_blank(colon + 1)
        if tokens[at][0] == ENDMARKER:
            return at
        if tokens[at][0] != NEWLINE:
            return self.directive(at, owner, known, found)
        at = self.skip_blank(at + 1)
        if tokens[at][0] != INDENT:
            return at
        at = self.skip_blank(at + 1)
        while tokens[at][0] not in (DEDENT, ENDMARKER):
            at = self.skip_blank(self.directive(at, owner, known, found))
        return at + 1 if tokens[at][0] == DEDENT else at

    def directive(self, at, owner, known, found):
        kind, word = self._tokens[at][0], self._tokens[at][1]
        if kind == STRING:
            return self.docstring(at)
        if kind == INDENT:
            self.fail_at(at, "unexpected indent")
        if kind != NAME or word in _STATEMENTS:
            self.fail_at(
                at,
                f"expected a directive such as `input:` in {owner}, found '{word}'",
                "Python statements belong outside of rules",
            )
        if known is not None and word not in known:
            self.fail_unknown(at, owner, known)
        if not self.is_op(at + 1, ":"):
            self.fail_at(at, f"expected ':' after {word} in {owner}")
        if found is not None:
            if word in found and word not in _ACTIONS:
                return self.call(at, at + 1, f"__r.given_again({word!r}, {self._tokens[at][2][0]})(")
            if word in _ACTIONS and any(other in _ACTIONS for other in found):
                self.fail_at(at, f"{owner} has more than one of run, shell and script")
            actions = [other for other in found if other in _ACTIONS]
            if actions:
                self.fail_at(
                    at,
                    f"{word} comes after {actions[0]} in {owner}",
                    f"{actions[0]} must be the last directive of a rule",
                )
            found[word] = self._tokens[at][2][0]
        if word == "run" and known is not None:
            found["run"] = name = f"__furrow_run_{self._index}_{self._tokens[at][2][0]}"
            after = self.function(at, at + 1, f"def {name}({_RUN_ARGUMENTS}):")
            self._runs[name] = self.code_text(at + 2, after)
            return after
        return self.call(at, at + 1, f"__r.{word}(")

    def fail_unknown(self, at, owner, known):
        word = self._tokens[at][1]
        if word in _ACTIONS and known is _OVERRIDES:
            hint = "the command is that of the rule that is used; its input, output, params and so on can be replaced"
            self.fail_at(at, f"{word} cannot be replaced in {owner}", hint)
        near = did_you_mean(word, sorted(known))
        what = "a module" if known is _MODULE_DIRECTIVES else "a rule"
        hint = f"did you mean `{near}:`?" if near else f"{what} has " + ", ".join(sorted(known))
        self.fail_at(at, f"unknown directive {word} in {owner}", hint)

    def docstring(self, at):
        last = at
        while self._tokens[last + 1][0] not in (NEWLINE, ENDMARKER):
            last += 1
            if self._tokens[last][0] not in (STRING, NL, COMMENT):
                self.fail_at(last, "expected a directive or a docstring")
        while self._tokens[last][0] in _SKIPPED:
            last -= 1
        self.insert(self._tokens[at][2], "__r.doc(")
        self.insert(self._tokens[last][3], ")")
        while self._tokens[at][0] not in (NEWLINE, ENDMARKER):
            at += 1
        return at + 1 if self._tokens[at][0] == NEWLINE else at

    def call(self, at, colon, text):
        """`word: arguments` becomes a call whose parenthesis closes after the last argument."""
        last, after = self.extent(colon + 1)
        self.check_swallowed(at, colon, after)
        self.replace(at, colon, text if last is not None else text + ")")
        if last is not None:
            self.insert(self._tokens[last][3], ")")
        return after

    def check_swallowed(self, at, colon, after):
        """A directive that is indented deeper than the one before it would become one of its arguments."""
        for index in range(colon + 1, after - 1):
            token = self._tokens[index]
            is_directive = token[0] == NAME and token[1] in _RULE_DIRECTIVES and self.is_op(index + 1, ":")
            if is_directive and self.starts_line(index):
                hint = f"{self._tokens[at][1]} and {token[1]} must be indented alike (a tab counts as 8 spaces)"
                self.fail_at(index, f"unexpected indent before {token[1]}", hint)

    def starts_line(self, at):
        while self._tokens[at - 1][0] in (NL, COMMENT, INDENT, DEDENT):
            at -= 1
        return self._tokens[at - 1][0] == NEWLINE

    def function(self, at, colon, head):
        last, after = self.extent(colon + 1)
        self.replace(at, colon, head + (" pass" if last is None else ""))
        return after

    def name_list(self, at, word):
        """`localrules: a, b` and `ruleorder: a > b`: bare names become strings."""
        last, after = self.extent(at + 2)
        separator = "," if word == "localrules" else ">"
        for index in range(at + 2, after):
            token = self._tokens[index]
            if token[0] == NAME:
                self._edits.append((token[2], token[3], repr(token[1])))
            elif token[0] == OP and token[1] == ">" == separator:
                self._edits.append((token[2], token[3], ","))
            elif token[0] == OP and token[1] != separator:
                example = "localrules: a, b" if separator == "," else "ruleorder: a > b > c"
                self.fail_at(index, f"expected names of rules, as in `{example}`")
        self.replace(at, at + 1, f"__furrow__.{word}(" + ("" if last is not None else ")"))
        if last is not None:
            self.insert(self._tokens[last][3], ")")
        return after

    def use_rule(self, at):
        from .use_head import UseHead

        head = UseHead(self._tokens, at, self.fail_at)
        line = self._tokens[at][2][0]
        said = f"{head.names!r}, {head.module!r}, {head.excluded!r}, {head.pattern!r}, {line}"
        if head.colon is None:
            self.replace(at, head.end - 1, f"__furrow__.use_rules({said})")
            return self.end_of_line(head.end)
        found = {}
        after = self.directives(head.colon, "use rule", _OVERRIDES, found)
        text = f"with __furrow__.use_rules_with({said}, {found!r}) as __r:"
        self.replace(at, head.colon, text + self.pass_if_empty(head.colon))
        return after

    def extent(self, at):
        """The last token of a directive's content (None if it has none), and the index after all of it.

        Content extends to the end of the line and through an indented block that follows.
        """
        tokens = self._tokens
        depth = 0
        last = None
        while True:
            kind = tokens[at][0]
            if kind == ENDMARKER:
                return last, at
            if kind == NEWLINE:
                if depth == 0 and tokens[self.skip_blank(at + 1)][0] != INDENT:
                    return last, at + 1
            elif kind == INDENT:
                depth += 1
            elif kind == DEDENT:
                if depth == 0:
                    return last, at
                depth -= 1
                if depth == 0:
                    return last, at + 1
            elif kind not in _SKIPPED:
                last = at
            at += 1

    def code_text(self, at, after):
        """The tokens of a block, joined by one space, without comments; `{`, `}` and `;` stand for its layout.

        An f-string counts as one token in every version of Python.
        """
        words = []
        while at < after:
            token = self._tokens[at]
            if token[0] == _FSTRING_START:
                start, depth = token[2], 1
                while depth:
                    at += 1
                    depth += {_FSTRING_START: 1, _FSTRING_END: -1}.get(self._tokens[at][0], 0)
                words.append(self.text_between(start, self._tokens[at][3]))
            elif token[0] == INDENT:
                words.append("{")
            elif token[0] == DEDENT:
                words.append("}")
            elif token[0] == NEWLINE:
                words.append(";")
            elif token[0] not in (NL, COMMENT, ENDMARKER):
                words.append(token[1])
            at += 1
        return " ".join(words)

    def text_between(self, start, end):
        if start[0] == end[0]:
            return self._lines[start[0] - 1][start[1] : end[1]]
        middle = self._lines[start[0] : end[0] - 1]
        return "\n".join([self._lines[start[0] - 1][start[1] :], *middle, self._lines[end[0] - 1][: end[1]]])

    # Edits.

    def replace(self, first, last, text):
        """Replaces the tokens from first to last by text; tokens on several lines keep their line breaks."""
        start, end = self._tokens[first][2], self._tokens[last][3]
        if start[0] == end[0]:
            self._edits.append((start, end, text))
            return
        self._edits.append((start, self._tokens[first][3], text))
        for at in range(first + 1, last + 1):
            if self._tokens[at][0] not in _SKIPPED:
                self.delete(at)

    def delete(self, at):
        self._edits.append((self._tokens[at][2], self._tokens[at][3], ""))

    def insert(self, place, text):
        self._edits.append((place, place, text))

    def apply_edits(self):
        lines = self._lines
        for start, end, text in sorted(self._edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
            line = lines[start[0] - 1]
            lines[start[0] - 1] = line[: start[1]] + text + line[end[1] :]
        return "\n".join(lines)
