"""Lines on which the agent itself ends: Java's matcher recurses over each round of a repeated group.

Nothing here recurses, so such a line is converted all the same. But whoever moves away from the agent wants to know.
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

ROUNDS = (
    1_500  # Java 17 with its usual stack came to 1,637 rounds of the shortest group, before it had compiled the code
)
WARNING = "the agent would crash on this line (its JVM's stack overflows); converted here"


def crash_test(options: Options) -> Callable[[str], bool] | None:
    """For one entry of ``dataProcessingOptions``: a function of a line that it converts; None: it never crashes."""
    if options.get("optionName") != "LOGTOJSON":
        return None
    if options.get("matchPattern") is not None:
        return _own_pattern(JavaPattern(text_of(options["matchPattern"])))
    known = LOG_FORMATS[str(options["logFormat"])]
    if known.host is None:
        return None
    place = known.host

    def has_many_labels(line: str) -> bool:
        match = known.pattern.fullmatch(line)
        return match is not None and str(match.group(place)).count(".") > ROUNDS

    return has_many_labels


def _own_pattern(pattern: JavaPattern) -> Callable[[str], bool] | None:
    limited = _limited(pattern.node)
    if limited == pattern.node:
        return None
    fullmatch = re.compile(write(limited)).fullmatch
    return lambda line: pattern.is_bounded(line) and pattern.is_match(line) and fullmatch(line) is None


def _limited(node: Node) -> Node:
    """The tree with no more than ROUNDS rounds of each repeat over which Java recurses."""
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
