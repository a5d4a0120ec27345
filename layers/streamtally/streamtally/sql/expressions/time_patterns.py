"""What is often wrong with the date patterns of CHAR_TO_TIMESTAMP and its kin, though it compiles.

Source: *Template Strings to Create Specific Output Timestamps* in Kinesis Analytics' SQL Reference. The letters are
those of Java's SimpleDateFormat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp

from streamtally.sql.expressions.translator import Translator

PATTERN_FIRST = frozenset(
    ("CHAR_TO_DATE", "CHAR_TO_TIME", "CHAR_TO_TIMESTAMP", "DATE_TO_CHAR", "TIMESTAMP_TO_CHAR", "TIME_TO_CHAR")
)
"""Functions whose first argument is a date pattern."""

_PATTERN = re.compile(r"yyyy|YYYY|HH:mm|dd/M|MM/d|hh:mm")
_QUOTED = re.compile(r"'[^']*'")
_MINUTE_AS_MONTH = re.compile(
    r"""
    y [-/.]? mm (?!m)        # after the year
    | d [-/.] mm [-/.]? y    # between day and year
    | (?<!m) mm [-/.] dd?    # before the day
    """,
    re.VERBOSE,
)


def check_pattern(translator: Translator, origin: exp.Expr, name: str, nodes: Sequence[exp.Expr]) -> None:
    """Note what a pattern probably should have been.

    Raises: SqlError: the arguments are in the wrong order, as their types show.
    """
    pattern, value = nodes
    if not _is_text(pattern) and _is_text(value) and _PATTERN.search(str(value.this)):
        order = f"{name} takes the pattern first: {name}('{value.this}', …)"
        if not translator.translate(pattern).type.is_text:
            raise translator.problems.error(origin, "the arguments are in the wrong order", order)
        translator.problems.note(origin, f"the arguments seem to be in the wrong order: {order}")
    if _is_text(pattern):
        for note in _doubts(_QUOTED.sub("", str(pattern.this))):
            translator.problems.note(origin, f"{name}('{pattern.this}', …): {note}")


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _doubts(pattern: str) -> list[str]:
    doubts = []
    if "Y" in pattern and "w" not in pattern:
        doubts.append("Y is the year of the week, which differs around New Year; the year is yyyy")
    if "D" in pattern and re.search("[yY].*M|M.*[yY]", pattern):
        doubts.append("D is the day of the year; the day of the month is dd")
    if _MINUTE_AS_MONTH.search(pattern) and "M" not in pattern:
        doubts.append("mm is minutes; the month is MM")
    return doubts
