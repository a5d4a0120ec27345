"""``tables.sql``: the source, once for each time by which windows go, the sinks and the error stream.

Source: *Amazon Kinesis Data Streams SQL Connector*, *Amazon Kinesis Data Firehose SQL Connector*, *JSON Format* and
*CREATE TABLE* in Apache Flink's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from streamtally.plan.types import TIMES, VARCHAR, SqlType
from streamtally.sql.flink.syntax import interval, name, text, type_name
from streamtally.sql.flink.times import iso_time
from streamtally.sql.flink.values import FlinkError, Value
from streamtally.sql.planning.relations import METADATA

ARRIVAL = "ROWTIME"
"""The column of a row's arrival, and the time attribute where windows go by it."""
EVENT = "EVENT_ROWTIME"
"""The time attribute where windows go by a time in the rows."""
TIME = "t"
"""The time attribute of the rows of a stage."""
ERROR_STREAM = "error_stream"
ERROR_COLUMNS = ("ERROR_TIME", "PUMP_NAME", "MESSAGE", "DATA_ROWTIME", "DATA_ROW")
"""Of Kinesis Analytics' error stream, the columns that Flink can fill."""


_NOWHERE: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows come from and go to.

    Attributes:
        source: the options of the source's connector.
        arrival: the type of the arrival's column, with where it comes from.
        sinks: sink → the options of its connector; a sink that is missing has those of ``sink``.
        sink: the options of a sink; ``{name}`` in a value stands for its name.
        table: the options of a reference table, likewise.
        metadata: the type of a column of metadata, with where it comes from; ``{name}`` stands for the connector's name
            of it.
    """

    source: Mapping[str, str]
    arrival: str
    sink: Mapping[str, str]
    sinks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    table: Mapping[str, str] = field(
        default_factory=lambda: {
            "connector": "filesystem",
            "path": "s3://my-bucket/{name}.csv",
            "format": "csv",
            "csv.null-literal": "",
        }
    )

    metadata: str = "STRING"

    def sink_options(self, sink: str) -> Mapping[str, str]:
        """The options of a sink's connector."""
        chosen = self.sinks.get(sink, self.sink)
        return {key: value.replace("{name}", sink) for key, value in chosen.items()}


AWS = Place(
    source={
        "connector": "kinesis",
        "stream.arn": "arn:aws:kinesis:us-east-1:123456789012:stream/log-lines",
        "aws.region": "us-east-1",
        "source.init.position": "LATEST",
        "format": "json",
        "json.ignore-parse-errors": "true",
    },
    arrival="TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
    metadata="STRING METADATA FROM '{name}' VIRTUAL",
    sink={"connector": "firehose", "delivery-stream": "{name}", "aws.region": "us-east-1", "format": "json"},
)
"""A Kinesis data stream of JSON in front, and a Firehose stream for each output."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The source, read by one time.

    Attributes:
        table: its name.
        columns: its columns in the dialect.
        metadata: those of its columns of metadata that are read.
        members: of the columns that are elsewhere in JSON, the members on the way to them.
        times: computed columns: SQL → (name, type).
        event: SQL of the time by which windows go, over its columns; None: the arrival.
        delay_ms: how long a window waits for rows that are late.
        past_ms: a time further before the arrival is replaced by it.
        future_ms: a time further after the arrival is replaced by it.
    """

    table: str
    columns: Mapping[str, SqlType]
    times: Mapping[str, tuple[str, SqlType]]
    event: str | None
    delay_ms: int
    past_ms: int
    future_ms: int
    metadata: Sequence[str] = ()
    members: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def statement(self, place: Place) -> str:
        """CREATE TABLE."""
        lines = list(_source_columns(self.columns, self.members))
        lines += [f"{name(column)} {place.metadata.format(name=METADATA[column])}" for column in self.metadata]
        lines.append(f"{name('arrival')} {place.arrival}")
        lines.append(f"{name(ARRIVAL)} AS CAST({name('arrival')} AS TIMESTAMP(3))")
        lines += [f"{name(column)} AS {sql}" for sql, (column, _) in self.times.items()]
        attribute = ARRIVAL
        if self.event is not None:
            attribute = EVENT
            lines.append(f"{name(EVENT)} AS {self._within_reach()}")
        lines.append(f"WATERMARK FOR {name(attribute)} AS {name(attribute)} - {interval(self.delay_ms)}")
        return _create(self.table, lines, place.source)

    def _within_reach(self) -> str:
        """The event time; the arrival where there is none, or where it is too far from the arrival to be right."""
        arrival = f"CAST({name('arrival')} AS TIMESTAMP(3))"
        low, high = f"{arrival} - {interval(self.past_ms)}", f"{arrival} + {interval(self.future_ms)}"
        return f"CASE WHEN {self.event} BETWEEN {low} AND {high} THEN {self.event} ELSE {arrival} END"


