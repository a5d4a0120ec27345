"""Patterns on which Python's ``re`` and RE2 may come to other groups, or to another end, than java.util.regex.

Empty rounds of a repeat, groups inside what is matched at one go, and repeats that Java takes round by round: these run
in bitstate alone, which does as Java does.
"""

from __future__ import annotations

from streamtally.patterns.cost import first
from streamtally.patterns.study import study
from streamtally.patterns.tree import Alt, Atomic, Backref, Group, Look, Node, Repeat, children, has_group


def has_backref(node: Node) -> bool:
    """Whether what a group holds can decide what matches."""
    return isinstance(node, Backref) or any(has_backref(child) for child in children(node))


def is_quirky(node: Node, groups_matter: bool, end_matters: bool, always: bool = True) -> bool:
    """Whether only bitstate gives Java's result.

    Args:
        groups_matter: whether what the groups hold is asked for, or decides.
        end_matters: whether it is asked for where the match ends, or decided before the rest is looked at.
        always: whether every match passes the node; what a lookaround sets each time is then set anew by the last one.
    """
    match node:
        case Repeat():
            if _is_quirky_repeat(node, groups_matter, end_matters):
                return True
            end_matters, always = end_matters or node.mode == "+", always and node.min_count > 0
        case Alt():
            always = False
        case Atomic(item) | Look(item):
            is_set_anew = always and not _has_choice_of_groups(item) and not (isinstance(node, Look) and node.negative)
            if groups_matter and has_group(item) and not is_set_anew:
                return True
            end_matters = True
    return any(is_quirky(child, groups_matter, end_matters, always) for child in children(node))


def _has_choice_of_groups(node: Node) -> bool:
    """Whether a match of the node can leave one of its groups as it was."""
    if isinstance(node, Alt) or (isinstance(node, Repeat) and node.min_count == 0) or isinstance(node, Look):
        return has_group(node)
    return any(_has_choice_of_groups(child) for child in children(node))


def leaves_groups(node: Node) -> bool:
    """Whether a group can stay set though the match went another way behind it."""
    match node:
        case Atomic(item) | Look(item) if has_group(item):
            return True
        case Repeat(item, _, _, mode, by_rounds) if has_group(_inside(item)) and (by_rounds or mode == "+"):
            return True
    return any(leaves_groups(child) for child in children(node))


def _inside(item: Node) -> Node:
    return item.item if isinstance(item, Group) else item


def _is_quirky_repeat(node: Repeat, groups_matter: bool, end_matters: bool) -> bool:
    item, possessive = node.item, node.mode == "+"
    groups_matter = groups_matter and has_group(item)
    if first(item)[1] and (groups_matter or end_matters or possessive):
        return True
    if node.by_rounds and groups_matter and has_group(_inside(item)):
        return True
    return possessive and (groups_matter or (node.min_count > 1 and not study(item).is_fixed))
