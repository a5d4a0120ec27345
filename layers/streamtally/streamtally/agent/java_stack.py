"""Lines on which the agent itself crashes: Java's matcher recurses for each round of a repeated group.

Streamtally does not recurse, and converts such a line; the warning is for users who compare their results with the
agent's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from streamtally.agent.log_formats import LOG_FORMATS
from streamtally.agent.options import Options, text_of
from streamtally.patterns.java_regex import JavaPattern
from streamtally.patterns.tree import Alt, Atomic, Chars, Group, Look, Node, Repeat, Seq
from streamtally.patterns.writing import write

ROUNDS = 1_500
"""Java 17 with its default stack reached 1,637 rounds of the shortest group before it had compiled the code."""
WARNING = "the agent would crash on this line (its JVM's stack overflows); converted here"


def crash_test(options: Options) -> Callable[[str], bool] | None:
    """A test of the lines of one entry of ``dataProcessingOptions``; None: the agent never crashes on it."""
    if options.get("optionName") != "LOGTOJSON":
        return None
    if options.get("matchPattern") is not None:
        return _own_pattern(JavaPattern(text_of(options["matchPattern"])))
    log_format = LOG_FORMATS[str(options["logFormat"])]
    host_group = log_format.host
    if host_group is None:
        return None

    def has_many_labels(line: str) -> bool:
        match = log_format.pattern.fullmatch(line)
        return match is not None and str(match.group(host_group)).count(".") > ROUNDS

    return has_many_labels


def _own_pattern(pattern: JavaPattern) -> Callable[[str], bool] | None:
    limited = _limited(pattern.node)
    if limited == pattern.node:
        return None
    fullmatch = re.compile(write(limited)).fullmatch
    return lambda line: pattern.is_bounded(line) and pattern.is_match(line) and fullmatch(line) is None


def _limited(node: Node) -> Node:
    """The tree with at most ROUNDS rounds of each repeat for which Java recurses."""
    match node:
        case Seq(items):
            return Seq(tuple(map(_limited, items)))
        case Alt(branches):
            return Alt(tuple(map(_limited, branches)))
        case Repeat(item, _, most, mode, by_rounds):
            recurses = not (isinstance(item, Chars) or by_rounds or mode == "+")
            return replace(node, item=_limited(item), max_count=ROUNDS if most is None and recurses else most)
        case Group(item) | Atomic(item) | Look(item):
            return replace(node, item=_limited(item))
        case _:
            return node
