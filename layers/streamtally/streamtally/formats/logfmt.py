r"""Key=value pairs: ``level=info msg="said \"hi\"" dur=12ms flag``. Text unless ``types`` gives another type.

``-`` is null. A key without ``=`` is true, as in Heroku's and Go's readers. A line has at most 250 pairs. Values in
quotes have JSON's escapes. Source: brandur.org/logfmt; github.com/go-logfmt/logfmt; github.com/kr/logfmt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import MAX_PAIRS, TOO_MANY_PAIRS, Example, Format, FormatOptions, Parser, Row
from streamtally.formats.engine.columns import QUOTED
from streamtally.formats.engine.escapes import unescape_logfmt as unescape
from streamtally.formats.engine.numbers import Converter, converters_of
from streamtally.formats.engine.shapes import MAX_KEYS, Shape, Shapes, write_shape
from streamtally.formats.role_names import COMMON
from streamtally.lazy_patterns import pattern_when_used

_KEY = r'[^\s="]{1,256}+'
_BARE_VALUE = r'[^\s"]*+'
_VALUE = rf"(?:{QUOTED}|({_BARE_VALUE}))"
_PAIR = (
    r"\x20*+"
    rf"({_KEY})"
    rf"(?:(=){_VALUE})?+"  # a flag has neither
    r"(?=\x20|\Z)"  # a closing quote ends the pair
    r"\x20*+"
)
_ONE_PAIR = pattern_when_used(_PAIR, re.DOTALL)
# Text that is not a pair is taken to the line's end, so that no position is tried twice.
_PAIRS = pattern_when_used(rf"{_PAIR}|(.++)", re.DOTALL)
_BEGINS = pattern_when_used(rf"\x20*+{_KEY}=")  # the first pair has a value
_BARE_PAIRS = pattern_when_used(
    rf"\x20*+{_KEY}={_BARE_VALUE}"  # the first pair has a value
    rf"(?:\x20++{_KEY}(?:={_BARE_VALUE})?+)*+"
    r"\x20*+"
)
_UNCAPTURED = re.sub(r"\((?!\?)", "(?:", _PAIR)
_AS_MANY_AS_ALLOWED = pattern_when_used(rf"(?:{_UNCAPTURED}){{0,{MAX_PAIRS}}}+", re.DOTALL)
BEGINS_WITH_KEY = r'\x20{0,256}+[^\s="|()\[\]{}<>,;?&]{1,256}+='
"""How a line begins whose first key looks like one: not a table's cells, a URL or a call with an equals sign in it."""
NOT_PAIRS = "not key=value pairs"


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
        if len(row) == len(keys):  # no key occurs twice
            learn(equals, keys)
        return row

    return parse


def _parse_any(line: str, converters: Mapping[str, Converter]) -> tuple[Row, tuple[str, ...]]:
    """The row, and its keys in the line's order, followed by ``=`` unless flags; no keys if more than ``MAX_KEYS``."""
    if line.count(" ") >= MAX_PAIRS:  # only maybe too many: spaces may be in quotes, or repeated between pairs
        allowed = _AS_MANY_AS_ALLOWED.match(line)
        if allowed is not None and allowed.end() < len(line) and _ONE_PAIR.match(line, allowed.end()) is not None:
            raise FormatError("logfmt", TOO_MANY_PAIRS)
    row, keys = _read_quoted(line) if '"' in line else _read_bare(line)
    if "-" in row.values():
        row = {key: None if value == "-" else value for key, value in row.items()}
    for key in converters.keys() & row.keys():
        row[key] = converters[key](row[key])
    return row, keys


def _read_quoted(line: str) -> tuple[Row, tuple[str, ...]]:
    pairs = _PAIRS.findall(line) if _BEGINS.match(line) is not None else ()
    if not pairs or pairs[-1][4]:
        raise FormatError("logfmt", NOT_PAIRS)
    if "\\" in line:
        pairs = [(key, equals, unescape(quoted), bare, rest) for key, equals, quoted, bare, rest in pairs]
    row: Row = {key: quoted or (bare if equals else True) for key, equals, quoted, bare, _ in pairs}
    return row, tuple([key + equals for key, equals, _, _, _ in pairs]) if len(pairs) <= MAX_KEYS else ()


def _read_bare(line: str) -> tuple[Row, tuple[str, ...]]:
    """The same for a line without quotes, in half the time."""
    if _BARE_PAIRS.fullmatch(line) is None:
        raise FormatError("logfmt", NOT_PAIRS)
    parts = [part.partition("=") for part in line.split(" ") if part]
    row: Row = {key: value if equals else True for key, equals, value in parts}
    return row, tuple([key + equals for key, equals, _ in parts]) if len(parts) <= MAX_KEYS else ()


def _shape(keys: tuple[str, ...], converters: Mapping[str, Converter]) -> Shape:
    """The shape of lines with these keys in this order, separated by one space."""
    pattern, values = [], []
    scope: dict[str, Any] = {"unescape": unescape, "BACKSLASH": "\\", "DASH": "-"}
    variables = []
    for index, key in enumerate(keys):
        name = key.removesuffix("=")
        code = "True"
        pattern.append(re.escape(key) + (_VALUE if key != name else ""))
        if key != name:
            variables += [f"q{index}", f"v{index}"]
            quoted = f"unescape(q{index}) if BACKSLASH in q{index} else q{index} if q{index} != DASH else None"
            code = f"(v{index} if v{index} != DASH else None) if q{index} is None else {quoted}"
        if name in converters:
            scope[f"convert{index}"] = converters[name]
            code = f"convert{index}({code})"
        values.append((name, code))
    scope["match"] = re.compile(r"\x20".join(pattern) + r"\Z", re.DOTALL).match
    return write_shape(", ".join(variables), values, scope)


def _locate(line: str) -> int:
    position = 0
    while (match := _ONE_PAIR.match(line, position)) is not None and match.end() > position:
        position = match.end()
    return position


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
    roles=COMMON,
)
