"""CSV or JSON → the rows of a reference table, each value of its column's type.

Every mistake in a file is one line: the table, its file, the line or row, the column, and what to do.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.config.reference import MAX_FILE_BYTES, MAX_OBJECT_BYTES, MAX_VALUES, ReferenceSettings
from streamtally.errors import EvaluationError, SettingsError
from streamtally.formats.wrappers.json_paths import dig, path_steps
from streamtally.plan.casts import fill_char
from streamtally.plan.coercions import coercion, to_text
from streamtally.plan.reference import ReferenceRows, Values
from streamtally.plan.types import SqlType, parse_type
from streamtally.text import near_names, visible

_BOOLEANS = {"true": True, "false": False}


def load_reference(name: str, settings: ReferenceSettings, data: bytes | None = None) -> ReferenceRows:
    """A reference table from its file.

    Args: data: the content, if the settings do not hold it.
    Raises: SettingsError: what is wrong with the content, and where.
    """
    reader = _Reader(name, settings)
    if data is None and settings.text is None:
        return ReferenceRows(name, reader.types, None)
    try:
        rows = reader.read(data if data is not None else (settings.text or "").encode())
    except SettingsError as error:
        raise SettingsError(f"reference table {visible(name, 60)} ({visible(settings.place, 120)}): {error}") from None
    return ReferenceRows(name, reader.types, rows)


def check_size(tables: Mapping[str, ReferenceRows]) -> None:
    """Check what all tables together hold. Raises: SettingsError: they have too many values."""
    values = sum(len(table.rows or ()) * len(table.columns) for table in tables.values())
    if values > MAX_VALUES:
        raise SettingsError(f"the reference tables have more than {MAX_VALUES:,} values: remove rows or columns")


def decode_reference(data: bytes, limit: int = MAX_FILE_BYTES) -> str:
    """The text of a file, with or without a byte order mark. Raises: SettingsError: too large, or not UTF-8."""
    if len(data) > limit:
        more = "" if limit == MAX_OBJECT_BYTES else f", or put it into S3 (up to {MAX_OBJECT_BYTES:,} bytes)"
        raise SettingsError(f"it has more than {limit:,} bytes: remove rows or columns{more}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"it is not UTF-8 (byte {error.start}): save it as UTF-8") from None


class _Reader:
    """Reads the content of one table."""

    def __init__(self, name: str, settings: ReferenceSettings) -> None:
        self.settings = settings
        self.types = {column: parse_type(sql_type) for column, sql_type in settings.columns.items()}
        self._values = 0
        self._name = name

    def read(self, data: bytes) -> list[Values]:
        """The rows. Raises: SettingsError."""
        text = decode_reference(data, MAX_OBJECT_BYTES)
        rows = self._csv(text) if self.settings.format == "csv" else self._json(text)
        return list(rows)

    def _csv(self, text: str) -> Iterator[Values]:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=self.settings.delimiter, strict=True)
        positions, width = list(range(len(self.types))), len(self.types)
        is_header = self.settings.header
        try:
            for fields in lines:
                if not fields:  # an empty line
                    continue
                if is_header:
                    is_header, width = False, len(fields)
                    positions = self._positions([field.strip() for field in fields])
                    continue
                if len(fields) != width:
                    raise SettingsError(
                        f"line {lines.line_num} has {len(fields)} columns instead of {width}: correct it, or put text "
                        "that contains the delimiter in double quotes"
                    )
                yield self._row(f"line {lines.line_num}", [fields[position] or None for position in positions])
        except csv.Error as error:
            raise SettingsError(f"line {lines.line_num} is not CSV ({error}): close its quotes") from None
        if is_header:
            raise SettingsError("it is empty: its first line must name the columns")

    def _positions(self, header: Sequence[str]) -> list[int]:
        """Where the declared columns are. Raises: SettingsError: the header lacks one, or has it twice."""
        for column in self.types:
            count = header.count(column)
            if count == 1:
                continue
            if count:
                raise SettingsError(f"its header has the column {visible(column, 60)} twice: rename one")
            same = [name for name in header if name.lower() == column.lower()]
            near = same or near_names(column, header, 1)
            hint = f"did you mean {visible(near[0], 60)}? " if near else ""
            listed = visible(", ".join(header[:12]), 200)
            raise SettingsError(
                f"its header lacks the column {visible(column, 60)}: {hint}The header is: {listed}; "
                "a file without a header needs header = false"
            )
        return [header.index(column) for column in self.types]

    def _json(self, text: str) -> Iterator[Values]:
        steps: dict[str, list[str | int]] = {
            column: path_steps(self.settings.paths[column]) if column in self.settings.paths else [column]
            for column in self.types
        }
        seen: set[str] = set()
        number = 0
        for number, item in enumerate(_objects(text), 1):
            if not isinstance(item, Mapping):
                raise SettingsError(f"row {number} is not an object: write {{…}} for each row")
            values = {column: dig(item, path) for column, path in steps.items()}
            seen.update(column for column, value in values.items() if value is not None)
            yield self._row(f"row {number}", list(values.values()))
        if number and (unseen := [column for column in self.types if column not in seen]):
            raise SettingsError(
                f"no row has a value for the column {visible(unseen[0], 60)}: names are case-sensitive; "
                "give its path under paths if it is inside another object"
            )

    def _row(self, where: str, values: Sequence[Any]) -> Values:
        self._values += len(values)
        if self._values > MAX_VALUES:
            raise SettingsError(
                f"it has more than {MAX_VALUES:,} values: remove rows, or columns that are not declared"
            )
        row = []
        for (column, sql_type), value in zip(self.types.items(), values, strict=True):
            try:
                row.append(_typed(sql_type, value))
            except EvaluationError as error:
                shown = visible(to_text(value), 40)
                raise SettingsError(f"{where}, column {visible(column, 60)}: '{shown}' is {error}") from None
        return tuple(row)


def _typed(sql_type: SqlType, value: Any) -> Any:
    """A value of a file as its column's type. Raises: EvaluationError: it cannot be one without loss."""
    if value is None:
        return None
    if sql_type.is_text:
        text = to_text(value)
        if sql_type.length is not None and len(text) > sql_type.length:
            raise EvaluationError(f"too long for {sql_type}")
        return fill_char(text, sql_type.length or 1) if sql_type.name == "CHAR" else text
    if sql_type.name == "BOOLEAN" and isinstance(value, str):
        value = _BOOLEANS.get(value.strip().lower())
        if value is None:
            raise EvaluationError("neither true nor false")
    return coercion(sql_type)(value)


def _objects(text: str) -> Iterator[Any]:
    """The rows of JSON text: the members of an array, or one object after the other."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    position = 0
    try:
        while (position := _skip(text, position)) < len(text):
            value, position = decoder.raw_decode(text, position)
            if isinstance(value, list):
                yield from value
            else:
                yield value
    except RecursionError:
        raise SettingsError("its JSON is nested too deeply") from None
    except ValueError as error:
        line = getattr(error, "lineno", text.count("\n", 0, position) + 1)
        raise SettingsError(f"line {line} is not JSON: write an array of objects, or one object per line") from None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
