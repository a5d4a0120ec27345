"""The syntax of java.util.regex.Pattern (Java 17), read into a tree.

What Java takes and this module cannot give the same meaning raises UnsupportedPatternError, which names the construct;
what Java refuses raises JavaSyntaxError.

Source: the class comment of java.util.regex.Pattern, Java 17 (docs.oracle.com/en/java/javase/17).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamtally.agent import charset
from streamtally.agent.charset import CharSet
from streamtally.agent.java_classes import BY_LETTER, LINE_BREAKS, POSIX
from streamtally.errors import SettingsError

MAX_REPEAT = 1000  # of a counted repeat: more would blow the compiled pattern up


class JavaSyntaxError(SettingsError):
    """Java refuses the pattern too."""


class UnsupportedPatternError(SettingsError):
    """Java takes the pattern, and only something else than Java's meaning could be given here."""


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    chars: CharSet


@dataclass(frozen=True)
class Seq:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """The first that leads to a match."""

    branches: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """``max_count`` None: without end. ``mode``: greedy ``""``, lazy ``"?"``, possessive ``"+"``."""

    item: Node
    min_count: int
    max_count: int | None
    mode: str


@dataclass(frozen=True)
class Group:
    """A capturing group; ``index`` counts from 1."""

    item: Node
    index: int


@dataclass(frozen=True)
class Atomic:
    """``(?>…)``."""

    item: Node


@dataclass(frozen=True)
class Look:
    """A lookahead or lookbehind."""

    item: Node
    behind: bool
    negative: bool


@dataclass(frozen=True)
class Backref:
    """What a group matched, again."""

    index: int


@dataclass(frozen=True)
class Assertion:
    """``kind``: start, line_start, end, end_or_break, line_end, boundary, no_boundary."""

    kind: str


Node = Chars | Seq | Alt | Repeat | Group | Atomic | Look | Backref | Assertion

_SIMPLE_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_HEX = re.compile("[0-9a-fA-F]+")
_BACKREF_REFUSED = "a backreference without regard to case"


