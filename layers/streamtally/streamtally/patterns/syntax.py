"""The syntax of java.util.regex.Pattern (Java 17), read into a tree.

Source: the class comment of java.util.regex.Pattern, Java 17 (docs.oracle.com/en/java/javase/17), and the results of
that class on thousands of random patterns.
"""

from __future__ import annotations

from dataclasses import replace

from streamtally.patterns import charset, cost
from streamtally.patterns.bracket import bracket
from streamtally.patterns.charset import CharSet
from streamtally.patterns.classes import LINE_BREAKS
from streamtally.patterns.escapes import either_case, escaped
from streamtally.patterns.quantifiers import MAX_REPEAT, read_counts
from streamtally.patterns.reader import Reader
from streamtally.patterns.tree import (
    LINE_BREAK,
    Alt,
    Assertion,
    Atomic,
    Backref,
    Chars,
    Group,
    Look,
    Node,
    Repeat,
    Seq,
    is_deterministic,
)

_PLACES = {"A": "start", "z": "end", "Z": "end_or_break", "b": "boundary", "B": "no_boundary"}
_LOOKS = {"=": (False, False), "!": (False, True), "<=": (True, False), "<!": (True, True)}


def parse(text: str) -> tuple[Node, int]:
    """The tree of a pattern, and the number of its capturing groups.

    Raises: JavaSyntaxError, UnsupportedPatternError.
    """
    parser = _Parser(text)
    return parser.whole(), parser.groups


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, text: str) -> None:
        self.reader = Reader(text)
        self.groups = 0
        self.closed: set[int] = set()
        self.names: dict[str, int] = {}
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise self.reader.refuse("half of a surrogate pair")

    def whole(self) -> Node:
        """The whole pattern."""
        node = self._alternatives()
        if self.reader.at < len(self.reader.text):
            raise self.reader.wrong("Unmatched closing ')'")
        return node

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self.reader.take("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while (char := self.reader.peek()) not in ("", "|", ")"):
            start = self.reader.at
            node = self._group() if char == "(" else self._quantified(self._atom(char), start)
            if node is not None:
                items.append(node)
        return items[0] if len(items) == 1 else Seq(tuple(items))

    def _atom(self, char: str) -> Node:
        reader = self.reader
        if char == "[":
            return Chars(bracket(reader))
        if char == "\\":
            return self._escape()
        if char in "*+?":
            raise reader.wrong(f"Dangling meta character '{char}'")
        if char == "{":  # a second count has no effect: a{2}{3} is a{2}
            return Seq(())
        reader.next()
        if char == ".":
            breaks = charset.set_of("\n") if "d" in reader.flags else LINE_BREAKS
            return Chars(charset.ANY if "s" in reader.flags else charset.complement(breaks))
        if char == "^":
            return self._place("line_start") if "m" in reader.flags else Assertion("start")
        if char == "$":
            return self._place("line_end" if "m" in reader.flags else "end_or_break")
        return self._char(char)

    def _place(self, kind: str) -> Assertion:
        return Assertion(f"unix_{kind}" if "d" in self.reader.flags else kind)

    def _char(self, char: str) -> Chars:
        return Chars(either_case(self.reader, char))

    def _escape(self) -> Node:
        reader, char, start = self.reader, self.reader.raw(1), self.reader.at
        if char in _PLACES and char:
            reader.skip()
            if char == "b" and reader.peek() == "{":
                raise reader.refuse("\\b{…}")
            if char in "bB" and "U" in reader.flags:
                raise reader.refuse(f"\\{char} under (?U)")
            return self._place("end_or_break") if char == "Z" else Assertion(_PLACES[char])
        if char == "R":
            reader.skip()
            return self._line_break()
        if char == "k":
            reader.skip()
            return self._named_backref(start)
        if char in "123456789" and char:
            reader.skip()
            return self._backref(char, start)
        chars: str | CharSet = escaped(reader)
        return self._char(chars) if isinstance(chars, str) else Chars(chars)

    def _line_break(self) -> Node:
        return Atomic(LINE_BREAK) if self.reader.peek() in ("*", "+", "?", "{") else LINE_BREAK

    def _named_backref(self, start: int) -> Backref:
        if not self.reader.take("<") or (name := self._name()) not in self.names:
            raise self.reader.wrong("named backreference to no group")
        return self._backref_to(self.names[name], start)

    def _backref_to(self, index: int, start: int) -> Backref:
        if {"i", "u"} <= self.reader.flags:
            raise self.reader.refuse("a backreference under (?iu)")
        if index not in self.closed:
            raise self.reader.refuse(
                "a reference to a group that is not closed yet", "refer to an earlier group", self.reader.shown(start)
            )
        return Backref(index, "i" in self.reader.flags)

    def _name(self) -> str:
        name = ""
        while (char := self.reader.read()).isascii() and char.isalnum():
            name += char
        if char != ">" or not name[:1].isalpha():
            raise self.reader.wrong("bad group name")
        return name

    def _backref(self, digits: str, start: int) -> Backref:
        # Java takes further digits only if that many groups have been opened.
        while (char := self.reader.peek()) and char in "0123456789" and int(digits + char) <= self.groups:
            digits += self.reader.read()
        return self._backref_to(int(digits), start)

    def _group(self) -> Node | None:
        reader, outer, start = self.reader, self.reader.flags, self.reader.at
        if reader.next() != "?":
            node: Node = self._capturing()
        else:
            kind = reader.skip()
            if kind == "<" and reader.peek() not in ("=", "!"):
                node = self._named()
            elif kind in ("=", "!", "<"):
                node = self._look(kind + reader.read() if kind == "<" else kind)
            elif kind in (":", ">"):
                node = self._alternatives()
                node = Atomic(node) if kind == ">" else node
            elif self._switch_flags() == ")":
                return None
            else:
                node = self._alternatives()
        reader.expect(")", "Unclosed group")
        reader.flags = outer
        if not isinstance(node, Look | Atomic):
            return self._quantified(node, start, is_group=True)
        node = replace(node, where=reader.shown(start))
        if isinstance(node, Look) and node.behind:
            self._check_lookbehind(node)
        return self._quantified(node, start)

    def _check_lookbehind(self, node: Look) -> None:
        least, most = cost.lengths(node.item)
        if least != most or least > MAX_REPEAT:
            raise self.reader.refuse(
                "a lookbehind of several lengths",
                "write one for each length, as (?:(?<=a)|(?<=bc)) or (?<!a)(?<!bc)",
                node.where,
            )

    def _capturing(self) -> Group:
        self.groups += 1
        index = self.groups  # numbered by the opening bracket
        item = self._alternatives()
        self.closed.add(index)
        return Group(item, index)

    def _named(self) -> Group:
        name = self._name()
        if name in self.names:
            raise self.reader.wrong(f"group name {name} is used twice")
        self.names[name] = self.groups + 1
        return self._capturing()

    def _look(self, kind: str) -> Look:
        return Look(self._alternatives(), *_LOOKS[kind])

    def _switch_flags(self) -> str:
        """Read flags, of which the character after them is returned.

        ``(?flags)`` applies to the end of the enclosing group, ``(?flags:…)`` inside its own.
        """
        reader, on = self.reader, True
        reader.at -= 1
        while (char := reader.peek()) not in (")", ":"):
            if char == "c" and on:
                raise reader.refuse("the flag c (canonical equivalence)")
            if char == "-" and on:
                on = False
            elif char and char in "idmsxucU":
                changed = {"u", "U"} if char == "U" else {char}  # (?U) implies (?u)
                reader.flags = reader.flags | changed if on else reader.flags - changed
            else:
                raise reader.wrong("Unknown inline modifier")
            reader.at += 1
        reader.at += 1
        return char

    def _quantified(self, node: Node, start: int, is_group: bool = False) -> Node:
        """The node with the counts after it. For Java ``(…)?`` is a choice; other counts repeat the node."""
        counts = read_counts(self.reader)
        if counts is None:
            return node
        mode = "+" if self.reader.take("+") else "?" if self.reader.take("?") else ""
        if counts == (0, 1) and is_group and mode != "+":
            return Alt((Seq(()), node)) if mode else Alt((node, Seq(())))
        by_rounds = not isinstance(node, Chars) and (not is_group or is_deterministic(node))
        return Repeat(node, *counts, mode, by_rounds, self.reader.shown(start))
