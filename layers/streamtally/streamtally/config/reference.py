"""``[reference.<name>]`` of a pipeline: a table that a program joins, from a file of the folder or an object in S3.

:class:`ReferenceTable` is the table as ``pipeline.toml`` writes it, :class:`ReferenceSettings` the same in
``pipeline.json``, where a file is there with its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from streamtally.config.outputs import Duration
from streamtally.config.read import read_table
from streamtally.config.units import OBJECT_PATTERN, parse_duration
from streamtally.errors import SettingsError
from streamtally.text import visible

MAX_FILE_BYTES = 2 * 2**20
"""How large a file of the folder may be. ``pipeline.json`` holds it, and is stored in OpenSearch with each plan."""
MAX_OBJECT_BYTES = 16 * 2**20
"""How large the objects of all tables together may be."""
MAX_VALUES = 1_000_000
"""How many values all tables together may have: rows times columns."""
MAX_NAME_CHARS, MAX_COLUMNS = 32, 1_000
"""Of a table. Sources: Kinesis Analytics API, ReferenceDataSource (TableName) and SourceSchema (RecordColumns)."""
MIN_REFRESH_SECONDS = 60

_FILE_NAME = re.compile(r"[^/\\\x00-\x1f]{1,255}(?<!^\.)(?<!^\.\.)")
"""A file of the folder itself: one in another place would not be deployed with it."""

Uri: TypeAlias = Annotated[str, Meta(pattern=OBJECT_PATTERN)]
Format: TypeAlias = Literal["csv", "json"]


class ReferenceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[reference.<name>]`` in ``pipeline.toml``. The descriptions are those of ``docs/pipeline.schema.json``."""

    file: Annotated[
        str | None, Meta(description="A file in the pipeline folder, up to 2 MiB.", examples=["companies.csv"])
    ] = None
    s3: Annotated[
        Uri | None,
        Meta(description="An object in S3, instead of file.", examples=["s3://amzn-s3-demo-bucket/companies.csv"]),
    ] = None
    columns: Annotated[
        dict[str, str],
        Meta(
            description="Column → SQL type, in the order of *.",
            examples=[{"Ticker": "VARCHAR(4)", "Company": "VARCHAR(60)"}],
        ),
    ]
    format: Annotated[
        Format | None, Meta(description="Default: by the ending of the name, .csv or .json.", examples=["csv"])
    ] = None
    header: Annotated[bool, Meta(description="CSV: whether the first line names the columns.", examples=[False])] = True
    delimiter: Annotated[
        str, Meta(description="CSV: the character between columns.", min_length=1, max_length=1, examples=[";"])
    ] = ","
    paths: Annotated[
        dict[str, str],
        Meta(description="JSON: column → JSONPath in a row's object.", examples=[{"Ticker": "$.stock.ticker"}]),
    ] = msgspec.field(default_factory=dict)
    refresh: Annotated[
        Duration | None,
        Meta(description="S3: how often a running function looks for a new version; at least 1m.", examples=["1h"]),
    ] = None


class ReferenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A reference table in ``pipeline.json``; the meanings are those of :class:`ReferenceTable`.

    Attributes:
        place: the name of the file, or the object's URI, for messages.
        text: the content of the file; None: it is an object in S3.
        refresh_seconds: None: a function reads the object only when it starts.
    """

    place: str
    text: str | None = None
    columns: dict[str, str]
    format: Format
    header: bool = True
    delimiter: str = ","
    paths: dict[str, str] = msgspec.field(default_factory=dict)
    refresh_seconds: int | None = None

    @property
    def in_s3(self) -> bool:
        """Whether it is an object in S3."""
        return self.text is None


def reference_where(name: str) -> str:
    """The place of a table in ``pipeline.toml``, for messages."""
    return f"pipeline.toml: [reference.{visible(name, 60)}]"


def read_reference(name: str, value: Any) -> ReferenceTable:
    """A table of ``pipeline.toml``, checked. Raises: SettingsError: what is wrong, and where."""
    where = reference_where(name)
    table = read_table(ReferenceTable, value, where)
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise SettingsError(f"{where}: a table's name has 1 to {MAX_NAME_CHARS} characters")
    if (table.file is None) == (table.s3 is None):
        raise SettingsError(f'{where}: write either file = "NAME.csv" or s3 = "s3://BUCKET/KEY"')
    if table.file is not None and not _FILE_NAME.fullmatch(table.file):
        raise SettingsError(f"{where} file = {visible(table.file, 120)!r}: name a file in the pipeline folder")
    if not 1 <= len(table.columns) <= MAX_COLUMNS:
        raise SettingsError(f"{where} columns: a table has 1 to {MAX_COLUMNS} columns")
    _check_format(table, where)
    return table


def _check_format(table: ReferenceTable, where: str) -> None:
    if _format_of(table) is None:
        raise SettingsError(f'{where}: its name ends in neither .csv nor .json: write format = "csv" or "json"')
    if table.paths and _format_of(table) == "csv":
        raise SettingsError(f"{where} paths: only JSON has paths; CSV columns go by the header")
    if table.delimiter in '"\r\n':
        raise SettingsError(f"{where} delimiter: write a character other than quotes and line ends")
    if unknown := sorted(set(table.paths) - set(table.columns)):
        raise SettingsError(f"{where} paths.{visible(unknown[0], 60)}: declare the column under columns as well")
    if table.refresh is not None and table.s3 is None:
        raise SettingsError(f"{where} refresh: only an object in S3 is read again; a file changes with the deployment")
    if table.refresh is not None and _seconds(table.refresh, where) < MIN_REFRESH_SECONDS:
        raise SettingsError(f"{where} refresh = {table.refresh!r}: write at least 1m")


def _format_of(table: ReferenceTable) -> Format | None:
    name = (table.file or table.s3 or "").lower()
    if table.format is not None:
        return table.format
    return "csv" if name.endswith(".csv") else "json" if re.search(r"\.(json|jsonl|ndjson)$", name) else None


def _seconds(text: str, where: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"{where} refresh: {error}") from None


def to_reference_settings(name: str, table: ReferenceTable, text: str | None) -> ReferenceSettings:
    """A table's settings in ``pipeline.json``. Args: text: the content of its file; None: it is in S3."""
    return ReferenceSettings(
        place=table.file or table.s3 or "",
        text=text,
        columns=table.columns,
        format=_format_of(table) or "csv",
        header=table.header,
        delimiter=table.delimiter,
        paths=table.paths,
        refresh_seconds=None if table.refresh is None else _seconds(table.refresh, reference_where(name)),
    )


def reference_settings(name: str, value: Mapping[str, Any]) -> ReferenceSettings:
    """A table as ``pipeline.json`` holds it. Raises: SettingsError."""
    return read_table(ReferenceSettings, value, f"reference table {visible(name, 60)}:")


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key) of an object's URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
