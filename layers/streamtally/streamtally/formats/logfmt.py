r"""Key and value pairs: ``level=info msg="said \"hi\"" dur=12ms flag``. Values are text unless ``types`` says more.

A key without ``=`` is true, as in Heroku's and Go's readers. Source: brandur.org/logfmt; github.com/kr/logfmt.
"""

from __future__ import annotations

import re

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Format, FormatOptions, Parser, Row
from streamtally.formats.escapes import unescape
from streamtally.formats.typed import converters_of

_EXPRESSION = r'\x20*+([^\s="]{1,256}+)(?:(=)(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*+)))?+(?=\x20|\Z)\x20*+'
_PAIR = re.compile(_EXPRESSION, re.DOTALL)
_LINE = re.compile(rf'(?=\x20*+[^\s="]{{1,256}}+=)(?:{_EXPRESSION})++', re.DOTALL)  # the first one has a value


def compile_logfmt(options: FormatOptions) -> Parser:
    """A parser of logfmt; ``types`` gives keys their types."""
    converters = converters_of(options)
    is_line, pairs = _LINE.fullmatch, _PAIR.findall

    def parse(line: str) -> Row:
        if is_line(line) is None:
            raise FormatError("logfmt", "not key=value pairs")
        row: Row = {}
        for key, equals, quoted, bare in pairs(line):
            row[key] = bare or (unescape(quoted) if equals else True)
        for key in converters.keys() & row.keys():
            row[key] = converters[key](row[key])
        return row

    return parse


def _locate(line: str) -> int:
    at = 0
    while (found := _PAIR.match(line, at)) is not None and found.end() > at:
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
