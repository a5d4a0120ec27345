"""Layouts as data: which formats the kernel reads, by their columns alone."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.formats import find_format
from streamtally.transform.kernel.layouts import PlainLines, layout_of, plain_lines
from streamtally.transform.source import Source


def lines_of(**settings: object) -> PlainLines | None:
    return plain_lines(Source(source_settings(settings), ZoneInfo))


def test_a_directive_is_read_by_its_columns() -> None:
    lines = lines_of(format='apache:%h %t "%r" %>s %D end')
    assert lines is not None
    assert lines.columns == (
        ("host", "word", "", True, "always"),
        ("datetime", "time", " [", True, "always"),
        ("request", "escapable", '] "', True, "always"),
        ("response", "integer:9", '" ', True, "always"),
        ("duration_us", "integer:18", " ", True, "always"),
    )
    assert lines.end == " end"


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "json"},
        {"format": "w3c"},
        {"format": 'apache:%h %{%H:%M}t "%r"'},  # a time of its own
        {"format": 'apache:%h,%q,"%r"'},  # a text up to a comma
        {"format": "apache:%h %t %D", "anonymize": True},  # rows are changed
        {"format": "apache:%h %t %D", "drop": ["host"]},
        {"format": "apache:%h %t %D", "line_field": "log"},
        {"format": "combined", "split_request": True},
    ],
)
def test_what_the_kernel_does_not_know_goes_pythons_way(settings: dict[str, object]) -> None:
    assert lines_of(**settings) is None


def test_escapes_are_undone_by_python() -> None:
    first, second = lines_of(format="combined", unescape=True), lines_of(format="combined")
    assert first is not None
    assert second is not None
    assert (first.has_escapes, second.has_escapes) == (False, True)


@pytest.mark.parametrize(
    ("name", "presences"),
    [
        ("alb", {"trace_id": "always", "domain_name": "or_null", "transformed_host": "or_absent"}),
        ("alb", {"transformed_uri": "with", "request_transform_status": "with", "extra": "or_null"}),
        ("s3_access", {"version_id": "always", "host_id": "or_null", "source_region": "or_absent", "extra": "or_null"}),
        ("cloudfront", {"time_taken": "always", "x_forwarded_for": "or_null"}),
        ("haproxy", {"header": "apart", "captured_request_headers": "apart", "request": "always", "extra": "or_null"}),
    ],
)
def test_which_columns_may_be_missing(name: str, presences: dict[str, str]) -> None:
    lines = lines_of(format=name)
    assert lines is not None
    known = {column: presence for column, *_, presence in lines.columns}
    assert presences.items() <= known.items()


def test_formats_with_header_lines_say_so() -> None:
    assert [getattr(lines_of(format=name), "header", None) for name in ("cloudfront", "s3_access")] == ["#", ""]


def test_a_format_of_several_layouts_is_not_taken_for_one() -> None:
    assert layout_of(find_format("api_gateway")) is None
    layout = layout_of(find_format("nginx_main"))
    assert layout is not None
    assert re.escape(layout.columns[1].before) == r"\ "
