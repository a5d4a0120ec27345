"""The common log format as others than Apache write it."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions, find_format
from streamtally.formats.auto import compile_auto
from streamtally.formats.detect import detect


# Amazon API Gateway's CLF: no space between the time and the request, and the id of the request at the end. A line with
# the id is of the format api_gateway under auto and detect, in which the id is a field.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('192.0.2.1 - - [10/Oct/2025:13:55:36 +0000]"GET /pets HTTP/1.1" 200 5 c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
         {"host": "192.0.2.1", "request": "GET /pets HTTP/1.1", "response": 200, "bytes": 5,
          "extra": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"}),
        ('2001:db8::1 AIDAEXAMPLE arn:aws:iam::123456789012:user/ann [10/Oct/2025:13:55:36 +0000]"POST /p/{id} '
         'HTTP/1.1" 500 - x',
         {"ident": "AIDAEXAMPLE", "authuser": "arn:aws:iam::123456789012:user/ann", "request": "POST /p/{id} HTTP/1.1",
          "response": 500, "bytes": None}),
        ('192.0.2.1 - - [10/Oct/2025:13:55:36 +0000]"- - -" 403 23', {"request": "- - -", "response": 403}),
    ],
)  # fmt: skip
def test_api_gateway(line: str, expected: dict[str, Any]) -> None:
    row = find_format("apache_common").compile(FormatOptions())(line)
    assert {name: row[name] for name in expected} == expected
    assert row["datetime"] == "10/Oct/2025:13:55:36 +0000"
    has_id = "deadbeef" in line
    detected = compile_auto(FormatOptions())(line)
    assert {name: detected[name] for name in row if name != "extra" or not has_id} == {
        name: value for name, value in row.items() if name != "extra" or not has_id
    }
    best = detect([line]).best
    assert best is not None
    assert best.format.name == ("api_gateway" if has_id else "apache_common")


# A field that is empty leaves two spaces: the server's own after the host, ident, or the user.
@pytest.mark.parametrize("name", ["apache_common", "apache_combined", "nginx"])
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("192.0.2.247  - -", ("192.0.2.247", None, None)),
        ("192.0.2.247  - frank", ("192.0.2.247", None, "frank")),
        ("192.0.2.247  frank", ("192.0.2.247", "", "frank")),
        ("192.0.2.247 - ", ("192.0.2.247", None, "")),
        ("2001:db8::1  -", ("2001:db8::1", "", None)),
    ],
)
def test_an_empty_field(name: str, before: str, expected: tuple[Any, ...]) -> None:
    line = f'{before} [19/Jul/2025:23:59:59 +0000] "GET /api/ HTTP/1.1" 404 939 "-" "x"'
    line = line if name != "apache_common" else line.removesuffix(' "-" "x"')
    row = find_format(name).compile(FormatOptions())(line)
    assert (row["host"], row["ident"], row["authuser"], row["response"]) == (*expected, 404)
    assert compile_auto(FormatOptions())(line)["response"] == 404


@pytest.mark.parametrize(
    "before", ["192.0.2.247   - -", "  - -", "192.0.2.247  ", "192.0.2.1  198.51.100.1 - -", " - -"]
)
def test_other_empty_fields(before: str) -> None:
    for name in ("apache_common", "apache_combined"):
        with pytest.raises(FormatError):
            find_format(name).compile(FormatOptions())(f'{before} [19/Jul/2025:23:59:59 +0000] "GET /" 404 939 "-" "x"')
