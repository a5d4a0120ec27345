"""Layouts of formats whose columns the log itself names: which columns the kernel gets, and when it gets none."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.transform.kernel.layouts import PlainLines
from streamtally.transform.kernel.named_columns import SAMPLE_CHARS, SAMPLE_RECORDS, named_columns
from streamtally.transform.source import Source

IIS = "2025-11-22 21:21:41 192.0.2.10 GET / - 443 - 198.51.100.9 Mozilla/5.0 - 200 0 0 15"


def columns_of(*records: str, **settings: object) -> PlainLines | None:
    source = Source(source_settings(settings), ZoneInfo)
    return named_columns(source, [record(text) for text in records])


def record(text: str) -> Mapping[str, Any]:
    return {"recordId": "1", "data": base64.b64encode(text.encode()).decode()}


def shapes_of(lines: PlainLines | None) -> dict[str, tuple[str, str]]:
    assert lines is not None
    return {name: (shape, before) for name, shape, before, is_nullable, presence in lines.columns}


def test_labels_are_columns() -> None:
    lines = columns_of("time:[a]\tstatus:200\tsize:5\treqtime:0.1\tua:b:c\n", format="ltsv")
    assert shapes_of(lines) == {
        "time": ("cell", "time:"),
        "status": ("integer:9", "\tstatus:"),
        "size": ("integer:18", "\tsize:"),
        "reqtime": ("decimal", "\treqtime:"),
        "ua": ("cell", "\tua:"),
    }
    assert lines is not None
    assert lines.scanner.decimals == {"reqtime"}
    assert not lines.has_directives


def test_declared_types_are_those_of_the_columns() -> None:
    lines = columns_of("n:5\tresponse:1\ttext:a", format="ltsv", types={"n": "BIGINT", "text": "VARCHAR(9)"})
    assert shapes_of(lines) == {
        "n": ("integer:18", "n:"),
        "response": ("integer:9", "\tresponse:"),
        "text": ("cell", "\ttext:"),
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a",
        "a:1\t",
        "a:1\t\tb:2",
        "a:1\ta:2",
        "a b:1",
        ":1",
        "é:1",
        "\t".join(f"n{number}:" for number in range(65)),
    ],
)
def test_lines_without_labels_of_their_own(line: str) -> None:
    assert columns_of(line, format="ltsv") is None
    assert columns_of(line, "a:1\n", format="ltsv") is not None


@pytest.mark.parametrize("type_name", ["DOUBLE", "BOOLEAN", "TIMESTAMP"])
def test_types_that_are_converted_otherwise(type_name: str) -> None:
    assert columns_of("a:1", format="ltsv", types={"a": type_name}) is None


def test_a_fields_line_names_columns() -> None:
    lines = columns_of("#Version: 1.0\r\n#Fields: date time c-ip sc-status cs(Host)\r\na b c 1 d\r\n", format="w3c")
    assert shapes_of(lines) == {
        "date": ("word", ""),
        "time": ("word", " "),
        "c_ip": ("word", " "),
        "sc_status": ("integer:9", " "),
        "cs_host": ("word", " "),
    }
    assert lines is not None
    assert (lines.directive, lines.has_directives) == ("#Fields: date time c-ip sc-status cs(Host)", True)


def test_without_one_the_columns_are_the_usual_or_the_pipelines() -> None:
    usual = shapes_of(columns_of(IIS, format="w3c"))
    assert list(usual)[:3] == ["date", "time", "s_ip"]
    assert (usual["date"][0], usual["s_ip"][0], usual["time_taken"][0]) == ("form:0000-00-00", "address", "integer:18")
    own = columns_of(IIS, format="w3c", fields=["date", "time", "s-ip"])
    assert own is not None
    assert (own.directive, own.has_directives) == ("", True)
    assert {shape for shape, _ in shapes_of(own).values()} == {"word"}


@pytest.mark.parametrize(
    "header",
    [
        "#Fields: time sc-status",  # the day is #Date's
        "#Fields: date time sc-status sc-status",
        "#Fields: date\ttime\tsc-status",
        "#Fields: date,time,sc-status",
        "#Fields: date time x-edge-location",
    ],
)
def test_entries_that_are_more_than_words(header: str) -> None:
    assert columns_of(f"{header}\n", format="w3c") is None


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "combined"},
        {"format": "auto"},
        {"format": "logfmt"},
        {"format": "ltsv", "drop": ["host"]},
        {"format": "ltsv", "line_field": "log"},
        {"format": "w3c", "anonymize": True},
    ],
)
def test_other_sources_have_no_such_columns(settings: dict[str, object]) -> None:
    assert columns_of("a:1", IIS, **settings) is None


def test_only_a_few_records_are_looked_at() -> None:
    texts = ["x"] * SAMPLE_RECORDS
    assert columns_of(*texts, "a:1", format="ltsv") is None
    assert columns_of("x" * SAMPLE_CHARS + "\na:1\n", format="ltsv") is None
    cut = f"a:{'x' * SAMPLE_CHARS}\tb:1\n"
    assert columns_of(cut, format="ltsv") is None  # its labels are not all known
    assert (
        named_columns(Source(source_settings({"format": "ltsv"}), ZoneInfo), [{"data": 1}, {"data": "?"}, {}]) is None
    )
