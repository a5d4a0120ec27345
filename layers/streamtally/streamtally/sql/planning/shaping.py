"""The last touches to a plan's output: event times, dates for the index, one condition out of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streamtally.plan.types import SqlType
from streamtally.sql.expressions.typed import TIMESTAMP

ARRIVAL: dict[str, Any] = {"time": "arrival"}
EVENT: dict[str, Any] = {"time": "event"}

_ISO_PATTERN = re.compile(r"yyyy-MM-dd(?:'T'HH:mm(?::ss(?:\.S{1,3})?)?(?:Z|X{1,3}|'Z')?)?")


def with_event_time(node: Any, is_event_time: Callable[[Mapping[str, Any]], bool]) -> Any:
    """The expression with every reading of the source's time column as its event time, which is read once for all."""
    if isinstance(node, list):
        return [with_event_time(each, is_event_time) for each in node]
    if not isinstance(node, dict):
        return node
    if is_event_time(node):
        return dict(EVENT)
    return {key: with_event_time(value, is_event_time) for key, value in node.items()}


def conjunction(conditions: Sequence[Mapping[str, Any]]) -> Any:
    """Conditions that must all be TRUE, the first evaluated first; None if there is none."""
    if len(conditions) <= 1:
        return conditions[0] if conditions else None
    return {"op": "and", "args": list(conditions)}


def row_time(rowtime: Any, columns: Sequence[Mapping[str, Any]]) -> Any:
    """The time of a row's document: what the program says, else the event time where it reads that, else arrival."""
    if rowtime == ARRIVAL and any(_holds(column["expr"], EVENT) for column in columns):
        return {"op": "coalesce", "args": [dict(EVENT), dict(ARRIVAL)]}
    return rowtime


def _holds(node: Any, leaf: Mapping[str, Any]) -> bool:
    if node == leaf:
        return True
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return any(_holds(each, leaf) for each in children)


def column_entry(name: str, of: SqlType, node: Any) -> dict[str, Any]:
    """A column of an output. Its index field is a date if it is a time, or text that a time was written to in ISO."""
    if node.get("cast") is not None and node.get("type") == str(of):
        node = node["cast"]  # the column's own type casts it anyway
    entry = {"name": name, "type": str(of), "expr": node}
    if of == TIMESTAMP or of.name == "DATE" or _is_iso_text(node):
        entry["index_type"] = "date"
    return entry


def _is_iso_text(node: Any) -> bool:
    if node.get("call") != "timestamp_to_char":
        return False
    pattern = node["args"][0].get("literal")
    return isinstance(pattern, str) and _ISO_PATTERN.fullmatch(pattern) is not None
