"""What java.util.regex works out about a group before it compiles it (``study``): its lengths, and whether it is fixed.

Java decides by it which lookbehinds it takes and how it runs a repeated group, so the result has to be Java's own, also
where that is odd: lengths are 32-bit numbers that overflow, and an endless repeat of one character counts as the
greatest of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamtally.patterns import charset
from streamtally.patterns.classes import VERTICAL
from streamtally.patterns.tree import Alt, Atomic, Backref, Chars, Group, Node, Repeat, Seq

LINE_BREAK = Alt((Seq((Chars(charset.of("\r")), Chars(charset.of("\n")))), Chars(VERTICAL)))  # \\R

_MOST = 0x7FFFFFFF
_MANY = 0xFFFFFFF


def wrapped(number: int) -> int:
    """The number as a 32-bit one."""
    return (number + 0x80000000) % 0x100000000 - 0x80000000


@dataclass
class Study:
    """Of a run of nodes: the lengths that they match, whether the longest one is known, whether there is one way."""

    least: int = 0
    most: int = 0
    is_bounded: bool = True
    is_fixed: bool = True

    def add(self, other: Study) -> None:
        """What follows."""
        self.least = wrapped(self.least + other.least)
        self.most = wrapped(self.most + other.most)
        self.is_bounded &= other.is_bounded
        self.is_fixed &= other.is_fixed


def study(node: Node) -> Study:
    """Of one node of the tree."""
    found, before = Study(), Study()
    _study(node, found, before)
    found.add(before)
    return found


def _study(node: Node, so_far: Study, before: Study) -> None:
    # Behind a choice Java begins anew and adds up in the end, so that no overflow shows across it.
    match node:
        case Chars():
            so_far.add(Study(1, 1))
        case Group(item) | Atomic(item):
            _study(item, so_far, before)
        case Seq(items):
            for item in items:
                _study(item, so_far, before)
        case Alt() if node == LINE_BREAK:
            so_far.add(Study(1, 2))
        case Alt(branches):
            each = [study(branch) for branch in branches]
            least, most = min(one.least for one in each), max(-1, *(one.most for one in each))
            before.add(so_far)
            before.add(Study(least, most, all(one.is_bounded for one in each), False))
            vars(so_far).update(vars(Study()))
        case Repeat():
            _study_repeat(node, so_far, before)
        case Backref():
            so_far.is_bounded = False
        case _:
            pass


def _study_repeat(node: Repeat, so_far: Study, before: Study) -> None:
    if (node.min_count, node.max_count) == (0, 1):
        least = so_far.least
        _study(node.item, so_far, before)
        so_far.least, so_far.is_fixed = least, False
        return None
    inner = study(node.item)
    if isinstance(node.item, Chars) and node.max_count is None and node.mode == "":
        return so_far.add(Study(node.min_count, _MOST, True, False))
    least = wrapped(wrapped(inner.least * node.min_count) + so_far.least)
    so_far.least = _MANY if least < so_far.least else least
    most = wrapped(wrapped(inner.most * (_MOST if node.max_count is None else node.max_count)) + so_far.most)
    is_loop = not node.by_rounds and not isinstance(node.item, Chars) and node.mode != "+"
    so_far.is_bounded &= inner.is_bounded and most >= so_far.most and not is_loop
    so_far.most = most
    so_far.is_fixed &= inner.is_fixed and node.min_count == node.max_count
    return None
