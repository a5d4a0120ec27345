"""``auto``: each line by its own looks, for streams that several kinds of servers and agents write to."""

from __future__ import annotations

from streamtally.errors import FormatError
from streamtally.formats import apache_combined, apache_common, json_lines
from streamtally.formats.base import FormatOptions, Parser, Row

CANDIDATES = (json_lines.FORMAT, apache_combined.FORMAT, apache_common.FORMAT)
"""The formats that ``auto`` tells apart."""


def is_json_text(line: str) -> bool:
    """Whether ``auto`` takes the line for JSON: it starts as an object does."""
    return line[:1] == "{" or line.lstrip()[:1] == "{"


def compile_auto(options: FormatOptions) -> Parser:
    """A parser that takes JSON objects, combined and common lines, told apart line by line."""
    parse_json, parse_combined, parse_common = (each.compile(options) for each in CANDIDATES)

    def parse(line: str) -> Row:
        if is_json_text(line):
            return parse_json(line)
        try:
            return parse_combined(line)
        except FormatError:
            pass
        try:
            return parse_common(line)
        except FormatError:
            raise FormatError("auto", "neither JSON nor an Apache log line") from None

    return parse
