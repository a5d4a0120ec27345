"""What is derived from earlier lines is bounded, made late, and dropped by age, whatever a log sends first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, w3c, w3c_header, w3c_rows
from streamtally.formats.auto import AutoParser, compile_auto
from streamtally.formats.base import for_record
from streamtally.formats.engine import shapes
from streamtally.formats.engine.shapes import MAX_SHAPES, SEEN_BEFORE, SEEN_TO_REPLACE, Shapes

ROW = "2025-11-22 21:21:41 192.0.2.10 GET /default.htm a=b 443 - 198.51.100.9 x https://example.com/ 200 0 0 15"


def learn(made: Shapes, keys: tuple[str, ...], times: int, number: int = 1) -> None:
    for _ in range(times):
        made.learn(number, keys)


# Junk fills the cache; the shape that is really used is made nevertheless, and replaces the oldest one.
def test_shapes_give_way_by_age() -> None:
    compiled: list[tuple[str, ...]] = []

    def make(keys: tuple[str, ...]) -> Callable[[str], Any]:
        compiled.append(keys)
        return lambda line: {"keys": keys}

    made = Shapes(make)
    for number in range(MAX_SHAPES + 6):
        learn(made, (f"junk{number}",), SEEN_BEFORE + 1, number)
    assert len(compiled) == MAX_SHAPES
    learn(made, ("time", "status"), SEEN_TO_REPLACE, 500)
    assert made.find(500) is None
    learn(made, ("time", "status"), 1, 500)
    shape = made.find(500)
    assert shape is not None
    assert shape("") == {"keys": ("time", "status")}
    assert made.find(0) is None  # the oldest, with the numbers that led to it
    assert made.find(1) is not None
    assert len(compiled) == MAX_SHAPES + 1


# Making a shape costs as much as parsing many lines, so lines that are all different cause few.
def test_junk_makes_few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    write = shapes.write_shape
    monkeypatch.setattr("streamtally.formats.ltsv.write_shape", lambda *parts: made.append("") or write(*parts))
    parse = REGISTRY["ltsv"].compile(FormatOptions())
    for number in range(30_000):
        parse(f"a{number // (SEEN_BEFORE + 1)}:1\tb:2")
    assert len(made) == MAX_SHAPES
    for _ in range(SEEN_TO_REPLACE + 2):
        assert parse("time:x\tstatus:200") == {"time": "x", "status": 200}
    assert len(made) == MAX_SHAPES + 1


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The names for which a function was generated since the test began, with nothing cached."""
    names: list[tuple[str, ...]] = []
    generate = w3c_rows.generate

    def noted(columns: tuple[str, ...], converters: Any) -> Any:
        names.append(columns)
        return generate(columns, converters)

    monkeypatch.setattr(w3c_rows, "generate", noted)
    monkeypatch.setattr(w3c, "_rows", w3c_rows.Rows(w3c._rows._converters))
    return names


def header(parse: Any, text: str) -> None:
    with pytest.raises(FormatError, match=w3c_header.HEADER):
        parse(text)


# A record may consist of headers alone, or have different names before each row.
def test_headers_alone_are_not_compiled(generated: list[tuple[str, ...]]) -> None:
    parse = w3c.compile_w3c(FormatOptions())
    for number in range(2_000):
        header(parse, f"#Fields: date time a{number} sc-status")
        if number % 2:
            assert parse("2025-11-22 21:21:41 x 200") == {
                "date": "2025-11-22", "time": "21:21:41", f"a{number}": "x", "sc_status": 200,
            }  # fmt: skip
    assert generated == []
    rows = w3c._rows
    assert len(rows._seen) <= w3c_rows.MAX_HEADERS


def test_functions_are_kept_by_age(generated: list[tuple[str, ...]]) -> None:
    parse = w3c.compile_w3c(FormatOptions())
    for number in range(w3c_rows.MAX_HEADERS + 50):
        header(parse, f"#Fields: date time c{number}")
        for _ in range(w3c_rows.ROWS_BEFORE + 1):
            assert parse("2025-11-22 21:21:41 -")[f"c{number}"] is None
    assert len(generated) == w3c_rows.MAX_HEADERS + 50
    assert len(w3c._rows._known) == w3c_rows.MAX_HEADERS
    assert ("date", "time", "c0") not in w3c._rows._known


# Cell by cell or by a generated function: the same row, also with a repeated column or too many cells.
HEADERS = ("date time x x sc-status", "date time sc-status sc-status x", "date time time-taken a b")


@pytest.mark.parametrize("fields", HEADERS)
def test_both_ways_read_the_same(generated: list[tuple[str, ...]], fields: str) -> None:
    parse = w3c.compile_w3c(FormatOptions())
    header(parse, f"#Fields: {fields}")
    lines = ["2025-11-22 21:21:41 1 2 3", "2025-11-22 21:21:41 - - -", "2025-11-22 21:21:41 x 1_0 9" + "9" * 30]
    before = [parse(line) for line in lines]
    for _ in range(20):
        parse(lines[0])
    assert len(generated) == 1
    assert [parse(line) for line in lines] == before
    for wrong in ("2025-11-22 21:21:41 1 2", "2025-11-22 21:21:41 1 2 3 4"):
        with pytest.raises(FormatError, match="another number of columns"):
            parse(wrong)


# A header applies to the end of its record, also in auto, and not to the next record.
def test_auto_forgets_headers() -> None:
    parse = compile_auto(FormatOptions())
    assert isinstance(parse, AutoParser)
    usual = parse(ROW)
    with pytest.raises(FormatError, match=w3c_header.HEADER):
        parse("#Fields: date time a")
    fresh = for_record(parse)
    assert fresh(ROW) == usual
    assert parse("2025-11-22 21:21:41 x") == {"date": "2025-11-22", "time": "21:21:41", "a": "x"}
    with pytest.raises(FormatError):
        fresh("2025-11-22 21:21:41 x")
    assert for_record(fresh) is fresh


def test_a_header_of_any_length() -> None:
    parse = w3c.compile_w3c(FormatOptions())
    header(parse, "#Fields: date time " + "n " * 500_000)
    assert len(parse("2025-11-22 21:21:41 " + " ".join(["1"] * (w3c_header.MAX_COLUMNS - 2)))) == 3


# For lines with brackets but without a server's time, no server's format is tried.
@pytest.mark.parametrize("line", ["a [b] " * 40, "[INFO] a [b] c", "0" * 64 + " [x] [y]", "<34>Oct 11 22:14:15 a [x]"])
def test_a_first_look_rules_out_what_has_no_time(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    parse = compile_auto(FormatOptions())
    assert isinstance(parse, AutoParser)

    def refuse(_: str) -> Any:
        raise AssertionError("asked")

    parse._candidates = [
        [candidate._replace(parse=refuse) if candidate.needed == " [" else candidate for candidate in candidates]
        for candidates in parse._candidates
    ]
    with contextlib.suppress(FormatError):
        parse(line)
