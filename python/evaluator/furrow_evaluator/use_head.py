"""The first line of a `use rule` statement: `use rule a, b from m exclude c as x_* with:`."""

from token import COMMENT, ENDMARKER, NAME, NEWLINE, NUMBER, OP

_WORDS = ("from", "exclude", "as", "with")
_EXAMPLE = "write it as in `use rule a, b from m as x_*` or `use rule a as b with:`"


class UseHead:
    """What the line says. `colon` is the index of the colon after `with`, or None; `end` follows the last word."""

    def __init__(self, tokens, at, fail):
        self._tokens = tokens
        self._fail = fail
        self._start = at
        self._at = at + 2
        self.module = self.pattern = self.colon = None
        self.excluded = []
        self.names = self._read_names("use rule")
        while self._word() in _WORDS:
            getattr(self, "_read_" + self._word())()
        if self.colon is None and self._tokens[self._at][0] not in (COMMENT, NEWLINE, ENDMARKER):
            self._fail(self._at, f"unexpected '{self._word()}' in use rule", _EXAMPLE)
        self.end = self._at
        self._check()

    def _word(self):
        return self._tokens[self._at][1]

    def _is_name(self):
        return self._tokens[self._at][0] == NAME and self._word() not in _WORDS

    def _read_names(self, after):
        names = []
        while True:
            if self._word() == "*" and after == "use rule" and not names:
                self._at += 1
                return ["*"]
            if not self._is_name():
                self._fail(self._at, f"expected the name of a rule after {after}", _EXAMPLE)
            names.append(self._word())
            self._at += 1
            if self._word() != ",":
                return names
            self._at += 1

    def _read_from(self):
        self._at += 1
        if not self._is_name() or self.module is not None:
            self._fail(self._at, "expected the name of one module after from", _EXAMPLE)
        self.module = self._word()
        self._at += 1

    def _read_exclude(self):
        self._at += 1
        self.excluded += self._read_names("exclude")

    def _read_as(self):
        """A name, with perhaps a star in it: names and stars that touch each other."""
        self._at += 1
        if self.pattern is not None:
            self._fail(self._at, "use rule has more than one as", _EXAMPLE)
        parts, last = [], None
        while self._tokens[self._at][0] in (NAME, NUMBER, OP) and last in (None, self._tokens[self._at][2]):
            if self._tokens[self._at][0] == OP and self._word() != "*":
                break
            parts.append(self._word())
            last = self._tokens[self._at][3]
            self._at += 1
        self.pattern = "".join(parts)
        if not self.pattern or self.pattern in _WORDS or not self.pattern.replace("*", "_").isidentifier():
            self._fail(self._at, "expected a name such as x or x_* after as", _EXAMPLE)

    def _read_with(self):
        self._at += 1
        if self._word() != ":":
            self._fail(self._at, "expected ':' after with", _EXAMPLE)
        self.colon = self._at
        self._at += 1

    def _check(self):
        is_whole = self.names == ["*"]
        if self.module is None:
            self._check_inheritance(is_whole)
        elif self.pattern is not None and "*" not in self.pattern and (is_whole or len(self.names) > 1):
            self._fail(self._start, f"`as {self.pattern}` would give several rules one name", "put a * into the name")
        if is_whole and self.colon is not None:
            self._fail(self._start, "`use rule *` takes no `with:`", "name the rules that the block is for")
        if self.excluded and not is_whole:
            self._fail(self._start, "only `use rule *` takes exclude", _EXAMPLE)

    def _check_inheritance(self, is_whole):
        if is_whole:
            self._fail(self._start, "`use rule *` needs the module that the rules come `from`", _EXAMPLE)
        if len(self.names) > 1:
            self._fail(self._start, "a rule inherits one rule, but several are named", _EXAMPLE)
        if self.pattern is None:
            self._fail(self._start, f"`use rule {self.names[0]}` needs a name for the new rule", _EXAMPLE)
