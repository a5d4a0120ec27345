"""The newer fields of Application Load Balancers' logs, by their documented names."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.formats import FormatOptions, alb, find_format
from streamtally.formats.auto import compile_auto

EXAMPLE = alb.FORMAT.examples[0]
parse: Any = find_format("alb").compile(FormatOptions())


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ('"api.example.com" "https://api.example.com:443/new" "TransformSuccess"',
         ("api.example.com", "https://api.example.com:443/new", "TransformSuccess", None)),
        ('"-" "-" "OriginalRetrieved"', (None, None, "OriginalRetrieved", None)),
        ('"-" "-" "-" 192.0.2.5', (None, None, None, "192.0.2.5")),
        ('"-" "/a\\"b" "-" "x" y', (None, '/a\\"b', None, '"x" y')),
    ],
)  # fmt: skip
def test_transforms(end: str, expected: tuple[Any, ...]) -> None:
    line = f"{EXAMPLE.line} {end}"
    row = parse(line)
    names = ("transformed_host", "transformed_uri", "request_transform_status", "extra")
    assert tuple(row[name] for name in names) == expected
    assert {name: row[name] for name in EXAMPLE.row if name != "extra"} == {
        name: value for name, value in EXAMPLE.row.items() if name != "extra"
    }
    assert list(row) == [*list(EXAMPLE.row)[:-1], *names]
    assert compile_auto(FormatOptions())(line) == row


# Lines with fewer fields, or others, give the rows that they gave before.
def test_rows_stay() -> None:
    assert parse(EXAMPLE.line) == EXAMPLE.row
    for more in ("x", '"-" "-"', '"a" b "c"'):
        assert parse(f"{EXAMPLE.line} {more}") == {**EXAMPLE.row, "extra": more}
    before_ids = EXAMPLE.line.rpartition(" ")[0]
    assert parse(before_ids) == {**EXAMPLE.row, "conn_trace_id": None}
