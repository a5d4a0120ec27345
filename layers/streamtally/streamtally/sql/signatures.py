"""The functions of the dialect: their arguments, and the functions of the plan that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """A function of the dialect.

    Attributes:
        call: the function of the plan.
        takes: the kind of each argument: text, number, integer, timestamp, date or time.
        result: the type of its result, for documentation.
        optional: how many of the last arguments may be omitted.
        order: the index of each argument of the plan's call (there, patterns come first, to be compiled once); empty:
            the same order.
    """

    call: str
    takes: tuple[str, ...]
    result: str
    optional: int = 0
    order: tuple[int, ...] = ()


SIGNATURES: Mapping[str, Signature] = {
    "ABS": Signature("abs", ("number",), "as its argument"),
    "CEIL": Signature("ceil", ("number",), "as its argument"),
    "CHARACTER_LENGTH": Signature("char_length", ("text",), "INTEGER"),
    "CHAR_LENGTH": Signature("char_length", ("text",), "INTEGER"),
    "CHAR_TO_DATE": Signature("char_to_date", ("text", "text"), "DATE"),
    "CHAR_TO_TIME": Signature("char_to_time", ("text", "text"), "TIME"),
    "CHAR_TO_TIMESTAMP": Signature("char_to_timestamp", ("text", "text"), "TIMESTAMP"),
    "DATE_TO_CHAR": Signature("date_to_char", ("text", "date"), "VARCHAR"),
    "EXP": Signature("exp", ("number",), "DOUBLE"),
    "FLOOR": Signature("floor", ("number",), "as its argument"),
    "INITCAP": Signature("initcap", ("text",), "as its argument"),
    "LN": Signature("ln", ("number",), "DOUBLE"),
    "LOG10": Signature("log10", ("number",), "DOUBLE"),
    "LOWER": Signature("lower", ("text",), "as its argument"),
    "MOD": Signature("mod", ("number", "number"), "as its arguments"),
    "OVERLAY": Signature("overlay", ("text", "text", "integer", "integer"), "VARCHAR", optional=1),
    "POSITION": Signature("position", ("text", "text", "integer"), "INTEGER", optional=1),
    "POWER": Signature("power", ("number", "number"), "DOUBLE"),
    "REGEX_REPLACE": Signature(
        "regex_replace",
        ("text", "text", "text", "integer", "integer"),
        "VARCHAR",
        optional=2,
        order=(1, 2, 0, 3, 4),
    ),
    "SQRT": Signature("sqrt", ("number",), "DOUBLE"),
    "SUBSTRING": Signature("substring", ("text", "integer", "integer"), "as its first argument", optional=1),
    "TIMESTAMP_TO_CHAR": Signature("timestamp_to_char", ("text", "timestamp"), "VARCHAR"),
    "TIME_TO_CHAR": Signature("time_to_char", ("text", "time"), "VARCHAR"),
    "TO_TIMESTAMP": Signature("to_timestamp", ("number",), "TIMESTAMP"),
    "TRIM": Signature("trim", ("text", "text", "text"), "as its last argument"),
    "TSDIFF": Signature("tsdiff", ("timestamp", "timestamp"), "BIGINT"),
    "UNIX_TIMESTAMP": Signature("unix_timestamp", ("timestamp",), "BIGINT"),
    "UPPER": Signature("upper", ("text",), "as its argument"),
}

SUBSTRING_BY_PATTERN = Signature("substring_regex", ("text", "text"), "as its first argument", order=(1, 0))
"""``SUBSTRING(text FROM 'regular expression')``."""

SUBSTRING_SIMILAR = Signature("substring_similar", ("text", "text", "text"), "as its first argument", order=(2, 1, 0))
"""``SUBSTRING(text SIMILAR 'before#"wanted#"after' ESCAPE '#')``."""

LOG_PARSERS = (
    "FAST_REGEX_LOG_PARSE",
    "FIXED_COLUMN_LOG_PARSE",
    "REGEX_LOG_PARSE",
    "SYS_LOG_PARSE",
    "VARIABLE_COLUMN_LOG_PARSE",
    "W3C_LOG_PARSE",
)
"""Log parsers; their arguments are in :mod:`streamtally.sql.expressions.log_parsers`."""

AGGREGATE_CALLS: Mapping[str, str] = {
    "AVG": "avg",
    "COUNT": "count",
    "FIRST_VALUE": "first_value",
    "FIRST_VALUE IGNORE NULLS": "first_present",
    "LAST_VALUE": "last_value",
    "LAST_VALUE IGNORE NULLS": "last_present",
    "MAX": "max",
    "MIN": "min",
    "STDDEV": "stddev_samp",
    "STDDEV_POP": "stddev_pop",
    "STDDEV_SAMP": "stddev_samp",
    "SUM": "sum",
    "VARIANCE": "var_samp",
    "VAR_POP": "var_pop",
    "VAR_SAMP": "var_samp",
}
"""Aggregate functions, and the plan's names for them."""

SPECIAL = ("COALESCE", "NULLIF", "CAST", "EXTRACT", "STEP", "FLOOR", "CEIL", "MONOTONIC")
"""Functions with special rules."""

KNOWN_NAMES = (*SIGNATURES, *LOG_PARSERS, *AGGREGATE_CALLS, *SPECIAL)
"""Every function, to suggest near names."""

NOW = frozenset({"ROWTIME", "LOCALTIMESTAMP", "CURRENT_TIMESTAMP", "CURRENT_ROW_TIMESTAMP"})
"""Names for the time of the row about to be produced."""
