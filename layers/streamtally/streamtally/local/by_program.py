"""The program that ``run --by`` stands for: a pipeline folder's two files, compiled as any folder is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.config.source import source_settings
from streamtally.definition import define_pipeline
from streamtally.formats.role_names import CLF_TIME_FORMAT, TIME_COLUMN
from streamtally.local.by_fields import ByFields, Key, by_settings, resolve_fields
from streamtally.local.programs import compile_source
from streamtally.plan.reserved import why_reserved
from streamtally.sql.source_stream import source_stream
from streamtally.transform.source import Source

STREAM, INDEX = "DESTINATION_SQL_STREAM", "counts"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByProgram:
    """What counts rows per minute and field.

    Attributes:
        sql: the program, for a ``.sql`` file of a pipeline folder.
        definition: its ``pipeline.toml``.
        document: both compiled: ``pipeline.json``.
        fields: the fields that are counted by, as they were given → the columns that they are read from.
    """

    sql: str
    definition: str
    document: dict[str, Any]
    fields: dict[str, tuple[str, ...]]


def program_by(names: Sequence[str], settings: Mapping[str, Any]) -> ByProgram:
    """The program that counts rows per minute and these fields.

    Args: settings: the source's, as in ``[source]``.
    Raises: SettingsError: an unknown field, or settings that cannot be used.
    """
    source = Source(source_settings(settings), ZoneInfo)
    by_fields = resolve_fields(names, source)
    minute, time_types = _minute(source)
    sql = _write_sql(by_fields, minute, source)
    definition = _write_definition(by_settings(settings, by_fields, time_types))
    compiled = compile_source("by", sql, definition, bind=True)
    document = define_pipeline(definition, compiled.plan, ZoneInfo)
    return ByProgram(sql, definition, document, {key.name: key.columns for key in by_fields.keys})


def quote_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _minute(source: Source) -> tuple[str, dict[str, str]]:
    """The minute of the event time in SQL, and the type that its column must be declared with, if any."""
    times = source_stream(source).times
    own = (TIME_COLUMN, CLF_TIME_FORMAT)
    if times:
        column, pattern = own if own in times else min(times)
        quoted = pattern.replace("'", "''")
        return f"FLOOR(CHAR_TO_TIMESTAMP('{quoted}', s.{quote_name(column)}) TO MINUTE)", {}
    if isinstance(source.time_field, str):
        return f"FLOOR(s.{quote_name(source.time_field)} TO MINUTE)", {source.time_field: "TIMESTAMP"}
    return "STEP(s.ROWTIME BY INTERVAL '60' SECOND)", {}


def _write_sql(by_fields: ByFields, minute: str, source: Source) -> str:
    labels = _labels(["datetime", *(key.name for key in by_fields.keys), "count"])
    time, *own, count = map(quote_name, labels)
    values = [_value(key) for key in by_fields.keys]
    types = [_type(key, source) for key in by_fields.keys]
    typed = [f"{label} {sql_type}" for label, sql_type in zip(own, types, strict=True)]
    columns = [f"{time} VARCHAR(23)", *typed, f"{count} BIGINT"]
    text = f"TIMESTAMP_TO_CHAR('yyyy-MM-dd''T''HH:mm:ss.SSS', {minute})"
    items = [f"{text} AS {time}", *(f"{value} AS {label}" for value, label in zip(values, own, strict=True))]
    lines = [
        f"CREATE OR REPLACE STREAM {quote_name(STREAM)} (",
        f"    {_lines(columns, 4)});",
        "",
        'CREATE OR REPLACE PUMP "STREAM_PUMP" AS',
        f"    INSERT INTO {quote_name(STREAM)}",
        "    SELECT STREAM",
        f"        {_lines([*items, f'COUNT(*) AS {count}'], 8)}",
        f"    FROM {quote_name(source.settings.stream_name)} AS s",
        "    GROUP BY",
        f"        {_lines([*values, minute], 8)};",
        "",
    ]
    return "\n".join(lines)


def _type(key: Key, source: Source) -> str:
    return "VARCHAR" if len(key.columns) > 1 else str(source.column(key.columns[0])[1])


def _value(key: Key) -> str:
    columns = [f"s.{quote_name(column)}" for column in key.columns]
    return columns[0] if len(columns) == 1 else f"COALESCE({', '.join(columns)})"


def _lines(items: Iterable[str], indent: int) -> str:
    return f",\n{' ' * indent}".join(items)


def _labels(names: Sequence[str]) -> list[str]:
    """The columns' names: a document cannot have two of the same name, nor a name that OpenSearch reserves."""
    labels: list[str] = []
    wanted = names[1:-1]
    for index, name in enumerate(names):
        is_own = 0 < index < len(names) - 1
        label = f"field_{name}" if why_reserved(name) else name
        taken = labels if is_own else [*labels, *wanted]
        number = 2
        while label in taken:
            label, number = f"{name}_{number}", number + 1
        labels.append(label)
    return labels


def _write_definition(settings: Mapping[str, Any]) -> str:
    lines = [f"{_toml_key(name)} = {_toml(value)}" for name, value in settings.items() if value is not None]
    return "\n".join(["[source]", *lines, "", f"[outputs.{STREAM}]", f'index = "{INDEX}"', ""])


def _toml_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
