"""Labeled tab-separated values: ``label:value`` parts with tabs between.

The labels that ltsv.org recommends for web servers have their types; others are text unless ``types`` says more.
Source: ltsv.org, "Labeled Tab-separated Values".
"""

from __future__ import annotations

import re

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Row
from streamtally.formats.typed import Converter, convert_number, converters_of

_MAX_KNOWN = 1000
_LABEL = re.compile(r"[0-9A-Za-z_.\-]{1,200}", re.ASCII)

FIELDS = (
    Field("time", "VARCHAR", "when the request came, mostly [dd/MMM/yyyy:HH:mm:ss Z]"),
    Field("host", "VARCHAR", "the client's address"),
    Field("req", "VARCHAR", "the request line"),
    Field("status", "INTEGER", "status code of the answer"),
    Field("size", "BIGINT", "bytes of the answer"),
    Field("reqsize", "BIGINT", "bytes of the request"),
    Field("reqtime", "DOUBLE", "seconds that the request took"),
    Field("apptime", "DOUBLE", "seconds that the upstream server took"),
    Field("reqtime_microsec", "BIGINT", "microseconds that the request took"),
)
_NUMBERS = {field.name: convert_number(field.type) for field in FIELDS if field.type != "VARCHAR"}


def compile_ltsv(options: FormatOptions) -> Parser:
    """A parser of LTSV; ``types`` gives labels their types."""
    converters = {**_NUMBERS, **converters_of(options)}
    known: dict[tuple[str, ...], list[tuple[str, Converter]]] = {}  # labels that were checked → what is converted

    def check(labels: tuple[str, ...]) -> list[tuple[str, Converter]]:
        if not labels or not all(map(_LABEL.fullmatch, labels)):
            raise FormatError("ltsv", "a label with other characters than letters, digits and _.-")
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[labels] = [(label, converters[label]) for label in labels if label in converters]
        return known[labels]

    def parse(line: str) -> Row:
        try:
            row: Row = dict([part.split(":", 1) for part in line.split("\t") if part])
        except ValueError:
            raise FormatError("ltsv", "a part without a colon") from None
        labels = tuple(row)
        to_convert = known.get(labels)
        for label, convert in check(labels) if to_convert is None else to_convert:
            if row[label] != "-":
                row[label] = convert(row[label])
        if "-" in row.values():
            return {label: None if value == "-" else value for label, value in row.items()}
        return row

    return parse


def _locate(line: str) -> int:
    at = 0
    for part in line.split("\t"):
        if part and not _LABEL.match(part.partition(":")[0] if ":" in part else ""):
            return at
        at += len(part) + 1
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
)
