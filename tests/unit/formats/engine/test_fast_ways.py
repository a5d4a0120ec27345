"""The fast paths through a line give the same rows as the exact ones, for usual lines and for hostile ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.make_formats_doc import sample_lines
from streamtally import formats
from streamtally.errors import FormatError
from streamtally.formats import (
    REGISTRY,
    FormatOptions,
    find_format,
    logfmt,
    ltsv,
)
from streamtally.formats.engine.columns import Column, quoted
from streamtally.formats.engine.generate import compile_layout, generate_exact, generate_fast
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.memo import MAX_CHARACTERS, MAX_PARTS, Remembered
from streamtally.formats.engine.shapes import MAX_SHAPES, SEEN_BEFORE
from tests.examples import examples

MODULES = [sys.modules.get(f"{formats.__name__}.{name}") for name in REGISTRY]
LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT for module in MODULES if isinstance(getattr(module, "LAYOUT", None), Layout)
}
PIECES = [
    "-", "", " ", "  ", "\t", '"', '""', '" "', "\\", r"\"", r"\x16\x03", "[", "]", "{", "}", "/", ":", "0", "00",
    "-1", "+5", "1_0", "1e5", "nan", "2x0", "99999999999", "9" * 19, "٣", "é", "\x85", "\u2028", "\r", "\x00",
    "2001:db8::1", "a b@c", "=", "#", "extra fields", '"-"', "- -", "200", "T", ".",
]  # fmt: skip


def result(parse: Callable[[str], Any], line: str) -> Any:
    """A row's items in their order, or ``refused``."""
    try:
        row = parse(line)
    except FormatError:
        return "refused"
    return [(name, type(value), value) for name, value in row.items()]


@st.composite
def hostile(draw: st.DrawFn, lines: list[str]) -> str:
    """A valid line with some parts replaced, extended or cut."""
    line = draw(st.sampled_from(lines))
    for _ in range(draw(st.integers(0, 3))):
        cells = line.split(draw(st.sampled_from([" ", "\t", '"', "/", "=", ":"])))
        joint = line[len(cells[0]) : len(cells[0]) + 1]
        if draw(st.booleans()) and len(cells) > 1:
            index = draw(st.integers(0, len(cells) - 1))
            how = draw(st.integers(0, 3))
            piece = draw(st.sampled_from(PIECES) | st.sampled_from(cells))
            cells[index : index + 1] = [[piece], [cells[index] + piece], [], [cells[index], piece]][how]
            line = joint.join(cells)
        else:
            at = draw(st.integers(0, len(line)))
            line = line[:at] + draw(st.sampled_from(PIECES)) + line[at + draw(st.integers(0, 2)) :]
    return line


def lines_of(name: str) -> list[str]:
    """The lines of the format's samples and examples."""
    return [*sample_lines(name), *(example.line for example in REGISTRY[name].examples)]


# A line that a layout's fast path accepts gives the same values, types and order by its exact pattern.
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str) -> None:
    layout, undone = LAYOUTS[name], FormatOptions(unescape=True)
    parse, exact, fast = (
        compile_layout(layout, FormatOptions()),
        generate_exact(layout, FormatOptions()),
        generate_fast(layout),
    )
    parse_undone, exact_undone = compile_layout(layout, undone), generate_exact(layout, undone)

    @settings(max_examples=examples(500), deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile(lines_of(name)))
    def check(line: str) -> None:
        expected = result(exact, line)
        assert result(parse, line) == expected
        if fast(line) is not None:
            assert result(fast, line) == expected
        assert result(parse_undone, line) == result(exact_undone, line)

    check()


# The fast path is really used: it accepts the example of each layout.
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_take_the_usual_line(name: str) -> None:
    assert generate_fast(LAYOUTS[name])(REGISTRY[name].examples[0].line) is not None


# The same for the layouts of directives.
DIRECTIVES = [
    (
        'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time',
        '192.0.2.1 - - [10/Oct/2025:13:55:36 -0700] "GET / HTTP/1.1" 200 5 0.004',
    ),
    ("nginx:$status|$host|$msec $pid", "200|example.com|1760000000.123 77"),
    ('apache:%v:%p %h %l %u %t "%r" %>s %O %D', 'a.b:443 ::1 - a b [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 977'),
]


