"""Patterns with which ``re`` and RE2 may capture other groups than java.util.regex, or end elsewhere: refused by name.

Java differs in empty rounds of a repeat, in groups inside constructs that it matches atomically (lookarounds, atomic
groups, possessive repeats), and in repeated groups whose rounds it takes whole. No pattern of the Kinesis Agent's
conformance table is one of these. Each of them can be written so that all engines agree.
"""

from __future__ import annotations

from typing import NamedTuple

from streamtally.patterns.cost import first
from streamtally.patterns.tree import Alt, Atomic, Group, Look, Node, Repeat, children, has_group, is_deterministic


class Difference(NamedTuple):
    """A construct that other engines may match differently."""

    where: str
    """The construct's text in the pattern, and its index."""
    what: str
    """The construct, by name."""
    advice: str
    """What to write instead."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} has no equal here; {self.advice}"


def find_difference(node: Node, groups_matter: bool, end_matters: bool, always: bool = True) -> Difference | None:
    """The first construct that other engines may match differently; None: all agree on the pattern.

    Args:
        groups_matter: whether the groups are part of the result, or decide about it (backreferences).
        end_matters: whether the match's end is part of the result, or is decided before the rest is matched.
        always: whether every match passes the node: a group that a lookaround sets each time has the last value.
    """
    match node:
        case Repeat():
            difference = _of_repeat(node, groups_matter, end_matters)
            if difference is not None:
                return difference
            end_matters, always = end_matters or node.mode == "+", always and node.min_count > 0
        case Alt():
            always = False
        case Atomic(item) | Look(item):
            is_negative = isinstance(node, Look) and node.negative
            is_set_again = always and not _has_choice_of_groups(item) and not is_negative
            if groups_matter and has_group(item) and not is_set_again:
                kind = "a lookaround" if isinstance(node, Look) else "an atomic group"
                return Difference(node.where, f"a capturing group inside {kind}", "make it a (?:…) or capture outside")
            end_matters = True
    below = (find_difference(child, groups_matter, end_matters, always) for child in children(node))
    return next((difference for difference in below if difference is not None), None)


def _has_choice_of_groups(node: Node) -> bool:
    """Whether a match of the node can leave one of its groups unset."""
    if isinstance(node, Alt) or (isinstance(node, Repeat) and node.min_count == 0) or isinstance(node, Look):
        return has_group(node)
    return any(_has_choice_of_groups(child) for child in children(node))


def _of_repeat(node: Repeat, groups_matter: bool, end_matters: bool) -> Difference | None:
    item, possessive = node.item, node.mode == "+"
    groups_matter = groups_matter and has_group(item)
    if first(item)[1] and (groups_matter or end_matters or possessive):
        return Difference(
            node.where, "a repeat whose round may be empty", "let each round match a character, as (a+,)* for (a*,?)*"
        )
    inner = item.item if isinstance(item, Group) else item
    if node.by_rounds and groups_matter and has_group(inner):
        return Difference(node.where, "a capturing group inside a repeated group", "make the inner group a (?:…)")
    if possessive and groups_matter:
        return Difference(node.where, "a capturing group inside a possessive repeat", "make it a (?:…)")
    if possessive and node.min_count > 1 and not is_deterministic(item):
        return Difference(
            node.where, "a possessive repeat of a choice with a least count", "write the count without the +"
        )
    return None
