"""Translates a Snakefile to Python by edits at positions of the original text, so that every line keeps its number.

    rule a:                  with __furrow__.rule("a", 1, None, {"input": 3}) as __r:
        "says what"              __r.doc("says what")
        input: "x",              __r.input( "x",
               y="z"                    y="z")
        run:                     def __furrow_run_0_5(input, output, ...):
            f(input)                 f(input)
    include: "b.smk"         __furrow__.include( "b.smk")

The closing parenthesis stands right behind the last token of a directive, before any comment. What is no block of the language stays as it is.
"""

import tokenize
from io import StringIO
from token import COMMENT, DEDENT, ENCODING, ENDMARKER, ERRORTOKEN, INDENT, NAME, NEWLINE, NL, OP, STRING

from .errors import SnakefileSyntaxError, did_you_mean

FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
FSTRING_END = getattr(tokenize, "FSTRING_END", -1)

kRuleDirectives = frozenset(
    "name input output params threads resources retries priority log message benchmark conda singularity container containerized envmodules "
    "wildcard_constraints shadow group cache handover default_target localrule pathvars version run shell script notebook wrapper "
    "template_engine cwl".split()
)
kGlobalDirectives = frozenset(
    "include workdir configfile envvars pathvars pepfile pepschema report wildcard_constraints singularity container containerized conda "
    "scattergather inputflags outputflags resource_scopes storage".split()
)
kHooks = frozenset(["onstart", "onsuccess", "onerror"])
kBlocks = frozenset(["rule", "checkpoint", "module", "subworkflow"])
kRunArguments = (
    "input, output, params, wildcards, threads, resources, log, rule, conda_env=None, container_img=None, singularity_args='', "
    "use_singularity=False, env_modules=None, bench_record=None, jobid=None, is_shell=False, bench_iteration=None, cleanup_scripts=True, "
    "shadow_dir=None, edit_notebook=None, conda_base_path=None, basedir=None"
)
kCompound = frozenset("if else elif for while try except finally with".split())
kActions = frozenset("run shell script notebook wrapper template_engine cwl".split())
kMayBeFunctions = ("input", "params", "threads", "resources")
kClosing = {")": "(", "]": "[", "}": "{"}
kSkipped = frozenset([NL, COMMENT])


class Translation:
    """The Python text, and for each `run:` block the text that identifies its code, by the name of its function."""

    def __init__(self, text, runs):
        self.text = text
        self.runs = runs


def translate(text, filename, index=0):
    return Translator(text, filename, index).translate()


