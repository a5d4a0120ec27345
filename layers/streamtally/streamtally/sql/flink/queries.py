"""The outputs of a plan → views and INSERTs of Flink SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.plan.types import BIGINT, TIMES, TIMESTAMP, VARCHAR, SqlType, parse_type
from streamtally.sql.flink.aggregates import aggregate_value
from streamtally.sql.flink.casts import cast_value
from streamtally.sql.flink.expressions import Expressions, Leaf
from streamtally.sql.flink.functions import checked_time
from streamtally.sql.flink.syntax import interval, name, text
from streamtally.sql.flink.tables import ARRIVAL, ERROR_COLUMNS, ERROR_STREAM, EVENT
from streamtally.sql.flink.values import Failure, FlinkError, Value
from streamtally.sql.plan_tree import children

Node = Mapping[str, Any]


@dataclass
class Source:
    """The source's columns, and the times by which it is read.

    Attributes:
        name: its name in the program.
        columns: its columns.
        hidden: more columns, which are declared if the program reads them.
        time_column: the column that is the event time, if one is.
        events: the times by which windows go beside the arrival: SQL → the name of the table that is read by it.
        times: the times that are read from texts: SQL → (column, its type).
        used: the columns that the program reads.
    """

    name: str
    columns: Mapping[str, SqlType]
    hidden: Mapping[str, SqlType] = field(default_factory=dict)
    time_column: str | None = None
    events: dict[str, str] = field(default_factory=dict)
    times: dict[str, tuple[str, SqlType]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def expressions(self, is_plain: bool = False) -> Expressions:
        """Expressions over its rows. Args: is_plain: whether they must not read computed columns."""
        return Expressions({"column": self._column, "time": self._time}, None if is_plain else self._named)

    def declared(self) -> dict[str, SqlType]:
        """The columns to declare."""
        return {**self.columns, **{column: kind for column, kind in self.hidden.items() if column in self.used}}

    def _column(self, column: str) -> Value:
        self.used.add(column)
        return Value(name(column), {**self.hidden, **self.columns}.get(column, VARCHAR))

    def _time(self, which: str) -> Value:
        if which == "arrival":
            # A cast makes it an ordinary column: a sink takes one time attribute at most.
            return Value(f"CAST({name(ARRIVAL)} AS TIMESTAMP(3))", TIMESTAMP)
        if self.time_column is None:
            raise FlinkError("the event time of the format", "write the time with CHAR_TO_TIMESTAMP in the program")
        return Value(name(self.time_column), TIMESTAMP)

    def _named(self, node: Node, value: Value) -> Value:
        """A time that is read from a text, as a computed column of the source's tables."""
        if node["call"] not in ("char_to_timestamp", "char_to_date", "char_to_time") or not self._is_plain(node):
            return value
        number = len(self.times) + 1
        known = self.times.setdefault(value.sql, (f"TIME_{number}", value.type))
        text_of = self.expressions(is_plain=True).write(node["args"][1])
        return checked_time(text_of, Value(name(known[0]), value.type))

    def _is_plain(self, node: Any) -> bool:
        """Whether an expression reads no computed column, which a computed column cannot read."""
        if isinstance(node, Mapping):
            column = node.get("column")
            if "time" in node or (isinstance(column, str) and self._column(column).type.name in TIMES):
                return False
        return all(map(self._is_plain, children(node)))

    def read_by(self, time: Node) -> tuple[str, str, Value | None]:
        """(The table that is read by a time, its time attribute, the time unless it is the arrival)."""
        if time == {"time": "arrival"}:
            return self.name, ARRIVAL, None
        plain = self.expressions(is_plain=True).write(time).sql
        number = len(self.events) + 1
        suffix = " by event time" if number == 1 else f" by event time {number}"
        return self.events.setdefault(plain, self.name + suffix), EVENT, self.expressions().write(time)


@dataclass(frozen=True, slots=True)
class Statements:
    """What an output becomes: views, and INSERTs without their semicolons."""

    views: list[str]
    inserts: list[str]


