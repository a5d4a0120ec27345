"""Samples of every format: each line gives its row, and detect and auto tell the formats apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.make_formats_doc import confusion, document, rows_of, sample_lines
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import DETECTED, compile_auto
from streamtally.formats.detect import detect
from streamtally.formats.w3c import HEADER

SAMPLES = Path(__file__).parent / "samples"
ROOT = Path(__file__).parents[2]
NAMES = [name for name in REGISTRY if name != "regex"]
# nginx's default line is Apache's combined line; nothing in it tells them apart.
SAME_LINE = {"nginx": "apache_combined"}


# Every format has a sample, and every sample a format.
def test_each_format_has_a_sample() -> None:
    assert {path.stem for path in SAMPLES.glob("*.log")} == set(NAMES)


# Each sample line gives the row beside it; only header lines give none.
@pytest.mark.parametrize("name", NAMES)
def test_rows(name: str) -> None:
    expected = [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()]
    found = rows_of(name)
    assert found == expected
    assert all(row["reason"] == HEADER for row in found if set(row) == {"unparsed", "reason"})


# detect names the right format for every sample.
@pytest.mark.parametrize("name", NAMES)
def test_detect(name: str) -> None:
    found = detect(sample_lines(name)).best
    assert found is not None
    assert found.format.name == SAME_LINE.get(name, name)
    assert found.missed == 0


# auto reads each line as its own format does, in a stream where all samples are mixed line by line.
def test_auto() -> None:
    parsers = {each.name: each.compile(FormatOptions()) for each in DETECTED}
    lines = [(name, line) for name in parsers for line in sample_lines(name) if name != "w3c" and line[:1] != "#"]
    lines.sort(key=lambda each: each[1][::-1])
    parse = compile_auto(FormatOptions())
    for name, line in lines:
        assert parse(line) == parsers[name](line), line


# The page of the formats is made from them, and is up to date (python -m scripts.make_formats_doc).
def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "formats.md").read_text() == document()


# The confusion table has every sample on the diagonal.
def test_confusion() -> None:
    table = confusion()
    assert all(row[SAME_LINE.get(name, name)] == max(row.values()) for name, row in table.items())
