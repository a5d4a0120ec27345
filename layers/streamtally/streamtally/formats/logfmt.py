r"""Key and value pairs: ``level=info msg="said \"hi\"" dur=12ms flag``. Values are text unless ``types`` says more.

A key without ``=`` is true, as in Heroku's and Go's readers. Source: brandur.org/logfmt; github.com/kr/logfmt.
"""

from __future__ import annotations

import re

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row
from streamtally.formats.escapes import unescape
from streamtally.formats.typed import converters_of

_PAIR = r'\x20*+([^\s="]{1,256}+)(?:(=)(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*+)))?+(?=\x20|\Z)\x20*+'
# What is no pair is taken to the end, so that no place of the line is tried twice.
_PAIRS = re.compile(rf"{_PAIR}|(.++)", re.DOTALL)
_ONE = re.compile(_PAIR, re.DOTALL)


def compile_logfmt(options: FormatOptions) -> Parser:
    """A parser of logfmt; ``types`` gives keys their types."""
    converters = converters_of(options)
    pairs = _PAIRS.findall

    def parse(line: str) -> Row:
        found = pairs(line)
        if not found or found[-1][4] or not found[0][1]:  # the first one must have a value
            raise FormatError("logfmt", "not key=value pairs")
        row: Row = {key: quoted or (bare if equals else True) for key, equals, quoted, bare, _ in found}
        if "\\" in line:
            for key, _, quoted, _, _ in found:
                if "\\" in quoted:
                    row[key] = unescape(quoted)
        for key in converters.keys() & row.keys():
            row[key] = converters[key](row[key])
        return row

    return parse


def _locate(line: str) -> int:
    at = 0
    while (found := _ONE.match(line, at)) is not None and found.end() > at:
        at = found.end()
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