def row_statements(node: Node, source: Source, sink: str) -> Statements:
    """A row output: a projection, and an INSERT of the rows that fail. Raises: FlinkError."""
    rows = source.expressions()
    where = rows.write(node["where"]) if node.get("where") else None
    columns = [cast_value(rows.write(column["expr"]), parse_type(column["type"])) for column in node["columns"]]
    failures = _failures(where, columns)
    listed = _listed(columns, [column["name"] for column in node["columns"]])
    query = f"SELECT\n{listed}\nFROM {name(source.name)}{_where(where, failures)}"
    return Statements([], [_insert(sink, query), *_errors(source, source.name, node, failures)])


def window_statements(node: Node, source: Source, sink: str) -> Statements:
    """A windowed output: a view of the rows with keys and arguments, and an INSERT over windows. Raises: FlinkError."""
    ways = [node, *node.get("also", ())]
    queries, errors = [], []
    for way in ways:
        query, failed = _way(way, source, {**node, **way})
        queries.append(query)
        errors += failed
    view = f"{node['name']} rows"
    columns = _window_columns(node, source)
    views = [f"CREATE TEMPORARY VIEW {name(view)} AS\n" + "\nUNION ALL\n".join(queries)]
    return Statements(views, [_insert(sink, columns.query(view)), *errors])


def _way(way: Node, source: Source, node: Node) -> tuple[str, list[str]]:
    """(The rows that come one way, as keys and arguments; the INSERTs of those that fail)."""
    table, attribute, time = source.read_by(way["time"])
    rows = source.expressions()
    where = rows.write(way["where"]) if way.get("where") else None
    values: list[tuple[str, Value]] = []
    if time is not None:
        time = time.checked(f"{time.sql} IS NULL", "no event time")
    for key in way["keys"]:
        values.append((key["name"], cast_value(rows.write(key["expr"]), parse_type(key["type"]))))
    for aggregate in way["aggregates"]:
        if aggregate.get("argument") is not None:
            values.append((aggregate["name"], rows.write(aggregate["argument"])))
    failures = _failures(where, [*([time] if time is not None else []), *(value for _, value in values)])
    listed = _listed([value for _, value in values], [column for column, _ in values])
    query = f"SELECT\n  {name(attribute)} AS {name('t')}{',' if values else ''}\n{listed}".rstrip()
    return f"{query}\nFROM {name(table)}{_where(where, failures)}", _errors(source, table, node, failures)


@dataclass(frozen=True, slots=True)
class _Windowed:
    """The parts of the query over windows."""

    columns: str
    having: str | None
    keys: Sequence[str]
    aggregates: Sequence[tuple[str, str]]
    window_ms: int
    item: tuple[str, int] | None

    def query(self, view: str) -> str:
        """The whole query."""
        edges = [name("window_start"), name("window_end")]
        keys = [*edges, *map(name, self.keys)]
        inner = [*keys, *(f"{call} AS {name(alias)}" for alias, call in self.aggregates)]
        grouped = keys
        if self.item is not None:
            slot, _ = self.item
            grouped = [*keys, name(slot)]
            inner = [*keys, f"{name(slot)} AS {name('item_value')}", f"COUNT(*) AS {name('item_count')}"]
        tumble = f"TABLE(TUMBLE(TABLE {name(view)}, DESCRIPTOR({name('t')}), {interval(self.window_ms)}))"
        present = f"\n  WHERE {name(self.item[0])} IS NOT NULL" if self.item else ""
        query = f"  SELECT {', '.join(inner)}\n  FROM {tumble}{present}\n  GROUP BY {', '.join(grouped)}"  # noqa: S608
        if self.item is not None:
            order = f"ORDER BY {name('item_count')} DESC, {name('item_value')} ASC"
            number = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(edges)} {order}) AS {name('item_rank')}"
            ranked = f"  SELECT *, {number} FROM (\n{query}\n  )"  # noqa: S608
            query = f"  SELECT * FROM (\n{ranked}\n  ) WHERE {name('item_rank')} <= {self.item[1]}"  # noqa: S608
        where = f"\nWHERE {self.having}" if self.having else ""
        return f"SELECT\n{self.columns}\nFROM (\n{query}\n){where}"


