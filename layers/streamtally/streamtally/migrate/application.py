"""A Kinesis Analytics application, whatever it was read from, and the ``pipeline.toml`` that says the same."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from streamtally.config.source import DEFAULT_SOURCE_STREAM
from streamtally.migrate.reference_tables import ApplicationTable, to_toml_lines


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column of the input schema.

    Attributes:
        name: its name.
        type: its SQL type.
        mapping: its JSONPath; None for CSV.
    """

    name: str
    type: str
    mapping: str | None


@dataclass(slots=True)
class Application:
    """An application.

    Attributes:
        name: its name.
        sql: the program.
        stream_name: the in-application stream of the source.
        format: ``json`` or ``csv``.
        delimiter: the delimiter of CSV columns.
        columns: the input schema.
        outputs: in-application stream → its destination, for people to read.
        without: pumps to leave out.
        tables: the reference tables.
        left: what could not be migrated, one sentence each.
    """

    name: str
    sql: str = ""
    stream_name: str = DEFAULT_SOURCE_STREAM
    format: str = "json"
    delimiter: str | None = None
    columns: list[InputColumn] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    tables: list[ApplicationTable] = field(default_factory=list)


def make_definition(application: Application) -> str:
    """``pipeline.toml`` for an application."""
    lines = [f"# From the application {_shown(application.name)} of Kinesis Analytics.", "", "[source]"]
    lines.append(f'format = "{application.format}"')
    if application.stream_name != DEFAULT_SOURCE_STREAM:
        lines.append(f"stream_name = {json.dumps(application.stream_name)}")
    if application.format == "csv":
        lines.append(f"fields = {json.dumps([column.name for column in application.columns])}")
        lines.append(f"delimiter = {json.dumps(application.delimiter or ',')}")
    if application.columns:
        lines += ["", "[source.types]"]
        lines += [f"{json.dumps(column.name)} = {json.dumps(column.type)}" for column in application.columns]
    paths = [column for column in application.columns if column.mapping and column.mapping != f"$.{column.name}"]
    if paths and application.format == "json":
        lines += ["", "[source.paths]"]
        lines += [f"{json.dumps(column.name)} = {json.dumps(column.mapping)}" for column in paths]
    for table in application.tables:
        lines += ["", *to_toml_lines(table)]
    if application.without:
        lines += ["", "[program]", f"without = {json.dumps(application.without)}"]
    for name, destination in application.outputs.items():
        lines += ["", f"[outputs.{json.dumps(name)}]  # was sent to {_shown(destination)}"]
        lines.append(f'index = "{index_name(name)}"')
    return "\n".join(lines) + "\n"


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def index_name(stream: str) -> str:
    """The index name for an in-application stream: lower case letters, digits and ``_``."""
    name = re.sub(r"[^a-z0-9_]+", "_", stream.lower()).strip("_-")
    return name or "documents"
