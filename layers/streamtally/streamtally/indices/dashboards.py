"""Saved objects for OpenSearch Dashboards: a data view and the visualizations of an output, by its columns.

Each visualization is defined here as the search that it makes (`to_queries`) and as the saved object around it
(`to_saved_objects`), so that a test can run on a server what a user will see.
Source: OpenSearch Dashboards, saved objects of type index-pattern, visualization and dashboard; aggregation-based
visualizations ("visState").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.indices.bodies import Body
from streamtally.indices.spec import IndexColumn, IndexSpec


@dataclass(frozen=True)
class ColumnParts:
    """The columns that the visualizations need; None where an output has no such column."""

    time: str
    status: str | None
    level: str | None
    count: str | None
    request: str | None
    size: str | None


def find_parts(spec: IndexSpec) -> ColumnParts:
    """The columns, recognised by their names and types."""
    numbers = [column for column in spec.columns if _is_number(column)]
    status = _first(numbers, r"(status|response)$")
    return ColumnParts(
        time=spec.date_column or ("tally.window_start" if spec.windowed else "tally.time"),
        status=status,
        level=_first([c for c in spec.columns if not _is_number(c)], r"^(log_?)?(level|severity)$"),
        count=_first([c for c in numbers if c.name != status], r"count"),
        request=_first([c for c in spec.columns if not _is_number(c)], r"request|path|url"),
        size=_first(numbers, r"bytes|size|sent"),
    )


def _is_number(column: IndexColumn) -> bool:
    return bool(re.match(r"TINYINT|SMALLINT|INTEGER|BIGINT|REAL|DOUBLE|DECIMAL", column.sql_type))


def _first(columns: Sequence[IndexColumn], pattern: str) -> str | None:
    return next((column.name for column in columns if re.search(pattern, column.name, re.IGNORECASE)), None)


def _metric(parts: ColumnParts) -> Body:
    """The total: the sum of the counting column, else the number of documents."""
    return {"sum": {"field": parts.count}} if parts.count else {"value_count": {"field": parts.time}}


def to_queries(spec: IndexSpec) -> dict[str, Body]:
    """Title → the search's body, for the visualizations that the output has the columns for."""
    parts = find_parts(spec)
    per_minute = {"date_histogram": {"field": parts.time, "fixed_interval": "1m", "min_doc_count": 1}}
    total = {"total": _metric(parts)}
    queries: dict[str, Body] = {}
    if parts.status:
        by_status = {"status": {"terms": {"field": parts.status, "size": 20}, "aggs": total}}
        queries["Status per minute"] = {"size": 0, "aggs": {"minutes": {**per_minute, "aggs": by_status}}}
        errors = {"errors": {"filter": {"range": {parts.status: {"gte": 500}}}, "aggs": total}, **total}
        queries["Error share"] = {"size": 0, "aggs": {"minutes": {**per_minute, "aggs": errors}}}
    if parts.level:
        by_level = {"level": {"terms": {"field": parts.level, "size": 20}, "aggs": total}}
        queries["Level per minute"] = {"size": 0, "aggs": {"minutes": {**per_minute, "aggs": by_level}}}
    if not parts.status and not parts.level:
        queries["Total per minute"] = {"size": 0, "aggs": {"minutes": {**per_minute, "aggs": total}}}
    if parts.request:
        top = {"requests": {"terms": {"field": parts.request, "size": 10}, "aggs": total}}
        queries["Top requests"] = {"size": 0, "aggs": top}
    if parts.size:
        size = {"bytes": {"sum": {"field": parts.size}}}
        queries["Bytes"] = {"size": 0, "aggs": {"minutes": {**per_minute, "aggs": size}}}
    return queries


def to_saved_objects(specs: Sequence[IndexSpec]) -> list[Body]:
    """The lines of an ``.ndjson`` file: data views, visualizations, and a dashboard an output."""
    objects: list[Body] = []
    for spec in specs:
        parts = find_parts(spec)
        view_id = f"streamtally-{spec.index}"
        objects.append(_saved("index-pattern", view_id, {"title": spec.index, "timeFieldName": parts.time}))
        panels = []
        for title, state in _visualizations(spec, parts):
            object_id = f"{view_id}-{re.sub(r'[^a-z]+', '-', title.lower())}"
            objects.append(_visualization(object_id, f"{spec.index}: {title}", state, view_id))
            panels.append(object_id)
        objects.append(_dashboard(spec, panels))
    return objects