@pytest.mark.parametrize(("directive", "line"), DIRECTIVES)
def test_directives(directive: str, line: str) -> None:
    layout: Layout = find_format(directive).compile.args[0]  # type: ignore[attr-defined]
    parse, exact = compile_layout(layout, FormatOptions()), generate_exact(layout, FormatOptions())

    @settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile([line]))
    def check(line: str) -> None:
        assert result(parse, line) == result(exact, line)

    check()


# Runs that are looked up as one text give the same rows, in small layouts and in large ones, whatever the columns are.
RUN = [
    Column("a", "VARCHAR", "a text", before=""),
    quoted("b", "a text in quotes"),
    Column("c", "INTEGER", "a number"),
    Column("d", "VARCHAR", "a text in brackets or a dash", r"(?:\[([^\]]*+)\]|-)"),
    Column("e", "DOUBLE", "a number or nothing", r"((?:[0-9]++(?:\.[0-9]++)?+)?+)", can_be_empty=True),
    Column("f", "BIGINT", "a number", nullable=False),
    Column("g", "VARCHAR", "one of two words", "on|off", repeats=True),
]


@pytest.mark.parametrize("more", [0, 15])
@pytest.mark.parametrize("run", ["ab", "bcd", "cde", "defg", "abcdefg"])
def test_runs_that_recur(run: str, more: int) -> None:
    columns = [*RUN, *(Column(f"x{number}", "VARCHAR", "a text") for number in range(more))]
    layout = Layout("made", "not such a line", columns, recurring=(tuple(run),))
    parse, exact = generate_fast(layout), generate_exact(layout, FormatOptions())
    line = '192.0.2.1 "a b" 200 [x] 1.5 7 on' + " y" * more
    assert parse(line) == exact(line) == parse(line)

    @settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile([line, line.replace("200 [x] 1.5", "- -  "), line.replace("192.0.2.1", "-").replace("x", "")]))
    def check(line: str) -> None:
        row = parse(line)
        assert row is None or result(parse, line) == result(exact, line)

    check()


# The copy of a cached row is changed, never the cached row.
def test_a_cached_row_is_copied() -> None:
    parse = REGISTRY["s3_access"].compile(FormatOptions())
    line = REGISTRY["s3_access"].examples[0].line
    first = parse(line)
    first["tls_version"] = first["bucket"] = "changed"
    assert parse(line) == REGISTRY["s3_access"].examples[0].row


def parse_logfmt_any(line: str) -> dict[str, Any]:
    """logfmt's general parser."""
    return logfmt._parse_any(line, {})[0]


def parse_ltsv_any(line: str) -> dict[str, Any]:
    """LTSV's general parser."""
    return ltsv._parse_any(line, ltsv._NUMBERS)


# Lines that name their fields give the same rows after any other lines, in any order.
@pytest.mark.parametrize(("name", "any_way"), [("logfmt", parse_logfmt_any), ("ltsv", parse_ltsv_any)])
def test_shapes(name: str, any_way: Callable[[str], dict[str, Any]]) -> None:
    lines = lines_of(name)

    @settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(hostile(lines), min_size=1, max_size=4), st.integers(1, SEEN_BEFORE + 2))
    def check(chosen: list[str], times: int) -> None:
        parse = REGISTRY[name].compile(FormatOptions())
        for line in chosen * times + lines + chosen:
            assert result(parse, line) == result(any_way, line)

    check()


# Keys of a line never become code, and a stream of ever new keys makes no more shapes than allowed.
def test_shapes_are_bounded() -> None:
    parse = REGISTRY["logfmt"].compile(FormatOptions())
    for number in range(MAX_SHAPES * 3):
        for _ in range(SEEN_BEFORE + 2):
            assert parse(f"k{number}=1 ')+__import__('x'=2") == {f"k{number}": "1", "')+__import__('x'": "2"}


# The cache of values is bounded too, and long texts are not cached.
def test_remembered_is_bounded() -> None:
    known = Remembered(int)
    for number in range(MAX_PARTS * 3):
        assert known[str(number)] == number
        assert len(known) <= MAX_PARTS
    assert known["0" * (MAX_CHARACTERS + 1)] == 0
    assert "0" * (MAX_CHARACTERS + 1) not in known
    with pytest.raises(ValueError, match="invalid literal"):
        known["x"]
    assert "x" not in known
