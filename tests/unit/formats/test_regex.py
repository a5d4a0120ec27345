"""The format regex: a pattern with unbounded backtracking cannot stop a batch."""

from __future__ import annotations

import contextlib
import re

import pytest

from streamtally.errors import FormatError, SettingsError
from streamtally.formats import FormatOptions, find_format
from streamtally.patterns import engine
from tests.endless import must_end

HOSTILE = ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)x(.*)x(.*)y", "((a|aa)+)b"]


def options(pattern: str) -> FormatOptions:
    """Names for the pattern's groups."""
    return FormatOptions(pattern=pattern, fields=tuple(f"f{n}" for n in range(re.compile(pattern).groups)))


# With any pattern, a hostile line gets a result.
@pytest.mark.parametrize("pattern", HOSTILE)
def test_hostile_lines(pattern: str) -> None:
    pytest.importorskip("re2")
    parse = find_format("regex").compile(options(pattern))
    for line in ("a" * 50_000, "x" * 50_000, "é" + "a" * 50_000):
        with must_end(), contextlib.suppress(FormatError):
            parse(line)


# The same rows from either engine: short lines by re, long ones by RE2.
def test_engines_agree() -> None:
    pytest.importorskip("re2")
    parse = find_format("regex").compile(options(r"(\w+) (.*)x(.*) (?:(\d+)|-)"))
    assert parse("ab 1x2 5") == {"f0": "ab", "f1": "1", "f2": "2", "f3": "5"}
    assert parse(f"ab {'x' * 5000}é -") == {"f0": "ab", "f1": "x" * 4999, "f2": "é", "f3": None}


# Without RE2 such a pattern is refused when compiled; one that is only slow is bounded by the line's length.
def test_without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "re2", None)
    with pytest.raises(SettingsError, match="backtrack without end"):
        find_format("regex").compile(options("(a+)+b"))
    parse = find_format("regex").compile(options("(.*)x(.*)"))
    assert parse("axb") == {"f0": "a", "f1": "b"}
    with pytest.raises(FormatError, match="too many steps"):
        parse("x" * 100_000)


# A pattern without alternatives is run by re at any length, with names in Python's and Java's syntax.
def test_plain_patterns() -> None:
    parse = find_format("regex").compile(FormatOptions(pattern=r'^(?P<host_name>\S+) "(?<request>[^"]*)"$'))
    assert parse(f'h "{"x" * 500_000}"')["request"] == "x" * 500_000
