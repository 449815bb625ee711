"""Reads the tokens of a Snakefile, and says where its brackets and texts are wrong."""

import tokenize
from io import StringIO
from token import ERRORTOKEN, OP

_CLOSING = {")": "(", "]": "[", "}": "{"}


class TokenReader:
    """FAIL raises an error for a message and a line."""

    def __init__(self, fail):
        self._fail = fail

    def read(self, text):
        """All tokens. An unclosed bracket is reported where it was opened, not at the end of the file."""
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
                        self._close_bracket(opened, token)
                elif kind == ERRORTOKEN and not token[1].isspace():
                    self._fail_token(token)
                # The rest of a token is the text of its line, which some versions of Python copy for each token.
                tokens.append(token[:4])
        except tokenize.TokenError as error:
            self._fail_unfinished(error, opened, text)
        except SyntaxError as error:
            line = error.lineno or 1
            self._fail(error.msg, line)
        if opened:
            self._fail_unclosed(opened)
        return tokens

    def _close_bracket(self, opened, token):
        if not opened:
            self._fail(f"unmatched '{token[1]}'", token[2][0])
        if opened[-1][1] != _CLOSING[token[1]]:
            where = "" if opened[-1][2][0] == token[2][0] else f" on line {opened[-1][2][0]}"
            self._fail(
                f"closing parenthesis '{token[1]}' does not match opening parenthesis '{opened[-1][1]}'{where}",
                token[2][0],
            )
        opened.pop()

    def _fail_token(self, token):
        word = token[1]
        if word[0] in "\"'" or word[-1:] in "\"'":
            self._fail("unterminated string literal", token[2][0])
        self._fail(f"invalid character '{word}'", token[2][0])

    def _fail_unfinished(self, error, opened, text):
        message, (line, _) = error.args[0], error.args[1]
        if "multi-line string" in message or "triple-quoted" in message:
            self._fail("unterminated triple-quoted string literal", line)
        if opened:
            self._fail_unclosed(opened)
        self._fail(message, min(line, text.count("\n") + 1))

    def _fail_unclosed(self, opened):
        self._fail(f"'{opened[-1][1]}' was never closed", opened[-1][2][0])
