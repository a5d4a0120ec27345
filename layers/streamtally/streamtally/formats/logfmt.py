r"""Key and value pairs: ``level=info msg="said \"hi\"" dur=12ms flag``. Text unless ``types`` says more.

``-`` is null, a key without ``=`` is true, as in Heroku's and Go's readers. A line has at most 250 pairs.
Source: brandur.org/logfmt; github.com/kr/logfmt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import MAX_PAIRS, TOO_MANY_PAIRS, Example, Format, FormatOptions, Parser, Row
from streamtally.formats.engine.escapes import unescape
from streamtally.formats.engine.numbers import Converter, converters_of
from streamtally.formats.engine.shapes import MAX_KEYS, Shape, Shapes, write_shape

_VALUE = r'(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*+))'
_PAIR = rf'\x20*+([^\s="]{{1,256}}+)(?:(=){_VALUE})?+(?=\x20|\Z)\x20*+'
# What is no pair is taken to the end, so that no place of the line is tried twice.
_PAIRS = re.compile(rf"{_PAIR}|(.++)", re.DOTALL)
_ONE = re.compile(_PAIR, re.DOTALL)
# Of no quotes, and the first one with a value.
_BARE = re.compile(r'\x20*+[^\s="]{1,256}+=[^\s"]*+(?:\x20++[^\s="]{1,256}+(?:=[^\s"]*+)?+)*+\x20*+')
NOT_PAIRS = "not key=value pairs"
_UNCAPTURED = re.sub(r"\((?!\?)", "(?:", _PAIR)
_AS_MANY_AS_ALLOWED = re.compile(rf"(?:{_UNCAPTURED}){{0,{MAX_PAIRS}}}+", re.DOTALL)


def compile_logfmt(options: FormatOptions) -> Parser:
    """A parser of logfmt; ``types`` gives keys their types."""
    converters = converters_of(options)
    shapes = Shapes(lambda keys: _shape(keys, converters))
    find, learn = shapes.find, shapes.learn

    def parse(line: str) -> Row:
        equals = line.count("=")
        shape = find(equals)
        if shape is not None:
            row = shape(line)
            if row is not None:
                return row
        row, keys = _parse_any(line, converters)
        if len(row) == len(keys):  # none comes twice
            learn(equals, keys)
        return row

    return parse


def _parse_any(line: str, converters: Mapping[str, Converter]) -> tuple[Row, tuple[str, ...]]:
    """The row, and its keys as they stand: with their ``=``, but for flags; none of more than ``MAX_KEYS``."""
    if line.count(" ") >= MAX_PAIRS:  # there may be blanks in quotes, or more than one between pairs
        allowed = _AS_MANY_AS_ALLOWED.match(line)
        if allowed is not None and allowed.end() < len(line) and _ONE.match(line, allowed.end()) is not None:
            raise FormatError("logfmt", TOO_MANY_PAIRS)
    row, keys = _read_quoted(line) if '"' in line else _read_bare(line)
    if "-" in row.values():
        row = {key: None if value == "-" else value for key, value in row.items()}
    for key in converters.keys() & row.keys():
        row[key] = converters[key](row[key])
    return row, keys


def _read_quoted(line: str) -> tuple[Row, tuple[str, ...]]:
    found = _PAIRS.findall(line)
    if not found or found[-1][4] or not found[0][1]:  # the first one must have a value
        raise FormatError("logfmt", NOT_PAIRS)
    if "\\" in line:
        found = [(key, equals, unescape(quoted), bare, rest) for key, equals, quoted, bare, rest in found]
    row: Row = {key: quoted or (bare if equals else True) for key, equals, quoted, bare, _ in found}
    return row, tuple([key + equals for key, equals, _, _, _ in found]) if len(found) <= MAX_KEYS else ()


def _read_bare(line: str) -> tuple[Row, tuple[str, ...]]:
    """The same where nothing is quoted, in half the time."""
    if _BARE.fullmatch(line) is None:
        raise FormatError("logfmt", NOT_PAIRS)
    parts = [part.partition("=") for part in line.split(" ") if part]
    row: Row = {key: value if equals else True for key, equals, value in parts}
    return row, tuple([key + equals for key, equals, _ in parts]) if len(parts) <= MAX_KEYS else ()


def _shape(keys: tuple[str, ...], converters: Mapping[str, Converter]) -> Shape:
    """Lines of these keys in this order, one space between."""
    pattern, values = [], []
    scope: dict[str, Any] = {"unescape": unescape, "BACKSLASH": "\\", "DASH": "-"}
    variables = []
    for place, key in enumerate(keys):
        name = key.removesuffix("=")
        code = "True"
        pattern.append(re.escape(key) + (_VALUE if key != name else ""))
        if key != name:
            variables += [f"q{place}", f"v{place}"]
            quoted = f"unescape(q{place}) if BACKSLASH in q{place} else q{place} if q{place} != DASH else None"
            code = f"(v{place} if v{place} != DASH else None) if q{place} is None else {quoted}"
        if name in converters:
            scope[f"convert{place}"] = converters[name]
            code = f"convert{place}({code})"
        values.append((name, code))
    scope["match"] = re.compile(r"\x20".join(pattern) + r"\Z", re.DOTALL).match
    return write_shape(", ".join(variables), values, scope)


def _locate(line: str) -> int:
    at = 0
    while (match := _ONE.match(line, at)) is not None and match.end() > at:
        at = match.end()
    return at


FORMAT = Format(
    name="logfmt",
    summary="Key=value pairs, as Heroku and many Go programs write them.",
    source="brandur.org/logfmt",
    fields=(),
    examples=(
        Example(
            r'time=2025-11-22T21:21:41Z level=info msg="said \"hi\"" dur=12ms empty= cached',
            {
                "time": "2025-11-22T21:21:41Z",
                "level": "info",
                "msg": 'said "hi"',
                "dur": "12ms",
                "empty": "",
                "cached": True,
            },
        ),
    ),
    compile=compile_logfmt,
    time_field="time",
    time_format="iso8601",
    locate=_locate,
)
