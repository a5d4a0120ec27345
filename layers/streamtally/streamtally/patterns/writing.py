"""A pattern's tree as pattern text for Python's ``re`` and for RE2, with its character classes written out."""

from __future__ import annotations

from collections.abc import Mapping

from streamtally.patterns import charset, cost
from streamtally.patterns.assertions import ASSERTIONS, IN_RE2
from streamtally.patterns.tree import Alt, Assertion, Atomic, Backref, Chars, Group, Look, Node, Repeat, Seq


class NotInRe2Error(Exception):
    """RE2 does not support a construct, or interprets it in another way."""


def _bounds(node: Repeat) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.min_count, node.max_count))
    if simple:
        return simple
    most = "" if node.max_count is None else node.max_count
    return f"{{{node.min_count}}}" if node.min_count == most else f"{{{node.min_count},{most}}}"


def write(node: Node, assertions: Mapping[str, str] = ASSERTIONS) -> str:
    """The tree as pattern text for Python's ``re``.

    Args: assertions: the pattern text of each kind of assertion.
    """
    return _write(node, assertions, False)


def write_for_re2(node: Node) -> str:
    """The tree as pattern text for RE2. Raises: NotInRe2Error."""
    return _write(node, IN_RE2, True)


def _write(node: Node, assertions: Mapping[str, str], for_re2: bool) -> str:
    def inside(item: Node) -> str:
        return _write(item, assertions, for_re2)

    match node:
        case Chars(chars):
            return charset.to_class(chars)
        case Seq(items):
            return "".join(f"(?:{inside(item)})" if isinstance(item, Alt) else inside(item) for item in items)
        case Alt(branches):
            return "|".join(map(inside, branches))
        case Group(item):
            return f"({inside(item)})"
        case Repeat(item):
            if for_re2 and (node.mode == "+" or (node.max_count is None and cost.first(item)[1])):
                raise NotInRe2Error
            repeated = inside(item) if isinstance(item, Chars | Group) else f"(?:{inside(item)})"
            return repeated + _bounds(node) + node.mode
        case Assertion(kind) if kind in assertions:
            return assertions[kind]
    if for_re2:
        raise NotInRe2Error
    return _write_python_only(node, assertions)


def _write_python_only(node: Node, assertions: Mapping[str, str]) -> str:
    match node:
        case Atomic(item):
            return f"(?>{write(item, assertions)})"
        case Look(item, behind, negative):
            return f"(?{'<' if behind else ''}{'!' if negative else '='}{write(item, assertions)})"
        case Backref(index, fold):
            return f"(?{'ai' if fold else ''}:\\{index})"
        case _:
            raise AssertionError(node)


def without_end_anchors(node: Node, head: bool, tail: bool) -> Node:
    """The tree without ``^`` at the head and ``$`` at the tail, where a match of the whole line implies them."""
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
