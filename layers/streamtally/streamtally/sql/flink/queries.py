"""The outputs of a plan → views and INSERTs of Flink SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamtally.plan.types import BIGINT, TIMESTAMP, VARCHAR, SqlType, parse_type
from streamtally.sql.flink.aggregates import aggregate_value
from streamtally.sql.flink.casts import cast_value
from streamtally.sql.flink.expressions import Expressions, Leaf
from streamtally.sql.flink.functions import checked_time
from streamtally.sql.flink.syntax import interval, name, text
from streamtally.sql.flink.tables import (
    ARRIVAL,
    ERROR_COLUMNS,
    ERROR_STREAM,
    EVENT,
    member_value,
    members_of,
    value_column,
)
from streamtally.sql.flink.values import Failure, FlinkError, Value
from streamtally.sql.plan_tree import children
from streamtally.sql.planning.relations import METADATA

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
        paths: the JSON paths of columns that are not the members of their names.
    """

    name: str
    columns: Mapping[str, SqlType]
    hidden: Mapping[str, SqlType] = field(default_factory=dict)
    time_column: str | None = None
    events: dict[str, str] = field(default_factory=dict)
    times: dict[str, tuple[str, SqlType]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    paths: Mapping[str, str] = field(default_factory=dict)

    def expressions(self, is_plain: bool = False) -> Expressions:
        """Expressions over its rows. Args: is_plain: whether they must not read computed columns."""
        column = self._plain_column if is_plain else self._column
        return Expressions({"column": column, "time": self._time}, None if is_plain else self._named)

    def declared(self) -> dict[str, SqlType]:
        """The columns to declare."""
        return {**self.columns, **{column: kind for column, kind in self.hidden.items() if column in self.used}}

    def metadata(self) -> list[str]:
        """The columns of metadata that the program reads."""
        return sorted(column for column in self.used if column in METADATA and column not in self.columns)

    def _column(self, column: str) -> Value:
        self.used.add(column)
        sql_type = {**self.hidden, **self.columns}.get(column, VARCHAR)
        return Value(name(value_column(column, sql_type, column in self.members())), sql_type)

    def members(self) -> dict[str, tuple[str, ...]]:
        """Of the columns that are elsewhere in JSON, the members on the way. Raises: FlinkError: see `members_of`."""
        ways = {column: members_of(column, path) for column, path in self.paths.items() if column in self.columns}
        return {column: way for column, way in ways.items() if way != (column,)}

    def _plain_column(self, column: str) -> Value:
        """A column for a computed column of the table, which cannot read other computed columns."""
        value, way = self._column(column), self.members().get(column, (column,))
        return Value(member_value(way, value.type), value.type)

    def _time(self, which: str) -> Value:
        if which == "arrival":
            # A cast makes it an ordinary column: a sink takes one time attribute at most.
            return Value(f"CAST({name(ARRIVAL)} AS TIMESTAMP(3))", TIMESTAMP)
        if self.time_column is None:
            raise FlinkError("the event time of the format", "write the time with CHAR_TO_TIMESTAMP in the program")
        value = self._column(self.time_column)
        return Value(value.sql, TIMESTAMP)

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
            if "time" in node or (isinstance(column, str) and self._column(column).sql != name(column)):
                return False
        return all(map(self._is_plain, children(node)))

    def row_text(self) -> str:
        """A row as JSON."""
        pairs = ", ".join(f"KEY {text(column)} VALUE {self._json_value(column)}" for column in self.json_columns())
        return f"JSON_OBJECT({pairs})"

    def _json_value(self, column: str) -> str:
        return ".".join(map(name, self.members().get(column, (column,))))

    def json_columns(self) -> Sequence[str]:
        """The columns of a row that the error stream shows."""
        return list(self.columns)

    def rowtime(self) -> str:
        """ROWTIME of a row, as an ordinary value."""
        return f"CAST({name(ARRIVAL)} AS TIMESTAMP(3))"

    def check_window(self, window_ms: int) -> None:
        """Raises: FlinkError: its rows do not lie in windows of this length as a whole."""

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
    return Statements([], [_insert(sink, query), *_errors(source, source.name, node["pump"], failures)])


def window_statements(node: Node, sources: Sequence[Source], sink: str) -> Statements:
    """A windowed output: a view of the rows with keys and arguments, and an INSERT over windows.

    Args: sources: where the rows of each way come from.
    Raises: FlinkError.
    """
    view, statements, columns = window_rows(node, sources)
    return Statements(statements.views, [_insert(sink, columns.query(view)), *statements.inserts])


def window_rows(node: Node, sources: Sequence[Source]) -> tuple[str, Statements, Windowed]:
    """(The view of the rows, the statements that it needs, the query over windows of them). Raises: FlinkError."""
    ways = [node, *node.get("also", ())]
    queries, errors = [], []
    for way, source in zip(ways, sources, strict=True):
        source.check_window(node["window_ms"])
        query, failed = _way(way, source, {**node, **way})
        queries.append(query)
        errors += failed
    view = f"{node['name']} rows"
    columns = _window_columns(node, sources[0])
    views = [view_statement(view, "\nUNION ALL\n".join(queries))]
    return view, Statements(views, errors), columns


def view_statement(view: str, query: str) -> str:
    """CREATE TEMPORARY VIEW."""
    return f"CREATE TEMPORARY VIEW {name(view)} AS\n{query}"


def _way(way: Node, source: Source, node: Node) -> tuple[str, list[str]]:
    """(The rows that come one way, as keys and arguments; the INSERTs of those that fail)."""
    rows = source.expressions()
    values: list[tuple[str, Value]] = []
    for key in way["keys"]:
        values.append((key["name"], cast_value(rows.write(key["expr"]), parse_type(key["type"]))))
    for aggregate in way["aggregates"]:
        if aggregate.get("argument") is not None:
            values.append((aggregate["name"], rows.write(aggregate["argument"])))
    if _spans(node):
        values.append((ROW_TIME, Value(_plain_time(source, way["time"]), TIMESTAMP)))
    return read_rows(source, way["time"], way.get("where"), values, node["pump"])


def _plain_time(source: Source, time: Node) -> str:
    attribute = source.read_by(time)[1]
    return f"CAST({name(attribute)} AS TIMESTAMP(3))"


def read_rows(
    source: Source, time: Node, condition: Node | None, values: Sequence[tuple[str, Value]], pump: str
) -> tuple[str, list[str]]:
    """(The rows with a time attribute ``t`` and the values, the INSERTs of those that fail)."""
    table, attribute, value = source.read_by(time)
    where = source.expressions().write(condition) if condition else None
    times = [value.checked(f"{value.sql} IS NULL", "no event time")] if value is not None else []
    failures = _failures(where, [*times, *(value for _, value in values)])
    listed = _listed([value for _, value in values], [column for column, _ in values])
    query = f"SELECT\n  {name(attribute)} AS {name('t')}{',' if values else ''}\n{listed}".rstrip()
    return f"{query}\nFROM {name(table)}{_where(where, failures)}", _errors(source, table, pump, failures)


ROW_TIME = "row time"
"""The column with a row's time, of windows that overlap."""


def _spans(node: Node) -> list[int]:
    """The lengths of the windows of the aggregates, if they slide by ``inner_ms``."""
    return [aggregate["span_ms"] for aggregate in node["aggregates"] if "span_ms" in aggregate]


@dataclass(frozen=True, slots=True)
class Windowed:
    """The parts of the query over windows.

    Attributes:
        slide_ms: of windows that overlap, how far one is from the next; 0: they do not.
    """

    columns: str
    having: str | None
    keys: Sequence[str]
    aggregates: Sequence[tuple[str, str]]
    window_ms: int
    item: tuple[str, int] | None
    slide_ms: int = 0

    def query(self, view: str, attribute: str = "") -> str:
        """The whole query. Args: attribute: the name of the time attribute of its results, if they need one."""
        edges = [name("window_start"), name("window_end")]
        keys = [*edges, *([name("window_time")] if attribute else []), *map(name, self.keys)]
        inner = [*keys, *(f"{call} AS {name(alias)}" for alias, call in self.aggregates)]
        grouped = keys
        if self.item is not None:
            slot, _ = self.item
            grouped = [*keys, name(slot)]
            inner = [*keys, f"{name(slot)} AS {name('item_value')}", f"COUNT(*) AS {name('item_count')}"]
        if self.slide_ms:
            inner.append(f"MAX({name(ROW_TIME)}) AS {name(ROW_TIME)}")
        tumble = f"TABLE({self._windows(view)})"
        present = f"\n  WHERE {name(self.item[0])} IS NOT NULL" if self.item else ""
        query = f"  SELECT {', '.join(inner)}\n  FROM {tumble}{present}\n  GROUP BY {', '.join(grouped)}"  # noqa: S608
        if self.item is not None:
            order = f"ORDER BY {name('item_count')} DESC, {name('item_value')} ASC"
            number = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(edges)} {order}) AS {name('item_rank')}"
            ranked = f"  SELECT *, {number} FROM (\n{query}\n  )"  # noqa: S608
            query = f"  SELECT * FROM (\n{ranked}\n  ) WHERE {name('item_rank')} <= {self.item[1]}"  # noqa: S608
        conditions = [self.having] if self.having else []
        if self.slide_ms:  # a window without a row in its last part is not a result
            conditions.append(f"{name(ROW_TIME)} >= {name('window_end')} - {interval(self.slide_ms)}")
        where = "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""
        time = f"  {name('window_time')} AS {name(attribute)}{',' if self.columns else ''}\n" if attribute else ""
        return f"SELECT\n{time}{self.columns}\nFROM (\n{query}\n){where}"

    def _windows(self, view: str) -> str:
        rows = f"TABLE {name(view)}, DESCRIPTOR({name('t')})"
        if self.slide_ms:
            return f"HOP({rows}, {interval(self.slide_ms)}, {interval(self.window_ms)})"
        return f"TUMBLE({rows}, {interval(self.window_ms)})"