def value_column(column: str, sql_type: SqlType, is_elsewhere: bool = False) -> str:
    """The name of the column with a column's value.

    That of a time is computed from its text, which has the column's name; that of a member of another name, or inside
    of another one, from the member (``is_elsewhere``).
    """
    return f"{column} as {sql_type.name}" if is_elsewhere or sql_type.name in TIMES else column


def members_of(column: str, path: str) -> tuple[str, ...]:
    """The members of JSON on the way to a column. Raises: FlinkError: the path has something else."""
    members = _MEMBERS.fullmatch(path)
    if members is None:
        raise FlinkError(
            f"the column {column} at the JSON path {path}",
            "write a path of members, such as $.order.total: Flink SQL reads no other",
        )
    return tuple(path.split(".")[1:])


_MEMBERS = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]*)+")


def _source_columns(columns: Mapping[str, SqlType], members: Mapping[str, Sequence[str]] = _NOWHERE) -> Iterable[str]:
    """The columns. Times in JSON are read by hand: the format knows one form of them, and fails for any other.

    Args: members: the members of JSON on the way to a column, unless it is the member of its own name.
    """
    tree: dict[str, Any] = {}
    for column, sql_type in columns.items():
        *outer, last = members.get(column, (column,))
        at = tree
        for member in outer:
            at = at.setdefault(member, {})
            if not isinstance(at, dict):
                raise FlinkError(f"the member {member} of JSON as a value and as an object", "read one of them")
        if isinstance(at.get(last), dict):
            raise FlinkError(f"the member {last} of JSON as a value and as an object", "read one of them")
        at[last] = "STRING" if sql_type.is_text or sql_type.name in TIMES else type_name(sql_type)
    for column, sql_type in columns.items():
        way = members.get(column, (column,))
        if way[0] in tree:
            yield f"{name(way[0])} {_row_type(tree.pop(way[0]))}"
        if column in members or sql_type.name in TIMES:
            yield f"{name(value_column(column, sql_type, column in members))} AS {member_value(way, sql_type)}"


def member_value(members: Sequence[str], sql_type: SqlType) -> str:
    """A member of JSON as a value, for a computed column."""
    written = ".".join(map(name, members))
    return iso_time(Value(written, VARCHAR), sql_type).sql if sql_type.name in TIMES else written


def _row_type(member: Any) -> str:
    if not isinstance(member, dict):
        return str(member)
    return f"ROW<{', '.join(f'{name(inner)} {_row_type(kind)}' for inner, kind in member.items())}>"


def sink_statement(sink: str, columns: Sequence[tuple[str, SqlType]], place: Place) -> str:
    """CREATE TABLE of an output."""
    lines = [f"{name(column)} {type_name(sql_type)}" for column, sql_type in columns]
    return _create(sink, lines, place.sink_options(sink))


SINCE = "valid since"
"""The time attribute of a reference table: its rows are valid from the beginning."""


def reference_statement(table: str, columns: Mapping[str, SqlType], place: Place) -> str:
    """CREATE TABLE of a reference table, which is joined by the time of the rows."""
    lines = list(_source_columns(columns))
    lines.append(f"{name(SINCE)} AS CAST(TIMESTAMP '1970-01-01 00:00:00' AS TIMESTAMP(3))")
    lines.append(f"WATERMARK FOR {name(SINCE)} AS {name(SINCE)}")
    return _create(table, lines, {key: value.replace("{name}", table) for key, value in place.table.items()})


def error_statement(place: Place) -> str:
    """CREATE TABLE of the error stream."""
    types = {"ERROR_TIME": "TIMESTAMP(3)", "DATA_ROWTIME": "TIMESTAMP(3)"}
    lines = [f"{name(column)} {types.get(column, 'STRING')}" for column in ERROR_COLUMNS]
    return _create(ERROR_STREAM, lines, place.sink_options(ERROR_STREAM))


def _create(table: str, lines: Sequence[str], options: Mapping[str, str]) -> str:
    settings = ",\n".join(f"  {text(key)} = {text(value)}" for key, value in options.items())
    body = ",\n".join(f"  {line}" for line in lines)
    return f"CREATE TABLE {name(table)} (\n{body}\n) WITH (\n{settings}\n)"