class Parser:
    """Recursive descent over one pattern; flags are those in force at the place that is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.flags: frozenset[str] = frozenset()
        self.groups = 0
        self.names: dict[str, int] = {}

    def parse(self) -> Node:
        """The whole pattern. Raises: JavaSyntaxError, UnsupportedPatternError."""
        node = self._alternatives()
        if self.at < len(self.text):
            raise self._wrong("Unmatched closing ')'")
        return node

    def _wrong(self, what: str) -> JavaSyntaxError:
        return JavaSyntaxError(f"pattern {self.text!r}: {what} near index {self.at}")

    def _refuse(self, what: str) -> UnsupportedPatternError:
        return UnsupportedPatternError(
            f"pattern {self.text!r}: {what} (index {self.at}) has no equal here; write it another way"
        )

    def _peek(self, ahead: int = 0) -> str:
        return self.text[self.at + ahead : self.at + ahead + 1]

    def _take(self, literal: str) -> bool:
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def _alternatives(self) -> Node:
        outer_flags = self.flags
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        self.flags = outer_flags
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def _skip_comments(self) -> None:
        while "x" in self.flags and self._peek():
            if self._peek() in " \t\n\x0b\f\r":
                self.at += 1
            elif self._peek() == "#":
                while self._peek() and self._peek() not in "\n\r\x85\u2028\u2029":
                    self.at += 1
            else:
                return

    def _sequence(self) -> Node:
        items: list[Node] = []
        while True:
            self._skip_comments()
            if self._peek() in ("", "|", ")"):
                break
            if self._take("\\Q"):
                items += self._quoted()
                continue
            node = self._atom()
            if node is not None:
                items.append(self._quantified(node))
        return items[0] if len(items) == 1 else Seq(tuple(items))

    def _quoted(self) -> list[Node]:
        end = self.text.find("\\E", self.at)
        literal = self.text[self.at :] if end < 0 else self.text[self.at : end]
        self.at = len(self.text) if end < 0 else end + 2
        items: list[Node] = [self._char(char) for char in literal]
        if items:
            items[-1] = self._quantified(items[-1])  # a quantifier behind \E is for the last character
        return items

    def _char(self, char: str) -> Chars:
        return self._chars(charset.of(char))

    def _chars(self, chars: CharSet) -> Chars:
        return Chars(charset.either_case(chars) if "i" in self.flags else chars)

    def _atom(self) -> Node | None:
        char = self._peek()
        if char == "(":
            return self._group()
        if char == "[":
            self.at += 1
            return Chars(self._class())
        if char == "\\":
            self.at += 1
            return self._escape()
        if char in "*+?":
            raise self._wrong(f"Dangling meta character '{char}'")
        if char == "{":  # a second count is for nothing: a{2}{3} takes two
            return Seq(())
        self.at += 1
        if char == ".":
            breaks = charset.of("\n") if "d" in self.flags else LINE_BREAKS
            return Chars(charset.ANY if "s" in self.flags else charset.complement(breaks))
        if char in "^$":
            return self._anchor(char)
        return self._char(char)

    def _anchor(self, char: str) -> Assertion:
        if "d" in self.flags:
            raise self._refuse(f"{char!r} under the flag d")
        if char == "^":
            return Assertion("line_start" if "m" in self.flags else "start")
        return Assertion("line_end" if "m" in self.flags else "end_or_break")

    def _quantified(self, node: Node) -> Node:
        self._skip_comments()
        bounds = self._bounds()
        if bounds is None:
            return node
        mode = "+" if self._take("+") else "?" if self._take("?") else ""
        return Repeat(node, bounds[0], bounds[1], mode)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, simple in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return simple
        if self._peek() != "{":
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_digits(low) or (high and not _is_digits(high)):
            raise self._wrong("Illegal repetition")
        self.at = end + 1
        least, most = int(low), (int(high) if high else None) if comma else int(low)
        if most is not None and most < least:
            raise self._wrong("Illegal repetition range")
        if max(least, most or 0) > MAX_REPEAT:
            raise self._refuse(f"a count above {MAX_REPEAT}")
        return least, most

    def _group(self) -> Node | None:
        for opening, behind, negative in (
            ("(?=", False, False), ("(?!", False, True), ("(?<=", True, False), ("(?<!", True, True),
        ):  # fmt: skip
            if self._take(opening):
                return Look(self._closed(), behind, negative)
        if self._take("(?>"):
            return Atomic(self._closed())
        if self._take("(?<"):
            return self._named()
        if self._take("(?"):
            return self._flagged()
        self.at += 1
        return self._capturing()

    def _capturing(self) -> Group:
        self.groups += 1
        index = self.groups  # numbered by the opening bracket
        return Group(self._closed(), index)

    def _closed(self) -> Node:
        node = self._alternatives()
        if not self._take(")"):
            raise self._wrong("Unclosed group")
        return node

    def _named(self) -> Group:
        end = self.text.find(">", self.at)
        name = self.text[self.at : max(end, self.at)]
        if not (name.isascii() and name.isalnum() and name[0].isalpha()) or name in self.names:
            raise self._wrong("bad or repeated group name")
        self.at = end + 1
        self.names[name] = self.groups + 1
        return self._capturing()

    def _flagged(self) -> Node | None:
        """``(?flags)`` holds to the end of the enclosing group, ``(?flags:…)`` inside."""
        outer, on = self.flags, True
        while (char := self._peek()) not in (")", ":"):
            if char in ("u", "U") and on:
                raise self._refuse(f"the flag {char} (Unicode case and classes)")
            if char == "-" and on:
                on = False
            elif char and char in "idmsxuU":
                self.flags = self.flags | {char} if on else self.flags - {char}
            else:
                raise self._wrong("Unknown inline modifier")
            self.at += 1
        self.at += 1
        if char == ")":
            return None
        node = self._closed()
        self.flags = outer
        return node

    def _escape(self) -> Node:
        char = self._peek()
        self.at += 1
        anchors = {"A": "start", "z": "end", "Z": "end_or_break", "b": "boundary", "B": "no_boundary"}
        if char == "b" and self._peek() == "{":
            raise self._refuse("\\b{…}")
        if char in anchors:
            return Assertion(anchors[char])
        if char == "R":
            crlf = Seq((Chars(charset.of("\r")), Chars(charset.of("\n"))))
            return Alt((crlf, Chars(BY_LETTER["v"])))
        if char == "k":
            return self._named_backref()
        if char in "123456789" and char:
            return self._backref(char)
        self.at -= 1
        chars, single = self._escaped_chars()
        return self._chars(chars) if single is not None else Chars(chars)

    def _named_backref(self) -> Backref:
        end = self.text.find(">", self.at)
        name = self.text[self.at + 1 : max(end, self.at)]
        if self._peek() != "<" or name not in self.names:
            raise self._wrong("named backreference to no group")
        if "i" in self.flags:
            raise self._refuse(_BACKREF_REFUSED)
        self.at = end + 1
        return Backref(self.names[name])

    def _backref(self, digits: str) -> Backref:
        # Java takes further digits only as long as such a group has been opened.
        while _is_digits(self._peek()) and int(digits + self._peek()) <= self.groups:
            digits += self._peek()
            self.at += 1
        if "i" in self.flags:
            raise self._refuse(_BACKREF_REFUSED)
        if int(digits) > self.groups:
            raise self._refuse(f"\\{digits} before its group")
        return Backref(int(digits))

    def _escaped_chars(self) -> tuple[CharSet, str | None]:
        """The set behind a backslash and, where it is one character (which can begin a range), that one."""
        char = self._peek()
        self.at += 1
        if not char:
            raise self._wrong("Unexpected end after a backslash")
        if char in _SIMPLE_ESCAPES:
            return charset.of(_SIMPLE_ESCAPES[char]), _SIMPLE_ESCAPES[char]
        if char in "0xuc":
            literal = self._coded(char)
            return charset.of(literal), literal
        if char in BY_LETTER:
            return BY_LETTER[char], None
        if char in "pP":
            return self._property(char == "P"), None
        if char in "GXN":
            raise self._refuse(f"\\{char}")
        if char.isascii() and char.isalpha():
            raise self._wrong("Illegal/unsupported escape sequence")
        return charset.of(char), char

    def _coded(self, kind: str) -> str:
        if kind == "c":
            self.at += 1
            if not self._peek(-1):
                raise self._wrong("Illegal control escape sequence")
            return chr(ord(self._peek(-1)) ^ 64)
        if kind == "0":
            digits = ""
            while self._peek() and self._peek() in "01234567" and len(digits) < 3 and int(digits or "0", 8) < 32:
                digits += self._peek()
                self.at += 1
            base = 8
        elif kind == "x" and self._take("{"):
            end = self.text.find("}", self.at)
            digits, base = self.text[self.at : max(end, self.at)], 16
            self.at = end + 1
        else:
            size, base = (2 if kind == "x" else 4), 16
            digits = self.text[self.at : self.at + size]
            digits = digits if len(digits) == size else ""
            self.at += size
        if not _HEX.fullmatch(digits) or int(digits, base) > charset.MAX_CODE_POINT:
            raise self._wrong("Illegal numeric escape sequence")
        return chr(int(digits, base))

    def _property(self, negative: bool) -> CharSet:
        end = self.text.find("}", self.at)
        name = self.text[self.at + 1 : end] if self._peek() == "{" and end > 0 else self._peek()
        self.at = end + 1 if self._peek() == "{" and end > 0 else self.at + 1
        if name not in POSIX:
            raise self._refuse(f"\\p{{{name}}}")
        return charset.complement(POSIX[name]) if negative else POSIX[name]

    def _class(self) -> CharSet:
        """Behind the opening bracket, to behind the closing one: union, ``&&`` and negation of the whole."""
        negative = self._take("^")
        total: CharSet | None = None
        current: CharSet | None = None
        while True:
            self._skip_class_spaces()
            char = self._peek()
            if not char:
                raise self._wrong("Unclosed character class")
            if char == "]" and (current is not None or total is not None):
                self.at += 1
                break
            if self._take("&&"):
                total = current if total is None else charset.intersect(total, current or charset.ANY)
                current = None
                continue
            current = charset.union(current or charset.NONE, self._class_item())
        if total is None:
            total = current or charset.NONE
        elif current is not None:
            total = charset.intersect(total, current)
        return charset.complement(total) if negative else total

    def _skip_class_spaces(self) -> None:
        while "x" in self.flags and self._peek() and self._peek() in " \t\n\x0b\f\r":
            self.at += 1

    def _class_item(self) -> CharSet:
        if self._take("["):
            return self._class()
        if self._take("\\Q"):
            end = self.text.find("\\E", self.at)
            literal = self.text[self.at :] if end < 0 else self.text[self.at : end]
            self.at = len(self.text) if end < 0 else end + 2
            return self._chars(charset.of(literal)).chars
        low = self._class_char()
        if not isinstance(low, str):
            return low
        if self._peek() != "-" or self._peek(1) in ("", "]", "["):
            return self._chars(charset.of(low)).chars
        self.at += 1
        high = self._class_char()
        if not isinstance(high, str) or high < low:
            raise self._wrong("Illegal character range")
        return self._chars(charset.of((low, high))).chars

    def _class_char(self) -> str | CharSet:
        char = self._peek()
        self.at += 1
        if char != "\\":
            return char
        chars, single = self._escaped_chars()
        return chars if single is None else single


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