def _window_columns(node: Node, source: Source) -> _Windowed:
    rows = source.expressions()
    keys = {key["name"]: parse_type(key["type"]) for key in node["keys"]}
    calls: list[tuple[str, str]] = []
    slots: dict[str, Value] = {}
    for aggregate in node["aggregates"]:
        argument = aggregate.get("argument")
        value = rows.write(argument) if argument is not None else None
        slot = Value(name(aggregate["name"]), value.type) if value is not None else None
        if aggregate["function"] == "top_items":
            slots["item"] = slot or Value(name(aggregate["name"]), VARCHAR)
            continue
        call, shown = aggregate_value(aggregate["function"], slot, parse_type(aggregate["type"]), aggregate["name"])
        calls.append((aggregate["name"], call))
        slots[aggregate["name"]] = shown
    edges = {"start": Value(name("window_start"), TIMESTAMP), "end": Value(name("window_end"), TIMESTAMP)}
    items = {}
    if "item" in slots:
        items = {"value": Value(name("item_value"), slots["item"].type), "count": Value(name("item_count"), BIGINT)}
    leaves: dict[str, Leaf] = {
        "window": edges.__getitem__,
        "key": lambda key: Value(name(key), keys[key]),
        "aggregate": slots.__getitem__,
        "item": items.__getitem__,
    }
    over = Expressions(leaves)
    columns = [cast_value(over.write(column["expr"]), parse_type(column["type"])) for column in node["columns"]]
    having = over.write(node["having"]).sql if node.get("having") else None
    expand = node.get("expand")
    return _Windowed(
        _listed(columns, [column["name"] for column in node["columns"]]),
        having,
        list(keys),
        calls,
        node["window_ms"],
        (expand["aggregate"], expand["limit"]) if expand else None,
    )


def _failures(where: Value | None, values: Sequence[Value]) -> list[Failure]:
    """What makes a row fail: its WHERE, and where that is TRUE its values."""
    failures = list(where.failures) if where is not None else []
    for value in values:
        failures += [failure if where is None else failure.after(where.sql) for failure in value.failures]
    return list({failure.condition: failure for failure in failures}.values())


def _where(where: Value | None, failures: Sequence[Failure]) -> str:
    conditions = [where.sql] if where is not None else []
    if failures:
        conditions.append("NOT (" + "\n  OR ".join(f"({failure.condition})" for failure in failures) + ")")
    return "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""


def _listed(values: Sequence[Value], names: Sequence[str]) -> str:
    pairs = zip(values, names, strict=True)
    return ",\n".join(f"  {value.sql} AS {name(column)}" for value, column in pairs)


def _insert(sink: str, query: str) -> str:
    return f"INSERT INTO {name(sink)}\n{query}"


def _errors(source: Source, table: str, node: Node, failures: Sequence[Failure]) -> list[str]:
    """The INSERT of the rows that fail into the error stream."""
    if not failures:
        return []
    reason = " ".join(f"WHEN {failure.condition} THEN {text(failure.reason)}" for failure in failures)
    pairs = ", ".join(f"KEY {text(column)} VALUE {name(column)}" for column in source.columns)
    values = (
        "CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))",
        text(str(node["pump"])),
        f"CASE {reason} END",
        f"CAST({name(ARRIVAL)} AS TIMESTAMP(3))",
        f"JSON_OBJECT({pairs})",
    )
    listed = ",\n".join(f"  {value} AS {name(column)}" for value, column in zip(values, ERROR_COLUMNS, strict=True))
    condition = "\n  OR ".join(f"({failure.condition})" for failure in failures)
    return [_insert(ERROR_STREAM, f"SELECT\n{listed}\nFROM {name(table)}\nWHERE {condition}")]
