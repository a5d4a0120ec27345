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
        ("host", "word", "", True, False),
        ("datetime", "time", " [", True, False),
        ("request", "escapable", '] "', True, False),
        ("response", "integer:9", '" ', True, False),
        ("duration_us", "integer:18", " ", True, False),
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


def test_a_format_of_several_layouts_is_not_taken_for_one() -> None:
    assert layout_of(find_format("s3_access")) is None
    layout = layout_of(find_format("nginx_main"))
    assert layout is not None
    assert re.escape(layout.columns[1].before) == r"\ "
