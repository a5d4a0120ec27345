"""Lines of one format inside what other programs put around them."""

from __future__ import annotations

from streamtally.errors import FormatError
from streamtally.formats import cri, rfc3339_syslog, rfc5424, syslog
from streamtally.formats.base import Format, FormatOptions, Parser, RecordParser, Row, for_record, last_format
from streamtally.formats.json_lines import parse_json
from streamtally.formats.unwrapping.headers import (
    MAX_DEPTH,
    Wrapped,
    inside_message,
    message_fields,
    prefixed,
    unwrap_docker,
)

_ANY_TEXT = frozenset(("csv", "tsv", "regex"))
"""Formats whose lines may begin with anything, also with what looks like a wrapper."""
_MESSAGES = tuple((module.FORMAT.name, module.FORMAT.compile(FormatOptions())) for module in (cri, rfc5424, syslog))
_MESSAGES_WITH_ISO_TIME = (*_MESSAGES, (rfc3339_syslog.FORMAT.name, rfc3339_syslog.compile_certain(FormatOptions())))


def compile_inside(log_format: Format, options: FormatOptions) -> Parser:
    """The format's parser, which also reads its lines inside known wrappers.

    The wrappers' fields precede those of the line. Raises: SettingsError: see ``Format.compile``.
    """
    parse = log_format.compile(options)
    if log_format.name in _ANY_TEXT:
        return parse
    return InsideParser(parse, wrappers_first=log_format.name == "logfmt" or log_format.begins_with_text)


class InsideParser(RecordParser):
    """A format's parser, for its lines by themselves and inside wrappers.

    Args:
        parse: The format's parser.
        wrappers_first: Whether the wrappers come off before the format is tried: it takes words, as wrappers have.
    """

    def __init__(self, parse: Parser, wrappers_first: bool = False) -> None:
        self._parse = parse
        self._wrappers_first = wrappers_first
        self._wrappers: tuple[str, ...] = ()

    @property
    def inner(self) -> Parser:
        """The format's parser."""
        return self._parse

    def for_record(self, arrival_ms: int | None = None) -> Parser:
        """The parser around the format's parser for another record."""
        parse = for_record(self._parse, arrival_ms)
        return self if parse is self._parse else InsideParser(parse, self._wrappers_first)

    @property
    def log_format(self) -> Format | None:
        """The inner parser's."""
        return last_format(self._parse)

    @property
    def wrappers(self) -> tuple[str, ...]:
        """What came off around the line parsed last."""
        return self._wrappers

    def __call__(self, line: str) -> Row:
        self._wrappers = ()
        if self._wrappers_first and (row := self._inside(line, MAX_DEPTH)) is not None:
            return row
        try:
            return self._parse(line)
        except FormatError:
            row = None if self._wrappers_first else self._inside(line, MAX_DEPTH)
            if row is None:
                self._wrappers = ()
                raise
            return row

    def _inside(self, line: str, depth: int) -> Row | None:
        """The row of a line inside wrappers; None if there is none."""
        for name, fields, inner in unwrap(line) if depth else ():
            self._wrappers += (name,)
            try:
                return fields | self._parse(inner)
            except FormatError:
                row = self._inside(inner, depth - 1)
            if row is not None:
                return fields | row
            self._wrappers = self._wrappers[:-1]
        return None


def unwrap(line: str) -> list[Wrapped]:
    """The readings of a line as one inside something else, the most certain first."""
    if line[:1] == "{":
        try:
            docker = unwrap_docker(parse_json(line)) if line.startswith('{"log":') else None
        except FormatError:
            return []
        return [] if docker is None else [docker]
    readings = []
    first = line[:1]
    if first == "<" or first.isalnum():
        for name, parse in _MESSAGES_WITH_ISO_TIME if first in "<0123456789" else _MESSAGES:
            try:
                row = parse(line)
            except FormatError:
                continue
            inner = inside_message(name, row)
            if inner:
                readings.append(Wrapped(name, message_fields(name, row), inner))
            break
    return [*readings, *prefixed(line)]
