"""Headers that JSON logs hold in an object or a list of their own give the columns of the combined log."""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.formats import REGISTRY
from streamtally.formats.logged_headers import find_header, header_names
from streamtally.formats.roles import column_adder

CADDY = {"request": {"headers": {"User-Agent": ["curl/8"], "Referer": ["https://a.example/"], "Accept": ["a", "b"]}}}
WAF = {
    "httpRequest": {
        "headers": [
            {"name": "user-agent", "value": "curl/8"},
            {"name": "Referer", "value": "https://a.example/"},
            {"name": "Accept", "value": "a"},
            {"name": "accept", "value": "b"},
        ]
    }
}


@pytest.mark.parametrize(("row", "owner"), [(CADDY, "request"), (WAF, "httpRequest")])
def test_header(row: dict[str, Any], owner: str) -> None:
    assert find_header(row, f"{owner}.headers.User-Agent") == "curl/8"
    assert find_header(row, f"{owner}.headers.Accept") == "a, b"  # RFC 9110, 5.3
    assert find_header(row, f"{owner}.headers.Cookie") is None
    assert {"User-Agent", "Referer", "Accept"} == set(header_names(row[owner]["headers"]))


@pytest.mark.parametrize("row", [CADDY, WAF])
def test_columns_of_the_combined_log(row: dict[str, Any]) -> None:
    add = column_adder(REGISTRY["json"], ["agent", "referer"])
    assert add is not None
    completed = dict(row)
    add(completed)
    assert (completed["agent"], completed["referer"]) == ("curl/8", "https://a.example/")


@pytest.mark.parametrize(
    "headers", [None, "x", 1, [], {}, [None], [{"name": 1, "value": 2}], {"User-Agent": [1, None]}]
)
def test_headers_in_another_form_have_no_value(headers: Any) -> None:
    assert find_header({"request": {"headers": headers}}, "request.headers.User-Agent") is None
    assert list(header_names(headers)) == []
    assert find_header({"request": headers}, "request.headers.User-Agent") is None
