"""Comma-separated values, with quotes: ``"a, b",c``. ``delimiter`` sets another separator.

``fields`` names the columns in their order; without it they are ``column_1``, ``column_2`` … A missing column is null,
an extra one is ``column_N``. A line has at most 1,000 columns, or as many as ``fields`` names if that is more. Values
are text unless ``types`` gives another type; an empty column is the empty text, ``-`` is null.
Source: RFC 4180, one record per line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Any

from streamtally.errors import FormatError, SettingsError
from streamtally.formats.base import MAX_FIELDS, TOO_MANY_FIELDS, Example, Format, FormatOptions, Parser, Row
from streamtally.formats.engine.numbers import converters_of
from streamtally.formats.role_names import COMMON

_COLUMNS = tuple(f"column_{index + 1}" for index in range(MAX_FIELDS))


def _split_quoted(name: str, delimiter: str, most: int) -> Callable[[str], list[str]]:
    mark = re.escape(delimiter)
    cell = re.compile(
        r'(?:"([^"]*+(?:""[^"]*+)*+)"'  # a quoted cell, in which two quotes stand for one
        rf'|([^"{mark}][^{mark}]*+)?+)'  # a bare cell, which may be empty
        rf"({mark}|\Z)",
        re.DOTALL,
    )

    def split(line: str) -> list[str]:
        cells: list[str] = []
        position = 0
        while True:
            match = cell.match(line, position)
            if match is None:
                raise FormatError(name, "a quote that is not closed, or text behind it", position)
            quoted, bare, end = match.groups()
            cells.append(quoted.replace('""', '"') if quoted is not None else bare or "")
            position = match.end()
            if not end or len(cells) > most:
                return cells

    return split


def compile_delimited(name: str, delimiter: str, quote: str = '"') -> Callable[[FormatOptions], Parser]:
    """A compile function for a delimiter, which ``options.delimiter`` overrides.

    Args: quote: what encloses cells; empty: nothing does.
    """

    def compile_for(options: FormatOptions) -> Parser:
        mark = delimiter if options.delimiter is None else options.delimiter
        if len(mark) != 1 or mark in '"\r\n':
            raise SettingsError(f"format {name!r}: the delimiter must be one character and no quote, not {mark!r}")
        return _parser(name, mark, options, quote)

    return compile_for


def _parser(name: str, mark: str, options: FormatOptions, quote: str) -> Parser:
    names, count = options.fields, len(options.fields)
    converters = [(field, convert) for field, convert in converters_of(options).items()]
    all_names = (*names, *_COLUMNS[count:])
    most = len(all_names)
    split_any = _split_quoted(name, mark, most)

    def split_quoted(line: str) -> list[str]:
        try:
            return next(csv.reader((line,), delimiter=mark, strict=True))
        except (csv.Error, StopIteration):  # the csv module limits a cell's size, and takes \r for a line end
            return split_any(line)

    padding = [None] * count
    has_quotes = bool(quote)

    def parse(line: str) -> Row:
        cells: list[Any] = split_quoted(line) if has_quotes and '"' in line else line.split(mark, most)
        size = len(cells)
        if size > most:
            raise FormatError(name, TOO_MANY_FIELDS)
        if "-" in cells:
            cells = [None if cell == "-" else cell for cell in cells]
        if count <= size and size > 1:
            row: Row = dict(zip(all_names, cells, strict=False))
        elif size == 1 and not count:
            raise FormatError(name, "no delimiter in the line")
        else:
            row = dict(zip(names, [*cells, *padding], strict=False))
        for field, convert in converters:
            if field in row:
                row[field] = convert(row[field])
        return row

    return parse


FORMAT = Format(
    name="csv",
    summary="Comma-separated values with quotes; name the columns with fields.",
    source="RFC 4180",
    fields=(),
    examples=(
        Example(
            '192.0.2.1,"GET /a, b",200,"say ""hi""",',
            {
                "column_1": "192.0.2.1",
                "column_2": "GET /a, b",
                "column_3": "200",
                "column_4": 'say "hi"',
                "column_5": "",
            },
        ),
    ),
    compile=compile_delimited("csv", ","),
    roles=COMMON,
)
