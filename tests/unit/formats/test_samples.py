"""Samples of every format: each line gives its row, and detect and auto recognize its format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.make_formats_doc import confusion, document, rows_of, sample_lines
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.beginnings import DETECTED
from streamtally.formats.detect import detect
from streamtally.formats.w3c_header import HEADER

SAMPLES = Path(__file__).parent / "samples"
ROOT = Path(__file__).parents[3]
NAMES = [name for name in REGISTRY if name != "regex"]


# Every format has a sample, and every sample a format.
def test_each_format_has_a_sample() -> None:
    assert {path.stem for path in SAMPLES.glob("*.log")} == set(NAMES)


# Each sample line gives the row of the .jsonl file; only header lines give none.
@pytest.mark.parametrize("name", NAMES)
def test_rows(name: str) -> None:
    expected = [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()]
    rows = rows_of(name)
    assert rows == expected
    assert all(row["reason"] == HEADER for row in rows if set(row) == {"unparsed", "reason"})


# detect reports the right format for every sample.
@pytest.mark.parametrize("name", NAMES)
def test_detect(name: str) -> None:
    best = detect(sample_lines(name)).best
    assert best is not None
    assert best.format.name == name
    assert best.missed == 0


# auto parses each line like its own format, in a stream in which the lines of all samples are mixed.
def test_auto() -> None:
    parsers = {log_format.name: log_format.compile(FormatOptions()) for log_format in DETECTED}
    lines = [(name, line) for name in parsers for line in sample_lines(name) if name != "w3c" and line[:1] != "#"]
    lines.sort(key=lambda pair: pair[1][::-1])
    parse = compile_auto(FormatOptions())
    for name, line in lines:
        assert parse(line) == parsers[name](line), line


# The page on formats, which is generated from them, is up to date (make formats-doc).
def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "formats.md").read_text() == document()


# The confusion table has every sample on the diagonal.
def test_confusion() -> None:
    table = confusion()
    assert all(row[name] == max(row.values()) for name, row in table.items())


# Whether combined lines are nginx's or Apache's shows in what the servers write; a sign of Apache outweighs nginx's.
COMBINED = '192.0.2.1 - {user} [10/Oct/2025:13:55:36 +0000] "{request}" {status} {size} "-" "x"'
USUAL = {"user": "-", "request": "GET / HTTP/1.1", "status": "200", "size": "5"}


@pytest.mark.parametrize(
    ("values", "server", "what"),
    [
        ({}, None, ""),
        ({"request": r"GET /\x22 HTTP/1.1"}, "nginx", r"\x22"),
        ({"request": r"GET /\x5C HTTP/1.1"}, "nginx", r"\x5C"),
        ({"request": r"\x16\x03\xEE"}, "nginx", r"\xEE"),
        ({"request": r"\x16\x03\x01"}, None, ""),  # digits alone can be of either server
        ({"status": "499"}, "nginx", "499"),
        ({"size": "0"}, "nginx", "0 for no bytes"),
        ({"request": r"GET /\"a\" HTTP/1.1"}, "apache_combined", r"\""),
        ({"request": r"GET /\\ HTTP/1.1"}, "apache_combined", r"\\"),
        ({"request": r"GET /caf\xc3\xa9 HTTP/1.1"}, "apache_combined", r"\xc3"),
        ({"size": "-"}, "apache_combined", "- for no bytes"),
        ({"size": "-", "status": "499"}, "apache_combined", "- for no bytes"),
    ],
)
def test_nginx_or_apache(values: dict[str, str], server: str | None, what: str) -> None:
    usual, line = COMBINED.format(**USUAL), COMBINED.format(**{**USUAL, **values})
    detection = detect([usual] * 20 + [line] + [usual] * 5)
    assert detection.best is not None
    assert detection.best.format.name == (server or "apache_combined")
    assert (detection.best.taken, detection.best.missed) == (26, 0)
    if server is None:
        assert detection.sign is None
    else:
        assert detection.sign is not None
        assert what in detection.sign.what
        assert detection.sign.number == 21


# A sign of Apache anywhere outweighs nginx's before it (%B writes 0 too).
def test_apache_outweighs_nginx() -> None:
    lines = [COMBINED.format(**{**USUAL, "size": "0"})] * 5 + [COMBINED.format(**{**USUAL, "size": "-"})]
    detection = detect(lines)
    assert detection.best is not None
    assert detection.best.format.name == "apache_combined"


# Of csv and tsv, detect reports the one with more columns, whatever the cells contain.
@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["a,b,c", "d,e,f"], "csv"),
        (["a\tb\tc", "d\te\tf"], "tsv"),
        (["1\t2\t3\tx, y", "4\t5\t6\tz, w"], "tsv"),
        (['1,2,3,"x\ty"', '4,5,6,"z\tw"'], "csv"),
        (['1\t"a b"\t"c, d"', '2\t"e"\t"f, g"'], "tsv"),
        (["a,b", "c,d", "e,f", "g,h", "i,j", "k,l", "m,n", "o,p", "q,r", "s\tt"], "csv"),
    ],
)
def test_csv_or_tsv(lines: list[str], name: str) -> None:
    best = detect(lines).best
    assert best is not None
    assert best.format.name == name
