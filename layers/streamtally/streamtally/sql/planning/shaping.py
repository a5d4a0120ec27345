"""Final steps for an output of the plan: event times, dates for the index, conditions joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamtally.plan.types import DATE, TIMESTAMP, SqlType
from streamtally.sql.plan_tree import contains, rewritten

ARRIVAL: dict[str, Any] = {"time": "arrival"}
EVENT: dict[str, Any] = {"time": "event"}

_ISO_PATTERN = re.compile(
    r"""
    yyyy-MM-dd
    (?:
        'T'HH:mm (?: :ss (?: \.S{1,3} )? )?  # to minutes, seconds or milliseconds
        (?: Z | X{1,3} | 'Z' )?              # an offset, or Z as text
    )?
    """,
    re.VERBOSE,
)
"""Patterns of CHAR_TO_TIMESTAMP whose texts OpenSearch reads as dates."""


def with_event_time(node: Any, is_event_time: Callable[[Mapping[str, Any]], bool]) -> Any:
    """Replace every call that reads the event time by the event time itself, so that it is read only once."""
    return rewritten(node, lambda call: dict(EVENT) if is_event_time(call) else None)


def conjunction(conditions: Sequence[Mapping[str, Any]]) -> Any:
    """The condition that all conditions are TRUE, evaluated in order; None without conditions."""
    if len(conditions) <= 1:
        return conditions[0] if conditions else None
    return {"op": "and", "args": list(conditions)}


def row_time(rowtime: Any, columns: Sequence[Mapping[str, Any]]) -> Any:
    """The time of a row's document: ROWTIME if the program sets it, else the event time if it is read, else arrival."""
    if rowtime == ARRIVAL and any(contains(column["expr"], EVENT) for column in columns):
        return {"op": "coalesce", "args": [dict(EVENT), dict(ARRIVAL)]}
    return rowtime


def column_entry(name: str, sql_type: SqlType, node: Any) -> dict[str, Any]:
    """A column of an output. Its index field is a date for a TIMESTAMP, a DATE, and a time written as ISO 8601 text."""
    if node.get("cast") is not None and node.get("type") == str(sql_type):
        node = node["cast"]  # the column casts to its own type anyway
    entry = {"name": name, "type": str(sql_type), "expr": node}
    if sql_type in (TIMESTAMP, DATE) or _is_iso_text(node):
        entry["index_type"] = "date"
    return entry


def _is_iso_text(node: Any) -> bool:
    if node.get("call") != "timestamp_to_char":
        return False
    pattern = node["args"][0].get("literal")
    return isinstance(pattern, str) and _ISO_PATTERN.fullmatch(pattern) is not None
