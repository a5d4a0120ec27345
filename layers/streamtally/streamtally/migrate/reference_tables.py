"""Reference tables of an application → ``[reference.<name>]``.

Source: Amazon Kinesis Analytics API reference (both versions), *ReferenceDataSource*, *S3ReferenceDataSource* and
*SourceSchema*. A CSV file has no header there: each line is a row, and columns go by position.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BUCKET = re.compile(r"arn:[a-z-]+:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
UNKNOWN_BUCKET, UNKNOWN_KEY = "name-of-the-bucket", "KEY_OF_THE_OBJECT"
_WHOLE = ("", "$", "$[*]", "$[0:]")
"""Paths of rows in a JSON file that stand for every object in it."""


@dataclass(frozen=True, slots=True)
class ApplicationTable:
    """A reference table of an application.

    Attributes:
        name: its name in the program.
        uri: its object in S3.
        format: ``json`` or ``csv``.
        delimiter: of CSV columns.
        columns: (name, SQL type, JSONPath or "") of each column.
    """

    name: str
    uri: str
    format: str
    delimiter: str
    columns: tuple[tuple[str, str, str], ...]

    @property
    def arn(self) -> str:
        """The ARN of its object."""
        return f"arn:aws:s3:::{self.uri.removeprefix('s3://')}"


def read_reference_table(value: Any, left: list[str]) -> ApplicationTable | None:
    """A table of an application's description, request or template; None: too little of it is known.

    Args: left: takes what is not carried over or must be checked, one sentence each.
    """
    table = _mapping(value)
    name, schema = _text(table.get("TableName")), _mapping(table.get("ReferenceSchema"))
    columns = tuple(
        (_text(column.get("Name")), _text(column.get("SqlType")), _text(column.get("Mapping")))
        for column in map(_mapping, schema.get("RecordColumns") or ())
    )
    if not name or not columns or not all(column[0] and column[1] for column in columns):
        left.append(f'the reference table "{name}": its columns are not in the document; write [reference."{name}"]')
        return None
    record = _mapping(schema.get("RecordFormat"))
    mapping = _mapping(record.get("MappingParameters"))
    csv, paths = _mapping(mapping.get("CSVMappingParameters")), _mapping(mapping.get("JSONMappingParameters"))
    kind = "csv" if _text(record.get("RecordFormatType")).upper() == "CSV" else "json"
    delimiter = _text(csv.get("RecordColumnDelimiter")).replace("\\t", "\t") or ","
    if kind == "csv":
        left.append(
            f'the reference table "{name}": each line of its file is a row, as in Kinesis Analytics; if the first line '
            f'names the columns, remove header = false under [reference."{name}"]'
        )
    elif (path := _text(paths.get("RecordRowPath"))) not in _WHOLE:
        left.append(f'the reference table "{name}": RecordRowPath {path}: each object of the file is a row')
    return ApplicationTable(name, _uri(name, table, left), kind, delimiter, columns)


def _uri(name: str, table: Mapping[str, Any], left: list[str]) -> str:
    place = _mapping(table.get("S3ReferenceDataSource")) or _mapping(table.get("S3ReferenceDataSourceDescription"))
    bucket, key = _BUCKET.fullmatch(_text(place.get("BucketARN"))), _text(place.get("FileKey"))
    if bucket is None or not key:
        left.append(
            f'the reference table "{name}": the document does not name its object: write s3 = "s3://BUCKET/KEY"'
        )
    return f"s3://{bucket[1] if bucket else UNKNOWN_BUCKET}/{key or UNKNOWN_KEY}"


def to_toml_lines(table: ApplicationTable) -> Iterator[str]:
    """The table in ``pipeline.toml``."""
    yield f"[reference.{json.dumps(table.name)}]"
    yield f"s3 = {json.dumps(table.uri)}"
    yield f"format = {json.dumps(table.format)}"
    if table.format == "csv":
        yield "header = false"
        if table.delimiter != ",":
            yield f"delimiter = {json.dumps(table.delimiter)}"
    yield f"columns = {_inline((name, sql_type) for name, sql_type, _ in table.columns)}"
    paths = [(name, path) for name, _, path in table.columns if path and path != f"$.{name}"]
    if paths and table.format == "json":
        yield f"paths = {_inline(paths)}"


def _inline(pairs: Any) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in pairs) + " }"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
