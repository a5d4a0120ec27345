"""A pattern's text, read by characters as java.util.regex reads it: quoting is resolved first, comments on the way."""

from __future__ import annotations

import re

from streamtally.errors import JavaSyntaxError, UnsupportedPatternError

_SPACES = " \t\n\x0b\f\r"
MAX_SHOWN = 60
_QUOTE = re.compile(r"((?:[^\\]|\\[^Q])*)\\Q", re.DOTALL)


def without_quotes(text: str) -> str:
    r"""``\Q…\E`` rewritten with a backslash before each character that could be special; all else is unmodified."""
    parts: list[str] = []
    at = 0
    while match := _QUOTE.match(text, at):
        literal, _, _ = text[match.end() :].partition("\\E")
        at = match.end() + len(literal) + 2
        parts += (match.group(1), "".join(map(_escaped, literal[:1], [True])), "".join(map(_escaped, literal[1:])))
    return "".join(parts) + text[at:]


def _escaped(char: str, is_first: bool = False) -> str:
    if char.isascii() and char.isdigit():  # the first one must not lengthen an escape before it
        return f"\\x3{char}" if is_first else char
    return char if not char.isascii() or char.isalpha() else "\\" + char


class Reader:
    """A cursor over a pattern; ``flags`` are those in force at the cursor.

    At the end every character is ``""``. The flag x skips white space and comments, except after a backslash.
    """

    def __init__(self, text: str) -> None:
        self._written = text
        self.text = without_quotes(text)
        self.at = 0
        self.flags: frozenset[str] = frozenset()

    def wrong(self, what: str) -> JavaSyntaxError:
        """The error for a pattern that Java refuses."""
        return JavaSyntaxError(f"pattern {self._written!r}: {what} near index {min(self.at, len(self.text))}")

    def refuse(self, what: str, advice: str = "write it another way", where: str = "") -> UnsupportedPatternError:
        """The error for a construct that Java accepts and this package does not.

        Args: where: the construct and its index, as ``shown`` gives them; without it the cursor's index is named.
        """
        named = f"{where}: {what}" if where else f"{what} (index {self.at})"
        return UnsupportedPatternError(f"pattern {self._written!r}: {named} has no equal here; {advice}")

    def shown(self, start: int) -> str:
        """The pattern's text from ``start`` to the cursor, and its index, for messages."""
        text = self.text[start : self.at]
        return f"{text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + '…'!r} (index {start})"

    def raw(self, ahead: int = 0) -> str:
        """The character at the cursor, or ``ahead`` of it, also white space and comments."""
        return self.text[self.at + ahead : self.at + ahead + 1]

    def peek(self) -> str:
        """Move to the next significant character, and return it."""
        while "x" in self.flags and (char := self.raw()):
            if char in _SPACES:
                self.at += 1
            elif char == "#":
                self._pass_comment()
            else:
                break
        return self.raw()

    def _pass_comment(self) -> None:
        breaks = "\n" if "d" in self.flags else "\n\r\x85\u2028\u2029"
        while self.raw() and self.raw() not in breaks:
            self.at += 1

    def next(self) -> str:
        """Move past the character at the cursor to the next significant one, and return that."""
        self.at += 1
        return self.peek()

    def read(self) -> str:
        """Move past the next significant character, and return it."""
        char = self.peek()
        self.at += 1
        return char

    def skip(self) -> str:
        """Move past the character at the cursor (a backslash) and the one after it, and return the latter."""
        self.at += 2
        return self.raw(-1)

    def take(self, char: str) -> bool:
        """Move past the character if it is the next significant one; whether it was."""
        if self.peek() != char:
            return False
        self.at += 1
        return True

    def expect(self, char: str, what: str) -> None:
        """Move past the character. Raises: JavaSyntaxError, with this text: another one is next."""
        if self.read() != char:
            raise self.wrong(what)
