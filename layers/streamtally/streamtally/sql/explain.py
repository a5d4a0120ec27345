"""``--explain``: a plan as a tree, with what happens where and how results may differ from Kinesis Analytics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.plan.levels import MAX_CELLS
from streamtally.plan.sliding import step_name
from streamtally.sql.plan_tree import children, contains

Tree = tuple[str, Sequence["Tree"]]
"""(A line, the trees below it)."""

_OPERATORS = {"and": " AND ", "or": " OR "}
_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def explain(plan: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]], notes: Sequence[str]) -> Iterator[str]:
    """The lines that explain a plan.

    Args:
        outputs: the settings of the pipeline's outputs by in-application stream; empty without a pipeline.
        notes: the compiler's notes.
    """
    for node in plan["outputs"]:
        settings = outputs.get(node.get("stream", node["name"]), {})
        yield from draw(output_tree(node, settings))
        yield ""
    for note in notes:
        yield f"Note: {note}"


def draw(tree: Tree, prefix: str = "", branch: str = "") -> Iterator[str]:
    """The lines of a tree."""
    line, below = tree
    yield prefix + branch + line
    inner = prefix + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    for index, child in enumerate(below):
        yield from draw(child, inner, "└─ " if index == len(below) - 1 else "├─ ")


def output_tree(node: Mapping[str, Any], settings: Mapping[str, Any]) -> Tree:
    """The tree of an output: what the transform does with a row, what settling does with a window, what may differ."""
    windowed = node["kind"] == "windowed"
    index = f", into index {settings['index']}-<{settings['rotation']}>" if settings.get("index") else ""
    kind = f"one document per {span(node['window_ms'])} and key" if windowed else "one document per row"
    if _is_sliding(node):
        unit = step_name(node["inner_ms"])
        kind = f'one document per {unit} and key (sliding = "{unit}")'
    columns = [_column(column, settings.get("types") or {}) for column in node["columns"]]
    parts: list[Tree] = []
    if windowed:
        ways = [node, *node.get("also", ())]
        for way in ways:
            by = f" by {' after '.join(way['through'])}" if len(ways) > 1 else ""
            parts.append((f"in the transform, per row{by}", _transform({**node, **way})))
        parts += _levels(node)
        if _is_sliding(node):
            parts.append(_sliding(node))
        having = [_leaf(f"shown if {to_sql(node['having'])}")] if node.get("having") else []
        merged = step_name(node["inner_ms"]) if _is_sliding(node) else "window"
        parts.append((f"in settling, after merging all partials of a {merged} and key", [*having, *columns]))
    else:
        where = [*map(_leaf, _joins(node))]
        where += [_leaf(f"WHERE {to_sql(node['where'])}")] if node.get("where") else []
        parts.append(("in the transform, per row", [*where, _leaf(f"time: {to_sql(node['time'])}"), *columns]))
        parts.append(_leaf("in settling: nothing"))
    parts.append(
        ("may differ from Kinesis Analytics", [_leaf(difference) for difference in differences(node, settings)])
    )
    return f'"{node["name"]}": {kind}{index}', parts


def _leaf(text: str) -> Tree:
    return text, ()


def _joins(node: Mapping[str, Any]) -> Iterator[str]:
    for join in node.get("joins", ()):
        if join["where"]:
            yield f"WHERE {to_sql(join['where'])}"
        conditions = [f"{to_sql(key)} = {to_sql(value)}" for key, value in join["on"]]
        conditions += [to_sql(join["if"])] if join["if"] else []
        kind = "LEFT JOIN" if join["kind"] == "left" else "JOIN"
        yield f'{kind} reference table "{join["table"]}" ON {" AND ".join(conditions)}'


def _transform(node: Mapping[str, Any]) -> list[Tree]:
    lines = list(_joins(node))
    if node.get("where"):
        lines.append(f"WHERE {to_sql(node['where'])}")
    lines.append(f"window: {span(node.get('inner_ms', node['window_ms']))} of {to_sql(node['time'])}")
    lines += [f"{key['name']} {key['type']} = {to_sql(key['expr'])}" for key in node["keys"]]
    for aggregate in node["aggregates"]:
        lines.append(f"{aggregate['name']} {aggregate.get('type', '')} = {_call(aggregate)}, as a partial")
    return [_leaf(line) for line in lines]


def _is_sliding(node: Mapping[str, Any]) -> bool:
    return "inner_ms" in node and "levels" not in node


def _sliding(node: Mapping[str, Any]) -> Tree:
    """How the documents of sliding windows are composed; a threshold on them also as a tumbling window."""
    step_ms = node["inner_ms"]
    unit = step_name(step_ms)
    lines = [
        f"{item['name']}: the {unit} and those before it, {span(item['span_ms'])} in all" for item in node["aggregates"]
    ]
    group_ms, longest = node["window_ms"], max(item["span_ms"] for item in node["aggregates"])
    partials = (longest - step_ms + group_ms - 1) // group_ms + 1
    lines.append(f"{unit}s are settled in groups of {group_ms // step_ms}: up to {partials} partials per batch and key")
    tree: list[Tree] = [_leaf(line) for line in lines]
    if node.get("having"):
        tree.append((f"as a throttle (at most one document per key and {span(longest)}), write", _throttle(node)))
    return f"in settling, composed of {unit}s", tree


def _throttle(node: Mapping[str, Any]) -> list[Tree]:
    """A threshold on a sliding window, rewritten as HAVING over a tumbling one of the same length."""
    calls = {item["name"]: _call(item) for item in node["aggregates"]}
    keys = [to_sql(key["expr"]) for key in node["keys"]]
    seconds = max(item["span_ms"] for item in node["aggregates"]) // 1000
    having = re.sub(r"\ba[0-9]+\b", lambda name: calls.get(name[0], name[0]), to_sql(node["having"]))
    time = "s.ROWTIME" if node["time"] == {"time": "arrival"} else to_sql(node["time"])
    return [
        _leaf(f"SELECT STREAM {', '.join([*keys, *calls.values()])} FROM … AS s"),  # noqa: S608 (shown, not run)
        _leaf("GROUP BY " + ", ".join([*keys, f"STEP({time} BY INTERVAL '{seconds}' SECOND)"])),
        _leaf(f"HAVING {having}"),
    ]


def _levels(node: Mapping[str, Any]) -> Iterator[Tree]:
    """What settling computes over the results of inner windows."""
    below_ms = node.get("inner_ms", 0)
    for level in node.get("levels", ()):
        lines = [f"WHERE {to_sql(level['where'])}"] if level.get("where") else []
        lines.append(f"window: {span(level['window_ms'])}, in which the result's own window lies")
        lines += [f"{key['name']} {key['type']} = {to_sql(key['expr'])}" for key in level["keys"]]
        lines += [f"{item['name']} {item.get('type', '')} = {_call(item)}" for item in level["aggregates"]]
        yield f"in settling, over the results of each {span(below_ms)} and key", [_leaf(line) for line in lines]
        below_ms = level["window_ms"]


def _call(aggregate: Mapping[str, Any]) -> str:
    argument = "*" if aggregate.get("argument") is None else to_sql(aggregate["argument"])
    return f"{aggregate['function'].upper()}({argument})"


def _column(column: Mapping[str, Any], types: Mapping[str, str]) -> Tree:
    kind = types.get(column["name"]) or column.get("index_type")
    shown = f", index type {kind}" if kind else ""
    return _leaf(f'"{column["name"]}" {column["type"]}{shown} = {to_sql(column["expr"])}')


def span(ms: int) -> str:
    """A duration in its largest whole unit."""
    for size, unit in _UNITS:
        if ms % size == 0:
            count = ms // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{ms} ms"


def to_sql(node: Any) -> str:
    """An expression of the plan, written similar to SQL."""
    for kind, write in _WRITERS.items():
        if kind in node:
            return str(write(node))
    return str(node)


def _operation(node: Mapping[str, Any]) -> str:
    operator, arguments = node["op"], [to_sql(argument) for argument in node["args"]]
    if operator in ("is_null", "is_not_null"):
        return f"{arguments[0]} {operator.replace('_', ' ').upper()}"
    if operator == "not":
        return f"NOT {arguments[0]}"
    if operator == "coalesce":
        return f"COALESCE({', '.join(arguments)})"
    return "(" + _OPERATORS.get(operator, f" {operator} ").join(arguments) + ")"


def _literal(node: Mapping[str, Any]) -> str:
    value = node["literal"]
    if value is None:
        return "NULL"
    if isinstance(value, str) and not str(node.get("type")).startswith("DECIMAL"):
        return "'" + value.replace("'", "''") + "'"
    return str(value).upper() if isinstance(value, bool) else str(value)


def _case(node: Mapping[str, Any]) -> str:
    branches = " ".join(f"WHEN {to_sql(when)} THEN {to_sql(then)}" for when, then in node["case"])
    default = f" ELSE {to_sql(node['else'])}" if node.get("else") else ""
    return f"CASE {branches}{default} END"


_TIMES = {"event": "the event time", "arrival": "ROWTIME (Firehose's arrival time)"}
_WRITERS: dict[str, Any] = {
    "column": lambda node: f'"{node["column"]}"',
    "literal": _literal,
    "time": lambda node: _TIMES.get(node["time"], node["time"]),
    "window": lambda node: f"the window's {node['window']}",
    "key": lambda node: node["key"],
    "aggregate": lambda node: node["aggregate"],
    "reference": lambda node: f'"{node["reference"][1]}"',
    "item": lambda node: f"the item's {node['item']}",
    "call": lambda node: f"{node['call'].upper()}({', '.join(map(to_sql, node['args']))})",
    "cast": lambda node: f"CAST({to_sql(node['cast'])} AS {node['type']})",
    "op": _operation,
    "case": _case,
}


def differences(node: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """How the results of an output may differ from those of Kinesis Analytics (see *Choices* in docs/sql.md)."""
    if node["kind"] == "row":
        yield "rows are not ordered; a retried batch writes the same documents again, under the same ids"
    else:
        grace = settings.get("grace_seconds")
        waits = f"{span(grace * 1000)} (grace)" if grace else "its grace period"
        yield (
            f"a window is final {waits} after its end; until then, and for late rows, its document is rewritten "
            "(Kinesis Analytics emitted it once, or as partial rows to add up)"
        )
        yield from _time_differences(node)
        if _is_sliding(node):
            yield (
                "Kinesis Analytics gives a row for each row, of the range up to its own time; here each minute in "
                "which a key has rows gives one document, of the range that ends with that minute (an exact value for "
                "every row needs Apache Flink)"
            )
        if node.get("levels"):
            yield (
                "a result of an inner window counts in the outer window in which that window lies; in one outer window "
                f"and key, at most {MAX_CELLS:,} of them: with more, its aggregates are NULL"
            )
        if node.get("also"):
            yield "a row counts once by each pump that lets it through; the stream between the pumps is not kept"
    if any("joins" in way for way in [node, *node.get("also", ())]):
        yield (
            "a reference table that changes between the attempts of a batch changes what the retry gives "
            "(Kinesis Analytics read it once, and again on UpdateApplication)"
        )
    yield from _value_differences(node)


def _time_differences(node: Mapping[str, Any]) -> Iterator[str]:
    if node["time"] == {"time": "arrival"}:
        yield "ROWTIME is when Firehose received the record, not when the application read it, retries keep it"
    else:
        yield "windows use a time in the rows; one too far from arrival is replaced by it and counted out_of_range"
    if contains(node["columns"], {"window": "end"}):
        yield "ROWTIME and LOCALTIMESTAMP of a result are the end of its window"


_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


def _value_differences(node: Mapping[str, Any]) -> Iterator[str]:
    functions = {aggregate["function"] for aggregate in node.get("aggregates", ())}
    if any(aggregate["function"] == "avg" and aggregate["type"] in _WHOLE for aggregate in node.get("aggregates", ())):
        yield "AVG of whole numbers is truncated to a whole number (CAST to DOUBLE for a fraction)"
    if functions & {"stddev_pop", "stddev_samp", "var_pop", "var_samp"}:
        yield "STDDEV and VAR are DOUBLE, rounded once"
    if "count_distinct" in functions:
        yield "counts of distinct items are exact up to 10,000 per window, then estimated (standard error 0.81 %)"
    if "top_items" in functions:
        yield "counts of frequent items are exact up to 10,000 distinct items per batch; beyond, they may be too low"
    if any(function.startswith(("first_", "last_")) for function in functions):
        yield "the first and the last row are those by arrival, record and line; rows of one record arrive together"
    if _calls(node) & {"regex_log_parse", "fast_regex_log_parse", "regex_replace", "substring_regex"}:
        yield "Java patterns keep Java's semantics, but their steps are limited; beyond the limit the row fails"
    if any(str(column["type"]) == "REAL" for column in node["columns"]):
        yield "REAL is computed as DOUBLE, without rounding to 32 bits"


def _calls(node: Any) -> set[str]:
    own = {node["call"]} if isinstance(node, dict) and isinstance(node.get("call"), str) else set()
    return own.union(*(_calls(child) for child in children(node)))
