"""What a pattern of java.util.regex is read into: a tree of small nodes, and the errors of reading it.

What Java takes and this package cannot give the same meaning raises UnsupportedPatternError, which names the construct;
what Java refuses raises JavaSyntaxError.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamtally.errors import SettingsError
from streamtally.patterns.charset import CharSet


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
    """``max_count`` None: without end. ``mode``: greedy ``""``, lazy ``"?"``, possessive ``"+"``.

    ``by_rounds``: the item is a group of which Java's ``study`` holds that it matches in one way only; its rounds are
    then taken whole, and what the groups inside hold is not put back when a round is given back.
    """

    item: Node
    min_count: int
    max_count: int | None
    mode: str
    by_rounds: bool = False


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
    """A lookahead or lookbehind; ``reach``: how many characters before the place a lookbehind begins at."""

    item: Node
    behind: bool
    negative: bool
    reach: range = range(0)


@dataclass(frozen=True)
class Backref:
    """What a group matched, again; ``fold``: without regard to the case of ASCII letters."""

    index: int
    fold: bool = False


@dataclass(frozen=True)
class Assertion:
    """A place; ``kind`` is a key of ``bitstate.ASSERTIONS``."""

    kind: str


Node = Chars | Seq | Alt | Repeat | Group | Atomic | Look | Backref | Assertion


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
    match node:
        case Seq(items) | Alt(items):
            return items
        case Repeat(item) | Group(item) | Atomic(item) | Look(item):
            return (item,)
        case _:
            return ()


def has_group(node: Node) -> bool:
    """Whether a capturing group is in the tree."""
    return isinstance(node, Group) or any(has_group(child) for child in children(node))
