"""An output of the plan, in the form that ``pipeline.json`` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamtally.sql.planning.joins import number_joins
from streamtally.sql.planning.program_streams import Stream
from streamtally.sql.planning.relations import Relation, Way, Window
from streamtally.sql.planning.shaping import column_entry, conjunction, row_time, with_event_time

IsEventTime = Callable[[Mapping[str, Any]], bool]


def make_output(name: str, stream: Stream, relation: Relation, is_event_time: IsEventTime) -> dict[str, Any]:
    """An output of the plan (JSON).

    Args: is_event_time: whether a call of the plan reads the event time, as the source does.
    """

    def with_event(node: Any) -> Any:
        return with_event_time(node, is_event_time)

    window = relation.window
    joins, shape = number_joins(relation.joins if window is None else window.joins, with_event)
    columns = [
        column_entry(declared.name, declared.type, shape(column.value.node))
        for declared, column in zip(stream.columns, relation.columns, strict=True)
    ]
    entry: dict[str, Any] = {"name": name, "pump": relation.pumps[0]}
    if name != stream.name:
        entry["stream"] = stream.name
    if window is None:
        where = shape(conjunction(relation.conditions))
        time = row_time(shape(relation.rowtime.node), columns)
        entry |= {"kind": "row", "time": time, **({"joins": joins} if joins else {})}
        return {**entry, "where": where, "columns": columns}
    if window.expand is not None:
        entry["expand"] = window.expand
    entry |= {
        "kind": "windowed",
        "time": shape(window.time),
        "window_ms": window.window_ms,
        **({"inner_ms": window.inner_ms} if window.inner_ms else {}),
        **_rows(window, with_event),
    }
    if window.levels:
        entry["levels"] = list(window.levels)
    if window.also:
        entry["through"] = list(window.through)
        entry["also"] = [{"through": list(way.through), **_way_of(way, with_event)} for way in window.also]
    return {**entry, "columns": columns, "having": shape(conjunction(relation.conditions))}


def _way_of(way: Way, with_event: Callable[[Any], Any]) -> dict[str, Any]:
    shape = number_joins(way.joins, with_event)[1]
    return {"time": shape(way.time), **_rows(way, with_event)}


def _rows(rows: Window | Way, with_event: Callable[[Any], Any]) -> dict[str, Any]:
    """What is said about the rows of a window."""
    joins, shape = number_joins(rows.joins, with_event)
    return {
        **({"joins": joins} if joins else {}),
        "where": shape(conjunction(rows.where)),
        "keys": [{**key, "expr": shape(key["expr"])} for key in rows.keys],
        "aggregates": [{**aggregate, "argument": shape(aggregate["argument"])} for aggregate in rows.aggregates],
    }
