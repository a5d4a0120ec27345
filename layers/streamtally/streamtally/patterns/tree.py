"""What a pattern of java.util.regex is read into: a tree of small nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamtally.patterns import charset
from streamtally.patterns.charset import CharSet
from streamtally.patterns.classes import VERTICAL


@dataclass(frozen=True)
class Chars:
    """One character of a set."""

    chars: CharSet


@dataclass(frozen=True)
class Seq:
    """One node after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """The first branch that leads to a match."""

    branches: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """A node, repeated."""

    item: Node
    min_count: int
    max_count: int | None
    """None: without end."""
    mode: str
    """Greedy ``""``, lazy ``"?"`` or possessive ``"+"``."""
    by_rounds: bool = False
    """Whether Java takes each round of the repeated group whole, since the group can match in one way only."""
    where: str = field(default="", compare=False)
    """The node's text in the pattern and its index, for messages."""


@dataclass(frozen=True)
class Group:
    """A capturing group; ``index`` counts from 1."""

    item: Node
    index: int


@dataclass(frozen=True)
class Atomic:
    """``(?>…)``."""

    item: Node
    where: str = field(default="", compare=False)
    """As in Repeat."""


@dataclass(frozen=True)
class Look:
    """A lookahead or lookbehind."""

    item: Node
    behind: bool
    negative: bool
    where: str = field(default="", compare=False)
    """As in Repeat."""


@dataclass(frozen=True)
class Backref:
    """What a group matched, once more; ``fold``: without regard to the case of ASCII letters."""

    index: int
    fold: bool = False


@dataclass(frozen=True)
class Assertion:
    """A position in the text; ``kind`` is a key of ``assertions.ASSERTIONS``."""

    kind: str


Node = Chars | Seq | Alt | Repeat | Group | Atomic | Look | Backref | Assertion

LINE_BREAK = Alt((Seq((Chars(charset.set_of("\r")), Chars(charset.set_of("\n")))), Chars(VERTICAL)))
r"""``\R``."""


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


def has_backref(node: Node) -> bool:
    """Whether what a group holds can decide what matches."""
    return isinstance(node, Backref) or any(has_backref(child) for child in children(node))


def has_boundary(node: Node) -> bool:
    r"""Whether ``\b`` or ``\B`` is in the tree."""
    if isinstance(node, Assertion):
        return node.kind in ("boundary", "no_boundary")
    return any(has_boundary(child) for child in children(node))


def is_deterministic(node: Node) -> bool:
    """Whether Java holds that the node matches in one way only (``TreeInfo.deterministic`` of its ``study``)."""
    match node:
        case Alt():
            return node == LINE_BREAK
        case Repeat(item, least, most):
            return least == most and is_deterministic(item)
        case Look():
            return True
        case _:
            return all(is_deterministic(child) for child in children(node))
