"""A pattern's tree as pattern text for Python's ``re`` and for RE2, with its character classes spelled out."""

from __future__ import annotations

from streamtally.patterns import charset, cost
from streamtally.patterns.assertions import ASSERTIONS, IN_RE2
from streamtally.patterns.tree import Alt, Assertion, Atomic, Backref, Chars, Group, Look, Node, Repeat, Seq


class NotInRe2Error(Exception):
    """RE2 does not know a construct, or gives it another meaning."""


def _bounds(node: Repeat) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.min_count, node.max_count))
    if simple:
        return simple
    most = "" if node.max_count is None else node.max_count
    return f"{{{node.min_count}}}" if node.min_count == most else f"{{{node.min_count},{most}}}"


def write(node: Node, for_re2: bool = False) -> str:
    """The tree as pattern text for Python's ``re`` or for RE2. Raises: NotInRe2Error."""
    match node:
        case Chars(chars):
            return charset.to_class(chars)
        case Seq(items):
            return "".join(
                f"(?:{write(item, for_re2)})" if isinstance(item, Alt) else write(item, for_re2) for item in items
            )
        case Alt(branches):
            return "|".join(write(branch, for_re2) for branch in branches)
        case Group(item):
            return f"({write(item, for_re2)})"
        case Repeat(item):
            inner = write(item, for_re2)
            inner = inner if isinstance(item, Chars | Group) else f"(?:{inner})"
            if for_re2 and (node.mode == "+" or (node.max_count is None and cost.first(item)[1])):
                raise NotInRe2Error
            return inner + _bounds(node) + node.mode
        case Assertion(kind) if for_re2:
            if kind not in IN_RE2:
                raise NotInRe2Error
            return IN_RE2[kind]
    if for_re2:
        raise NotInRe2Error
    return _write_python_only(node)


def _write_python_only(node: Node) -> str:
    match node:
        case Atomic(item):
            return f"(?>{write(item)})"
        case Look(item, behind, negative):
            return f"(?{'<' if behind else ''}{'!' if negative else '='}{write(item)})"
        case Backref(index, fold):
            return f"(?{'ai' if fold else ''}:\\{index})"
        case Assertion(kind):
            return ASSERTIONS[kind]
        case _:
            raise AssertionError(node)


def without_end_anchors(node: Node, head: bool, tail: bool) -> Node:
    """Drop ``^`` at the head and ``$`` at the tail, where a match of the whole line implies them."""
    match node:
        case Assertion("start") if head:
            return Seq(())
        case Assertion("end" | "end_or_break" | "unix_end_or_break") if tail:
            return Seq(())
        case Group(item, index):
            return Group(without_end_anchors(item, head, tail), index)
        case Alt(branches):
            return Alt(tuple(without_end_anchors(branch, head, tail) for branch in branches))
        case Seq(items):
            last = len(items) - 1
            return Seq(
                tuple(
                    without_end_anchors(item, head and index == 0, tail and index == last)
                    for index, item in enumerate(items)
                )
            )
        case _:
            return node
