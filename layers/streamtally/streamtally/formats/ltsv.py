"""Labeled tab-separated values: ``label:value`` parts separated by tabs.

The labels that ltsv.org recommends for web servers have types; other values are text unless ``types`` gives another
type. A line has at most 1,000 parts.
Source: ltsv.org, "Labeled Tab-separated Values".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import (
    MAX_FIELDS,
    TOO_MANY_FIELDS,
    Example,
    Field,
    Format,
    FormatOptions,
    Parser,
    Row,
)
from streamtally.formats.engine.memo import Remembered
from streamtally.formats.engine.numbers import Converter, convert_number, converters_of
from streamtally.formats.engine.shapes import MAX_KEYS, Shape, Shapes, write_shape
from streamtally.formats.role_names import COMMON

_LABEL = re.compile(r"[0-9A-Za-z_.\-]{1,200}", re.ASCII)
_LABELS = re.compile(rf"(?:{_LABEL.pattern}+\t)++", re.ASCII)  # all labels of a line, each followed by a tab

FIELDS = (
    Field("time", "VARCHAR", "time of the request, usually [dd/MMM/yyyy:HH:mm:ss Z]"),
    Field("host", "VARCHAR", "the client's address"),
    Field("req", "VARCHAR", "the request line"),
    Field("status", "INTEGER", "status code of the response"),
    Field("size", "BIGINT", "bytes of the response"),
    Field("reqsize", "BIGINT", "bytes of the request"),
    Field("reqtime", "DOUBLE", "seconds that the request took"),
    Field("apptime", "DOUBLE", "seconds that the upstream server took"),
    Field("reqtime_microsec", "BIGINT", "microseconds that the request took"),
)
_NUMBERS = {field.name: convert_number(field.type) for field in FIELDS if field.type != "VARCHAR"}


def labels_of(line: str) -> tuple[str, ...] | None:
    """The labels of a line without empty parts, in its order; None if it has others, or one of them twice."""
    if line.count("\t") >= MAX_KEYS:
        return None
    parts = [part.partition(":") for part in line.split("\t")]
    labels = tuple(label for label, colon, _ in parts if colon and _LABEL.fullmatch(label))
    return labels if len(set(labels)) == len(parts) else None


def compile_ltsv(options: FormatOptions) -> Parser:
    """A parser of LTSV; ``types`` gives labels their types."""
    converters = {**_NUMBERS, **converters_of(options)}
    shapes = Shapes(lambda labels: _shape(labels, converters))
    find, learn = shapes.find, shapes.learn

    def parse(line: str) -> Row:
        tabs = line.count("\t")
        shape = find(tabs)
        if shape is not None:
            row = shape(line)
            if row is not None:
                return row
        row = _parse_any(line, converters)
        if len(row) == tabs + 1 <= MAX_KEYS:
            learn(tabs, tuple(row))
        return row

    return parse


def _parse_any(line: str, converters: Mapping[str, Converter]) -> Row:
    if line.count("\t") >= MAX_FIELDS:
        raise FormatError("ltsv", TOO_MANY_FIELDS)
    try:
        row: Row = dict([part.split(":", 1) for part in line.split("\t") if part])
    except ValueError:
        raise FormatError("ltsv", "a part without a colon") from None
    if not row or _LABELS.fullmatch("\t".join(row) + "\t") is None:
        raise FormatError("ltsv", "a label with other characters than letters, digits and _.-")
    if "-" in row.values():
        row = {label: None if value == "-" else value for label, value in row.items()}
    for label in row.keys() & converters.keys():
        if row[label] is not None:
            row[label] = converters[label](row[label])
    return row


def _shape(labels: tuple[str, ...], converters: Mapping[str, Converter]) -> Shape:
    """The shape of lines with these labels in this order, without empty parts."""
    pattern = "\t".join(f"{re.escape(label)}:([^\t]*+)" for label in labels)
    scope: dict[str, Any] = {"match": re.compile(rf"{pattern}\Z").match}
    values = []
    for index, label in enumerate(labels):
        code = f'None if v{index} == "-" else v{index}'
        if label in _NUMBERS and converters[label] is _NUMBERS[label]:
            scope[f"known{index}"] = Remembered(_NUMBERS[label])
            code = f'None if v{index} == "-" else known{index}[v{index}]'
        elif label in converters:
            scope[f"convert{index}"] = converters[label]
            code = f'None if v{index} == "-" else convert{index}(v{index})'
        values.append((label, code))
    return write_shape(", ".join(f"v{index}" for index in range(len(labels))), values, scope)


def _locate(line: str) -> int:
    position = 0
    for part in line.split("\t"):
        if part and not _LABEL.match(part.partition(":")[0] if ":" in part else ""):
            return position
        position += len(part) + 1
    return len(line)


FORMAT = Format(
    name="ltsv",
    summary="Labeled tab-separated values.",
    source="ltsv.org",
    fields=FIELDS,
    examples=(
        Example(
            "time:[22/Nov/2025:21:21:41 +0000]\thost:2001:db8::1\treq:GET / HTTP/1.1\tstatus:200\tsize:-\t"
            "reqtime:0.004",
            {
                "time": "[22/Nov/2025:21:21:41 +0000]",
                "host": "2001:db8::1",
                "req": "GET / HTTP/1.1",
                "status": 200,
                "size": None,
                "reqtime": 0.004,
            },
        ),
    ),
    compile=compile_ltsv,
    time_field="time",
    time_format="'['dd/MMM/yyyy:HH:mm:ss Z",
    locate=_locate,
    roles=COMMON,
)
