"""The source of a pipeline: how its lines are read, what its columns are called and typed, and when a row happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from streamtally.errors import EvaluationError, SettingsError
from streamtally.formats import AUTO, find_format
from streamtally.formats.auto import CANDIDATES, compile_auto, is_json_text
from streamtally.formats.base import Format, FormatOptions, Parser, Row
from streamtally.plan.types import SqlType, parse_type
from streamtally.times import RememberedTimes, TimeParser, compile_time_parser

_NUMERIC_TIMES = ("unix", "unix_ms", "auto")

ZoneOf = Callable[[str], tzinfo]
"""A time zone's name → the zone. Raises KeyError or ValueError for one that is unknown."""

FRAMINGS = ("lines", "single")
"""How many documents a record's answer may hold: as many as it has lines, or one."""


@dataclass(frozen=True)
class SourceSettings:
    """``[source]`` of a pipeline.

    Attributes:
        format: a format's name, or ``auto``; pattern, fields: of format ``regex``.
        types: column → SQL type, coerced for counting (``"200"`` → 200).
        rename: the log's field → the program's column. Lines go on with their own names.
        time_field, time_format, time_zone: where a row's event time is, how it is written (SimpleDateFormat's
            letters, ``iso8601``, ``unix``, ``unix_ms``, ``auto``), and the zone of times without an offset.
        unescape: undo the log's escapes.
        options: what later formats read themselves.
        framing: ``lines``: a record may hold many lines, and its answer as many documents. ``single``: one document a
            record, for destinations that take no more (OpenSearch, Splunk, HTTP …); a record of several lines fails.
    """

    format: str = AUTO
    pattern: str | None = None
    fields: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=lambda: {"response": "INTEGER", "bytes": "BIGINT"})
    rename: Mapping[str, str] = field(default_factory=dict)
    time_field: str | None = "datetime"
    time_format: str = "dd/MMM/yyyy:HH:mm:ss Z"
    time_zone: str = "UTC"
    unescape: bool = False
    delimiter: str | None = None
    framing: str = "lines"


def source_settings(document: Mapping[str, Any]) -> SourceSettings:
    """The settings from ``pipeline.json``. Raises: SettingsError: a name that is none of them."""
    known = SourceSettings.__dataclass_fields__
    if unknown := sorted(set(document) - set(known)):
        raise SettingsError(
            f"unknown setting {unknown[0]!r} under [source]: the settings are {', '.join(sorted(known))}"
        )
    values = dict(document)
    values["fields"] = tuple(document.get("fields") or ())
    if values.get("framing", FRAMINGS[0]) not in FRAMINGS:
        raise SettingsError(f"framing = {values['framing']!r} under [source]: it is {' or '.join(FRAMINGS)}")
    return SourceSettings(**values)


class Source:
    """A source ready to read lines.

    Attributes: parse: a line → its row; raises FormatError.
    Raises: SettingsError: an unknown format, type or zone, a pattern that does not compile.
    """

    def __init__(self, settings: SourceSettings, zone_of: ZoneOf) -> None:
        self.settings = settings
        zone = _zone(settings.time_zone, zone_of)
        options = FormatOptions(
            pattern=settings.pattern,
            fields=settings.fields,
            types=settings.types,
            unescape=settings.unescape,
            delimiter=settings.delimiter,
            zone=zone,
        )
        self._set_parser(options)
        self._field_of = {column: name for name, column in settings.rename.items()}
        self.parse_time: TimeParser = compile_time_parser(settings.time_format, zone)
        self.event_time_field = settings.time_field and self._field_of.get(settings.time_field, settings.time_field)
        self.event_time = self._compile_event_time(self.event_time_field)

    def _set_parser(self, options: FormatOptions) -> None:
        name = self.settings.format
        formats: tuple[Format, ...] = CANDIDATES if name == AUTO else (find_format(name),)
        self.parse: Parser = compile_auto(options) if name == AUTO else formats[0].compile(options)
        self._natural_types = {each.name: each.type for one in formats for each in one.fields}
        self.takes_json = any(each.passes_text for each in formats)
        """Whether some of its lines may be JSON that goes on as it came: those that :func:`is_json_text`."""
        self.scanner = next((each.scanner for each in formats if each.scanner), None)
        """The fast way through a record's lines, where a format has one."""

    def column(self, name: str) -> tuple[str, SqlType]:
        """A column's field in the row, and its type: declared, else the format's, else VARCHAR."""
        field_name = self._field_of.get(name, name)
        types = self.settings.types
        declared = types.get(name) or types.get(field_name) or self._natural_types.get(field_name) or "VARCHAR"
        return field_name, parse_type(declared)

    def _compile_event_time(self, field_name: str | None) -> Callable[[Row], int | None]:
        if field_name is None:
            return lambda row: None
        times = RememberedTimes(self._parse_time_value)

        def event_time(row: Row) -> int | None:
            value = row.get(field_name)
            return None if value is None else times[value]

        return event_time

    def _parse_time_value(self, value: Any) -> int:
        if not isinstance(value, str) and self.settings.time_format not in _NUMERIC_TIMES:
            raise EvaluationError("the time is not text")
        return self.parse_time(value)

    def is_json(self, line: str) -> bool:
        """Whether a line that parsed goes on as it came."""
        return self.takes_json and is_json_text(line)


def _zone(name: str, zone_of: ZoneOf) -> tzinfo:
    if name in ("UTC", "Z", "GMT"):
        return UTC
    try:
        return zone_of(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"unknown time zone {name!r}: give a name such as Europe/Berlin, or UTC") from None