class Translator:
    def __init__(self, text, filename, index):
        self.filename_ = filename
        self.index_ = index
        self.lines_ = text.split("\n")
        self.edits_ = []
        self.runs_ = {}
        self.tokens_ = self.read_tokens(text)

    def translate(self):
        at = 0
        line_start = True
        one_line = False  # whether the line may go on with a statement behind a colon, as in `if x: include: "y"`
        depth = 0
        tokens = self.tokens_
        while tokens[at][0] != ENDMARKER:
            kind, word = tokens[at][0], tokens[at][1]
            if kind == NEWLINE:
                line_start = True
                one_line = False
            elif kind not in (NL, COMMENT, INDENT, DEDENT, ENCODING):
                if line_start and kind == NAME:
                    after = self.statement(at)
                    if after is not None:
                        at = after
                        continue
                    one_line = one_line or word in kCompound
                line_start = False
                if kind == OP:
                    depth += (word in "([{") - (word in ")]}")
                    line_start = one_line and depth == 0 and word == ":"
                elif word == "lambda":
                    one_line = False
            at += 1
        return Translation(self.apply_edits(), self.runs_)

    # Tokens.

    def read_tokens(self, text):
        """All tokens, with brackets checked: an unclosed one is reported where it was opened, not at the end of the file."""
        tokens = []
        opened = []
        try:
            for token in tokenize.generate_tokens(StringIO(text).readline):
                kind = token[0]
                if kind == OP:
                    word = token[1]
                    if word in "([{":
                        opened.append(token)
                    elif word in ")]}":
                        self.close_bracket(opened, token)
                elif kind == ERRORTOKEN and not token[1].isspace():
                    self.fail_token(token)
                tokens.append(token[:4])  # without the text of the line, of which some versions make a copy for each token
        except tokenize.TokenError as error:
            self.fail_unfinished(error, opened)
        except SyntaxError as error:
            line = error.lineno or 1
            self.fail(error.msg, line)
        if opened:
            self.fail_unclosed(opened)
        return tokens

    def close_bracket(self, opened, token):
        if not opened:
            self.fail("unmatched '%s'" % token[1], token[2][0])
        if opened[-1][1] != kClosing[token[1]]:
            where = "" if opened[-1][2][0] == token[2][0] else " on line %d" % opened[-1][2][0]
            self.fail("closing parenthesis '%s' does not match opening parenthesis '%s'%s" % (token[1], opened[-1][1], where), token[2][0])
        opened.pop()

    def fail_token(self, token):
        word = token[1]
        if word[0] in "\"'" or word[-1:] in "\"'":
            self.fail("unterminated string literal", token[2][0])
        self.fail("invalid character '%s'" % word, token[2][0])

    def fail_unfinished(self, error, opened):
        message, (line, _) = error.args[0], error.args[1]
        if "multi-line string" in message or "triple-quoted" in message:
            self.fail("unterminated triple-quoted string literal", line)
        if opened:
            self.fail_unclosed(opened)
        self.fail(message, min(line, len(self.lines_)))

    def fail_unclosed(self, opened):
        self.fail("'%s' was never closed" % opened[-1][1], opened[-1][2][0])

    def fail(self, message, line, hint=None):
        text = self.lines_[line - 1] if 0 < line <= len(self.lines_) else ""
        raise SnakefileSyntaxError(message, self.filename_, line, text, hint)

    def fail_at(self, at, message, hint=None):
        self.fail(message, self.tokens_[at][2][0], hint)

    def is_op(self, at, word):
        return self.tokens_[at][0] == OP and self.tokens_[at][1] == word

    def skip_blank(self, at):
        while self.tokens_[at][0] in kSkipped:
            at += 1
        return at

    # Statements. Each of these answers the index behind what it has translated, or None where the line is plain Python.

    def statement(self, at):
        word = self.tokens_[at][1]
        if word in kBlocks:
            return self.block_statement(at)
        if word == "use" and self.tokens_[at + 1][1] == "rule" and self.tokens_[at + 1][0] == NAME:
            return self.use_rule(at)
        if word == "storage" and self.tokens_[at + 1][0] == NAME and self.is_op(at + 2, ":"):
            self.delete(at + 1)
            return self.call(at, at + 2, "__furrow__.storage(")
        if not self.is_op(at + 1, ":"):
            return None
        if word in kGlobalDirectives:
            return self.call(at, at + 1, "__furrow__.%s(" % word)
        if word in kHooks:
            name = "__furrow_hook_%s_%d_%d" % (word, self.index_, self.tokens_[at][2][0])
            return self.function(at, at + 1, "def %s(log):" % name)
        if word in ("localrules", "ruleorder"):
            return self.name_list(at, word)
        return None

    def block_statement(self, at):
        """`rule NAME:` and its kin. A name where none can be in Python decides that this is meant."""
        word = self.tokens_[at][1]
        name = None
        colon = at + 1
        if self.tokens_[at + 1][0] == NAME and self.tokens_[at + 1][1] not in ("in", "is", "if", "and", "or", "not", "else", "for"):
            name = self.tokens_[at + 1][1]
            colon = at + 2
        if not self.is_op(colon, ":"):
            return self.check_block_head(at, name, colon)
        if word in ("rule", "checkpoint"):
            return self.rule(at, colon, name)
        head = "with __furrow__.not_yet(%r, %r) as __r:" % (word, name)
        after = self.directives(colon, "%s %s" % (word, name or ""), None, None)
        self.replace(at, colon, head + self.pass_if_empty(colon))
        return after

    def check_block_head(self, at, name, colon):
        word = self.tokens_[at][1]
        if name is not None:
            self.fail_at(at, "expected ':' after the name of the %s" % word, "write it as `%s %s:`" % (word, name))
        if self.tokens_[at + 1][0] in (tokenize.NUMBER, STRING, FSTRING_START):
            self.fail_at(at, "the name of a %s must be a word of letters, digits and _ that starts with no digit" % word)
        if self.tokens_[at + 1][0] in (NEWLINE, COMMENT) and word != "module":
            self.fail_at(at, "expected a name or ':' after %s" % word)
        return None

    def rule(self, at, colon, name):
        word, line = self.tokens_[at][1], self.tokens_[at][2][0]
        found = {}
        after = self.directives(colon, "%s %s" % (word, name) if name else word, kRuleDirectives, found)
        run = found.get("run")
        lines = {word: found[word] for word in kMayBeFunctions if word in found}
        head = "with __furrow__.%s(%r, %d, %r, %r) as __r:" % (word, name, line, run, lines)
        self.replace(at, colon, head + self.pass_if_empty(colon))
        return after

    def pass_if_empty(self, colon):
        """A block without a body is legal in the language, but not in Python."""
        at = self.skip_blank(colon + 1)
        if self.tokens_[at][0] == NEWLINE:
            at = self.skip_blank(at + 1)
            if self.tokens_[at][0] != INDENT:
                return " pass"
        elif self.tokens_[at][0] == ENDMARKER:
            return " pass"
        return ""

    def directives(self, colon, owner, known, found):
        """The body of a block: one directive or docstring a line, until its indentation ends."""
        tokens = self.tokens_
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
        kind, word = self.tokens_[at][0], self.tokens_[at][1]
        if kind == STRING:
            return self.docstring(at)
        if kind == INDENT:
            self.fail_at(at, "unexpected indent")
        if kind != NAME or word in ("if", "else", "for", "while", "def", "import", "from", "pass", "return", "with", "try"):
            self.fail_at(at, "expected a directive such as `input:` in %s, found '%s'" % (owner, word), "Python statements stand outside of rules")
        if known is not None and word not in known:
            self.fail_unknown(at, owner, known)
        if not self.is_op(at + 1, ":"):
            self.fail_at(at, "expected ':' after %s in %s" % (word, owner))
        if found is not None:
            if word in found:
                self.fail_at(at, "%s is given twice in %s" % (word, owner))
            if word in kActions and any(other in kActions for other in found):
                self.fail_at(at, "%s has more than one of run, shell and script" % owner)
            actions = [other for other in found if other in kActions]
            if actions:
                self.fail_at(at, "%s stands behind %s in %s" % (word, actions[0], owner), "%s is the last directive of a rule" % actions[0])
            found[word] = self.tokens_[at][2][0]
        if word == "run" and known is not None:
            found["run"] = name = "__furrow_run_%d_%d" % (self.index_, self.tokens_[at][2][0])
            after = self.function(at, at + 1, "def %s(%s):" % (name, kRunArguments))
            self.runs_[name] = self.code_text(at + 2, after)
            return after
        return self.call(at, at + 1, "__r.%s(" % word)

    def fail_unknown(self, at, owner, known):
        word = self.tokens_[at][1]
        near = did_you_mean(word, sorted(known))
        hint = "did you mean `%s:`?" % near if near else "a rule has " + ", ".join(sorted(known))
        self.fail_at(at, "unknown directive %s in %s" % (word, owner), hint)

    def docstring(self, at):
        last = at
        while self.tokens_[last + 1][0] not in (NEWLINE, ENDMARKER):
            last += 1
            if self.tokens_[last][0] not in (STRING, NL, COMMENT):
                self.fail_at(last, "expected a directive or a docstring")
        while self.tokens_[last][0] in kSkipped:
            last -= 1
        self.insert(self.tokens_[at][2], "__r.doc(")
        self.insert(self.tokens_[last][3], ")")
        while self.tokens_[at][0] not in (NEWLINE, ENDMARKER):
            at += 1
        return at + 1 if self.tokens_[at][0] == NEWLINE else at

    def call(self, at, colon, text):
        """`word: arguments` becomes a call whose parenthesis closes behind the last argument."""
        last, after = self.extent(colon + 1)
        self.check_swallowed(at, colon, after)
        self.replace(at, colon, text if last is not None else text + ")")
        if last is not None:
            self.insert(self.tokens_[last][3], ")")
        return after

    def check_swallowed(self, at, colon, after):
        """A directive that is indented deeper than the one before would become one of its arguments."""
        for index in range(colon + 1, after - 1):
            token = self.tokens_[index]
            if token[0] == NAME and token[1] in kRuleDirectives and self.is_op(index + 1, ":") and self.starts_line(index):
                hint = "%s and %s must be indented alike (a tab counts as 8 spaces)" % (self.tokens_[at][1], token[1])
                self.fail_at(index, "unexpected indent before %s" % token[1], hint)

    def starts_line(self, at):
        while self.tokens_[at - 1][0] in (NL, COMMENT, INDENT, DEDENT):
            at -= 1
        return self.tokens_[at - 1][0] == NEWLINE

    def function(self, at, colon, head):
        last, after = self.extent(colon + 1)
        self.replace(at, colon, head + (" pass" if last is None else ""))
        return after

    def name_list(self, at, word):
        """`localrules: a, b` and `ruleorder: a > b`: bare names become strings."""
        last, after = self.extent(at + 2)
        separator = "," if word == "localrules" else ">"
        for index in range(at + 2, after):
            token = self.tokens_[index]
            if token[0] == NAME:
                self.edits_.append((token[2], token[3], repr(token[1])))
            elif token[0] == OP and token[1] == ">" == separator:
                self.edits_.append((token[2], token[3], ","))
            elif token[0] == OP and token[1] != separator:
                self.fail_at(index, "expected names of rules, as in `%s`" % ("localrules: a, b" if separator == "," else "ruleorder: a > b > c"))
        self.replace(at, at + 1, "__furrow__.%s(" % word + ("" if last is not None else ")"))
        if last is not None:
            self.insert(self.tokens_[last][3], ")")
        return after

    def use_rule(self, at):
        """Modules and inheritance come later; the statement becomes one that says so, if it is reached."""
        end = at
        while self.tokens_[end][0] not in (NEWLINE, ENDMARKER) and not self.is_op(end, ":"):
            end += 1
        if self.is_op(end, ":"):
            after = self.directives(end, "use rule", kRuleDirectives, {})
            self.replace(at, end, "with __furrow__.not_yet('use rule', None) as __r:" + self.pass_if_empty(end))
            return after
        self.replace(at, end - 1, "__furrow__.not_yet('use rule', None)")
        return end + 1 if self.tokens_[end][0] == NEWLINE else end

    def extent(self, at):
        """The last token of a directive's content (None if it has none), and the index behind all of it.

        Content goes to the end of the line, and on through an indented block that follows."""
        tokens = self.tokens_
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
            elif kind not in kSkipped:
                last = at
            at += 1

    def code_text(self, at, after):
        """The tokens of a block, joined by one space, without comments; `{`, `}` and `;` stand for its layout.

        f-strings count as one token in every version of Python."""
        words = []
        while at < after:
            token = self.tokens_[at]
            if token[0] == FSTRING_START:
                start, depth = token[2], 1
                while depth:
                    at += 1
                    depth += {FSTRING_START: 1, FSTRING_END: -1}.get(self.tokens_[at][0], 0)
                words.append(self.text_between(start, self.tokens_[at][3]))
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
            return self.lines_[start[0] - 1][start[1] : end[1]]
        middle = self.lines_[start[0] : end[0] - 1]
        return "\n".join([self.lines_[start[0] - 1][start[1] :], *middle, self.lines_[end[0] - 1][: end[1]]])

    # Edits.

    def replace(self, first, last, text):
        """Replaces the tokens from first to last by text; where they stand on several lines, each line keeps its own."""
        start, end = self.tokens_[first][2], self.tokens_[last][3]
        if start[0] == end[0]:
            self.edits_.append((start, end, text))
            return
        self.edits_.append((start, self.tokens_[first][3], text))
        for at in range(first + 1, last + 1):
            if self.tokens_[at][0] not in kSkipped:
                self.delete(at)

    def delete(self, at):
        self.edits_.append((self.tokens_[at][2], self.tokens_[at][3], ""))

    def insert(self, place, text):
        self.edits_.append((place, place, text))

    def apply_edits(self):
        lines = self.lines_
        for start, end, text in sorted(self.edits_, key=lambda edit: (edit[0], edit[1]), reverse=True):
            line = lines[start[0] - 1]
            lines[start[0] - 1] = line[: start[1]] + text + line[end[1] :]
        return "\n".join(lines)