def _visualizations(spec: IndexSpec, parts: ColumnParts) -> Iterator[tuple[str, Body]]:
    queries = to_queries(spec)
    count = _agg("1", "sum", "metric", {"field": parts.count}) if parts.count else _agg("1", "count", "metric", {})
    minutes = _agg("2", "date_histogram", "segment", {"field": parts.time, "interval": "m", "min_doc_count": 1})
    if "Status per minute" in queries:
        split = _agg("3", "terms", "group", {"field": parts.status, "size": 20, "orderBy": "1", "order": "desc"})
        yield "Status per minute", {"type": "histogram", "aggs": [count, minutes, split]}
    if "Error share" in queries:
        yield "Error share", _error_share(spec, parts)
    if "Level per minute" in queries:
        split = _agg("3", "terms", "group", {"field": parts.level, "size": 20, "orderBy": "1", "order": "desc"})
        yield "Level per minute", {"type": "histogram", "aggs": [count, minutes, split]}
    if "Total per minute" in queries:
        yield "Total per minute", {"type": "histogram", "aggs": [count, minutes]}
    if "Top requests" in queries:
        rows = _agg("2", "terms", "bucket", {"field": parts.request, "size": 10, "orderBy": "1", "order": "desc"})
        yield "Top requests", {"type": "table", "aggs": [count, rows]}
    if "Bytes" in queries:
        yield "Bytes", {"type": "line", "aggs": [_agg("1", "sum", "metric", {"field": parts.size}), minutes]}


def _error_share(spec: IndexSpec, parts: ColumnParts) -> Body:
    """A share is a quotient of two sums, which Dashboards supports only in Vega."""
    minute = "datum.total.value > 0 ? datum.errors.total.value / datum.total.value : 0"
    vega = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {
            "url": {
                "%context%": True,
                "%timefield%": parts.time,
                "index": spec.index,
                "body": to_queries(spec)["Error share"],
            },
            "format": {"property": "aggregations.minutes.buckets"},
        },
        "transform": [{"calculate": minute, "as": "share"}],
        "mark": "line",
        "encoding": {
            "x": {"field": "key", "type": "temporal", "title": None},
            "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}, "title": "5xx"},
        },
    }
    return {"type": "vega", "aggs": [], "params": {"spec": json.dumps(vega)}}


def _agg(number: str, kind: str, schema: str, params: Mapping[str, Any]) -> Body:
    return {"id": number, "enabled": True, "type": kind, "schema": schema, "params": dict(params)}


def _visualization(object_id: str, title: str, state: Body, view_id: str) -> Body:
    params = {"type": state["type"], **state.get("params", {})}
    if state["type"] in ("histogram", "line"):
        params |= {"addLegend": True, "addTooltip": True}
    vis_state = {"title": title, "type": state["type"], "aggs": state["aggs"], "params": params}
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    references = []
    if state["type"] != "vega":  # Vega names its index itself
        name = "kibanaSavedObjectMeta.searchSourceJSON.index"
        source["indexRefName"] = name
        references.append({"name": name, "type": "index-pattern", "id": view_id})
    attributes = {
        "title": title,
        "visState": json.dumps(vis_state),
        "uiStateJSON": "{}",
        "description": "",
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
    }
    return _saved("visualization", object_id, attributes, references)


def _dashboard(spec: IndexSpec, panels: Sequence[str]) -> Body:
    layout, references = [], []
    for position, panel in enumerate(panels):
        grid = {"x": 24 * (position % 2), "y": 15 * (position // 2), "w": 24, "h": 15, "i": str(position)}
        name = f"panel_{position}"
        layout.append({"panelIndex": str(position), "gridData": grid, "embeddableConfig": {}, "panelRefName": name})
        references.append({"name": name, "type": "visualization", "id": panel})
    attributes = {
        "title": f"Streamtally: {spec.index}",
        "panelsJSON": json.dumps(layout),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}})},
    }
    return _saved("dashboard", f"streamtally-{spec.index}-dashboard", attributes, references)


def _saved(kind: str, object_id: str, attributes: Body, references: Sequence[Body] = ()) -> Body:
    return {"type": kind, "id": object_id, "attributes": attributes, "references": list(references)}