def _window_columns(node: Node, source: Source) -> Windowed:
    rows = source.expressions()
    longest = max(_spans(node), default=0)
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
        after = ""
        if aggregate.get("span_ms", longest) < longest:
            since = f"{name('window_end')} - {interval(aggregate['span_ms'])}"
            after = f" FILTER (WHERE {name(ROW_TIME)} >= {since})"
        result = parse_type(aggregate["type"])
        call, shown = aggregate_value(aggregate["function"], slot, result, aggregate["name"], after)
        calls.append((aggregate["name"], call))
        slots[aggregate["name"]] = shown
    start = f"({name('window_end')} - {interval(node['inner_ms'])})" if longest else name("window_start")
    edges = {"start": Value(start, TIMESTAMP), "end": Value(name("window_end"), TIMESTAMP)}
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
    return Windowed(
        _listed(columns, [column["name"] for column in node["columns"]]),
        having,
        list(keys),
        calls,
        longest or node["window_ms"],
        (expand["aggregate"], expand["limit"]) if expand else None,
        node["inner_ms"] if longest else 0,
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


def _errors(source: Source, table: str, pump: str, failures: Sequence[Failure]) -> list[str]:
    """The INSERT of the rows that fail into the error stream."""
    if not failures:
        return []
    reason = " ".join(f"WHEN {failure.condition} THEN {text(failure.reason)}" for failure in failures)
    values = (
        "CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))",
        text(pump),
        f"CASE {reason} END",
        source.rowtime(),
        source.row_text(),
    )
    listed = ",\n".join(f"  {value} AS {name(column)}" for value, column in zip(values, ERROR_COLUMNS, strict=True))
    condition = "\n  OR ".join(f"({failure.condition})" for failure in failures)
    return [_insert(ERROR_STREAM, f"SELECT\n{listed}\nFROM {name(table)}\nWHERE {condition}")]
