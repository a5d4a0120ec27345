"""The check of an access line's head refuses no line that a layout accepts."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import pytest

from scripts.make_formats_doc import sample_lines
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, apache_combined, apache_common, api_gateway
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Parser, Row
from streamtally.formats.engine import heads
from streamtally.formats.engine.heads import LONG, may_be_common, may_have_head
from streamtally.formats.engine.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
    *(apache_common.LAYOUT, *apache_common.WITH_MORE, apache_combined.LAYOUT, *apache_combined.WITH_MORE),
)
API_GATEWAY = (api_gateway.LAYOUT, api_gateway.WEBSOCKET)
HOSTS = (
    *("192.0.2.9", "a.example:443", "2001:db8::1", "[2001:db8::1]:80", "unix:", "-", "192.0.2.9,198.51.100.7"),
    *("192.0.2.9, 198.51.100.7, 203.0.113.9", '"192.0.2.9, unknown"', "a.example 192.0.2.9", "a.example -"),
    *("192.0.2.9, 198.51.100.7 203.0.113.9", 'a.example "192.0.2.9, 2001:db8::1" 203.0.113.9', "192.0.2.9 "),
)
IDENTS = ("-", "ann", "[10/Oct/2025:13:55:36", "[x]", "", "a:b", "x]")
USERS = (
    *("-", "ann", "ann lee", "- bob", '""', '"ann lee"', "ann, lee, kim", "[x] [y] z", "", "a [b", "a b c d e f g, h"),
    *(
        "a b c d e f - g",
        "a b c d e f: g",
        "a b c d e f 192.0.2.9 g",
        "[x] " * 120 + "y",
        "[x] " * 300 + "y",
        "x " * 256,
    ),
)
TIMES = ("[10/Oct/2025:13:55:36 -0700]", "[10/Oct/2025:13:55:36]")
TAILS = (
    *(' "GET / HTTP/1.1" 200 5', '"GET / HTTP/1.1" 200 - c6af9ac6-7b61-11e6-9a41-93e8deadbeef', ' "-" 0 -', ' "x" - -'),
    *(r' "GET /\"x\" HTTP/1.1" 200 5 "-" "a\\"', ' "GET / 200 5', ' "GET [10/Oct/2025:13:55:36 -0700] "x" 200 5'),
    *(' "GET /" x 5', ' "GET / HTTP/1.1" 200 5 "-" "curl" [10/Oct/2025:13:55:36 -0700] "x" 200 5'),
)


def made_lines() -> Iterator[str]:
    """Lines of parts that layouts accept and of parts that they refuse."""
    rng = random.Random(1)
    for _ in range(2000):
        parts = (rng.choice(part) for part in (HOSTS, IDENTS, USERS, TIMES))
        yield " ".join(parts) + rng.choice(TAILS)


def mutated_lines() -> Iterator[str]:
    """Samples with words left out, repeated and put elsewhere."""
    rng = random.Random(2)
    for name in ("apache_common", "apache_combined", "nginx", "api_gateway"):
        samples = [*(example.line for example in REGISTRY[name].examples), *sample_lines(name)]
        for line in samples:
            yield line
            for _ in range(20):
                words = line.split(" ")
                word = words.pop(rng.randrange(len(words)))
                words[(at := rng.randrange(len(words))) : at] = [word] * rng.randrange(3)
                yield " ".join(words)


@pytest.fixture(scope="module")
def accepted() -> list[str]:
    """The lines that any layout accepts."""
    lines = dict.fromkeys((*made_lines(), *mutated_lines()))
    return [line for line in lines if any(layout.pattern.match(line) for layout in (*LAYOUTS, *API_GATEWAY))]


def test_what_a_layout_accepts_has_a_head(accepted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "LONG", 0)
    assert len(accepted) > 500
    assert sum("[x] " * 120 in line for line in accepted) > 10
    assert [line for line in accepted if not may_have_head(line)] == []
    common = [line for line in accepted if any(layout.pattern.match(line) for layout in LAYOUTS)]
    assert [line for line in common if not may_be_common(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "192.0.2.9 " + "[x] " * 120 + '- - [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.1" 200 5',  # " - " in a user
        "192.0.2.9 - " + "[x] " * 120 + 'y [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.1" x 5',  # no status
        "192.0.2.9 - " + "[x] " * 120 + 'y [10/Oct/2025:13:55:36 -0700] "GET / 200 5',  # the request does not end
        "192.0.2.9 - " + "[x] " * 300 + 'y [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.1" 200 5',  # too many words
        "192.0.2.9 - - " + "x " * 250 + "y",  # no time
        "a, " * 250 + "y",
    ],
)
def test_a_long_line_without_a_head_is_refused(line: str) -> None:
    assert len(line) >= LONG
    assert not may_have_head(line)
    assert not any(layout.pattern.match(line) for layout in (*LAYOUTS, *API_GATEWAY))


@pytest.mark.parametrize("name", ["apache_common", "apache_combined", "nginx", "auto"])
def test_rows_and_reasons_are_those_without_the_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    lines = [*rng.sample(list(made_lines()), 250), *rng.sample(list(mutated_lines()), 100)]
    lines += [line + " z" * LONG for line in lines]
    lines += ["[" + line for line in lines[-50:]]
    checked = outcomes(name, lines)
    monkeypatch.setattr(heads, "LONG", sys.maxsize)
    assert checked == outcomes(name, lines)


def outcomes(name: str, lines: list[str]) -> list[Row | str]:
    """The row of each line, or why there is none."""
    options = FormatOptions()
    parse = compile_auto(options) if name == "auto" else REGISTRY[name].compile(options)
    return [outcome(parse, line) for line in lines]


def outcome(parse: Parser, line: str) -> Row | str:
    """The row of the line, or why there is none."""
    try:
        return parse(line)
    except FormatError as error:
        return str(error)
