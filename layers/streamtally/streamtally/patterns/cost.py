"""How much work a pattern can cause in a backtracking engine, as an exponent of the line's length.

If the character after a repeat can also belong to the repeat, the repeat can end at many positions, and each may be
tried: one factor of the length. Such a repeat inside another one is unbounded. The result is never too low; for
patterns without a choice, such as ``"([^"]*)" (\\d+)``, it is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamtally.patterns import charset
from streamtally.patterns.charset import CharSet
from streamtally.patterns.engine import UNBOUNDED
from streamtally.patterns.tree import Alt, Assertion, Atomic, Backref, Chars, Group, Look, Node, Repeat, Seq

_SMALL_COUNT = 8  # a counted repeat up to here is a constant factor


@dataclass(frozen=True)
class Cost:
    """The cost of a node."""

    degree: int
    """The exponent of the line's length."""
    choice: bool
    """Whether the match can go on in more than one way at some position."""


def degree(node: Node) -> int:
    """The exponent for a match from one position on; 0 is linear time. At most UNBOUNDED."""
    return min(_cost(node, charset.NONE).degree, UNBOUNDED)


def first(node: Node) -> tuple[CharSet, bool]:
    """The characters with which a match can begin, and whether it can be empty."""
    match node:
        case Chars(chars):
            return chars, False
        case Group(item) | Atomic(item):
            return first(item)
        case Alt(branches):
            firsts = [first(branch) for branch in branches]
            return charset.union(*(chars for chars, _ in firsts)), any(empty for _, empty in firsts)
        case Seq(items):
            return _first_of(items)
        case Repeat(item, least):
            chars, empty = first(item)
            return chars, empty or least == 0
        case Backref():
            return charset.ANY, True
        case _:
            return charset.NONE, True


def _first_of(items: tuple[Node, ...]) -> tuple[CharSet, bool]:
    total: CharSet = charset.NONE
    for item in items:
        chars, empty = first(item)
        total = charset.union(total, chars)
        if not empty:
            return total, False
    return total, True


def lengths(node: Node) -> tuple[int, int | None]:
    """The fewest and the most characters that a match can have; most is None without a bound."""
    match node:
        case Chars():
            return 1, 1
        case Group(item) | Atomic(item):
            return lengths(item)
        case Alt(branches):
            pairs = [lengths(branch) for branch in branches]
            unbounded = any(most is None for _, most in pairs)
            return min(least for least, _ in pairs), None if unbounded else max(most or 0 for _, most in pairs)
        case Seq(items):
            pairs = [lengths(item) for item in items]
            unbounded = any(most is None for _, most in pairs)
            return sum(least for least, _ in pairs), None if unbounded else sum(most or 0 for _, most in pairs)
        case Repeat(item, fewest, most_rounds):
            least, longest = lengths(item)
            return least * fewest, None if longest is None or most_rounds is None else longest * most_rounds
        case Backref():
            return 0, None
        case Look() | Assertion():
            return 0, 0


def _cost(node: Node, follow: CharSet) -> Cost:
    match node:
        case Group(item):
            return _cost(item, follow)
        case Atomic(item):
            inner = _cost(item, charset.ANY)
            return Cost(inner.degree, False)
        case Look(item):
            inner = _cost(item, charset.ANY)
            return Cost(inner.degree, inner.choice)
        case Alt(branches):
            return _cost_of_branches(branches, follow)
        case Seq(items):
            return _cost_of_sequence(items, follow)
        case Repeat():
            return _cost_of_repeat(node, follow)
        case Backref():
            return Cost(1, True)
        case Chars() | Assertion():
            return Cost(0, False)


def _cost_of_branches(branches: tuple[Node, ...], follow: CharSet) -> Cost:
    costs = [_cost(branch, follow) for branch in branches]
    seen: CharSet = charset.NONE
    choice = any(cost.choice for cost in costs)
    for branch in branches:
        chars, empty = first(branch)
        chars = charset.union(chars, follow) if empty else chars
        choice = choice or charset.overlaps(seen, chars)
        seen = charset.union(seen, chars)
    return Cost(max(cost.degree for cost in costs), choice)


def _cost_of_sequence(items: tuple[Node, ...], follow: CharSet) -> Cost:
    total, choice = 0, False
    for index in range(len(items) - 1, -1, -1):
        cost = _cost(items[index], follow)
        total, choice = total + cost.degree, choice or cost.choice
        chars, empty = first(items[index])
        follow = charset.union(chars, follow) if empty else chars
    return Cost(total, choice)


def _cost_of_repeat(node: Repeat, follow: CharSet) -> Cost:
    chars, empty = first(node.item)
    endless = node.max_count is None or node.max_count > _SMALL_COUNT
    inner = _cost(node.item, charset.union(chars, follow) if endless else follow)
    if endless and (inner.choice or inner.degree or empty):
        return Cost(UNBOUNDED, True)
    counted_exactly = node.min_count == node.max_count
    overlap = node.mode != "+" and not counted_exactly and charset.overlaps(chars, follow)
    grown = 1 if endless and overlap else inner.degree * (node.max_count or 1)
    return Cost(grown, overlap or inner.choice)
