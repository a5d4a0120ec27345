"""The source of a pipeline: how its lines are read, its columns' names and types, and when a row happened."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from functools import cached_property

from streamtally.config.source import AUTO, FORMATS_OWN, SourceSettings
from streamtally.errors import FormatError, SettingsError
from streamtally.formats import find_format, json_lines
from streamtally.formats.auto import CANDIDATES, compile_auto, is_json_text
from streamtally.formats.base import Format, FormatOptions, Parser, Row, for_record, last_format, last_wrappers
from streamtally.formats.role_names import CLF_TIME_FORMAT, COLUMN_TYPES, COMBINED_ROLES, ROLE_COLUMNS, TIME_COLUMN
from streamtally.formats.roles import is_open
from streamtally.formats.unwrapping.inside import compile_inside
from streamtally.formats.wrappers.addresses import mask_text
from streamtally.formats.wrappers.embedded_line import LineFieldParser
from streamtally.formats.wrappers.json_paths import PathParser
from streamtally.formats.wrappers.request_parts import PARTS, has_parts
from streamtally.formats.wrappers.rewrite import Rewrite
from streamtally.plan.types import SqlType, parse_type
from streamtally.transform.event_time import EventTime, EventTimes
from streamtally.transform.role_columns import (
    RoleColumns,
    format_columns,
    open_time,
    or_wrapper_time,
    wrapper_times,
)
from streamtally.transform.source_columns import or_own_time, or_stated_time
from streamtally.transform.subscriptions import COLUMNS as SUBSCRIPTION_COLUMNS

ZoneOf = Callable[[str], tzinfo]
"""A time zone's name → the zone. Raises: KeyError, ValueError: the name is unknown."""

_ACCESS_LOG_TIME = (TIME_COLUMN, CLF_TIME_FORMAT)
STATUS_COLUMN = "response"


class Source:
    """A source ready to read lines.

    Attributes: parse: a line → its row; raises FormatError.
    Raises: SettingsError: an unknown format, type or zone, or a pattern that does not compile.
    """

    def __init__(self, settings: SourceSettings, zone_of: ZoneOf) -> None:
        self.settings = settings
        self.zone = zone = _zone(settings.time_zone, zone_of)
        formats = self._formats()
        to_columns = formats[0].to_columns if len(formats) == 1 else None
        self._declared = to_columns(settings.fields) if to_columns is not None else settings.fields
        options = FormatOptions(
            pattern=settings.pattern,
            fields=self._declared,
            types={**COLUMN_TYPES, **settings.types},
            unescape=settings.unescape,
            delimiter=settings.delimiter,
            zone=zone,
        )
        self._field_of = {column: name for name, column in settings.rename.items()}
        self._set_parser(options)
        field_name, time_format = self._time_settings()
        self.time_field, self.time_format = field_name, time_format
        times = EventTimes(field_name, time_format, UTC if self._is_time_utc() else zone, self._field_of)
        self._own_time = times.read
        self.time_by_role = self._is_time_by_role()
        self.event_time: EventTime = (or_own_time if self.time_by_role else or_stated_time)(times.read)
        self.event_time_fields = times.fields
        self.event_time_needs_arrival = times.needs_arrival
        self.event_time_seconds = times.seconds
        self._roles = RoleColumns(self._time_of)
        self._completes = self.time_by_role and not self._is_combined

    def _set_parser(self, options: FormatOptions) -> None:
        settings = self.settings
        formats = self._formats()
        if settings.agent_options is not None:
            from streamtally.formats.wrappers.agent import compile_agent  # what few pipelines need

            self.parse: Parser = compile_agent(settings.agent_options)
        else:
            self.parse = compile_auto(options) if settings.format == AUTO else compile_inside(formats[0], options)
        self._constant_format = _constant_format(settings, formats)
        self._is_combined = self._constant_format is not None and self._constant_format.roles is COMBINED_ROLES
        self._natural_types = {field.name: field.type for log_format in formats for field in log_format.fields}
        self.reads_json = settings.line_field is not None or any(log_format.passes_text for log_format in formats)
        """Whether a line may be a JSON object."""
        self.takes_json = any(log_format.passes_text for log_format in formats)
        """Whether some of its lines may be JSON that is passed on unmodified: those that :func:`is_json_text`."""
        self.scanned_format = next((log_format for log_format in formats if log_format.scanner), None)
        """The format of the lines that the scanner reads."""
        self.scanner = self.scanned_format.scanner if self.scanned_format else None
        """Reads many lines at once, where a format has a scanner."""
        if settings.line_field is not None:
            self.parse = LineFieldParser(self.parse, settings.line_field)
            self.takes_json, self.scanner = False, None
        scanner = formats[0].scanner if settings.line_field is None and len(formats) == 1 else None
        rewritten = Rewrite(settings, self._constant_format).wrap(self.parse, scanner)
        if rewritten is not self.parse:  # what is passed on is no longer the line
            self.parse, self.takes_json, self.scanner = rewritten, False, None
        if self.settings.paths:
            self.parse, self.scanner = PathParser(self.parse, self.settings.paths), None

    def hide(self, line: str) -> str:
        """A line that does not parse as it is written and shown: without addresses if rows are anonymized."""
        is_hidden = bool(self.settings.anonymize) and self.settings.anonymize_unparsed
        return mask_text(line) if is_hidden else line

    def _formats(self) -> tuple[Format, ...]:
        if self.settings.agent_options is not None:
            return ()
        return CANDIDATES if self.settings.format == AUTO else (find_format(self.settings.format),)

    def _time_settings(self) -> tuple[str | tuple[str, ...] | None, str]:
        settings, formats = self.settings, self._formats()
        if settings.time_field != FORMATS_OWN:
            return settings.time_field, settings.time_format or "auto"
        if settings.format == AUTO or not formats or formats[0].name in ("json", "regex"):
            return _ACCESS_LOG_TIME[0], settings.time_format or _ACCESS_LOG_TIME[1]
        return formats[0].time_field, settings.time_format or formats[0].time_format or "auto"

    def _is_time_by_role(self) -> bool:
        """Whether each line's time is its format's own, rather than that of a field that the pipeline names."""
        settings = self.settings
        if TIME_COLUMN in self._field_of:
            return False
        return settings.time_field == FORMATS_OWN or (
            settings.time_field == TIME_COLUMN and settings.time_format in (None, CLF_TIME_FORMAT)
        )

    def _time_of(self, log_format: Format) -> EventTime | None:
        """What reads the event time of a format's lines; None: what the source itself names does."""
        if not self.time_by_role or log_format.roles is COMBINED_ROLES:
            return None
        field_name = log_format.time_field
        own = self._own_time
        if field_name is not None and log_format is not self._constant_format:
            zone = UTC if log_format.time_is_utc else self.zone
            own = EventTimes(field_name, log_format.time_format or "auto", zone, {}).read
        usual = open_time(own, self._usual_time) if is_open(log_format) else own
        return or_stated_time(or_wrapper_time(usual, self._wrapper_times))

    # Shared by all formats, as what they remember of the times' texts.
    @cached_property
    def _usual_time(self) -> EventTime:
        return EventTimes("auto", "auto", self.zone, {}).read

    @cached_property
    def _wrapper_times(self) -> tuple[tuple[str, EventTime], ...]:
        return wrapper_times(self.zone)

    def complete(self, parser: Parser, row: Row, arrival: int) -> None:
        """Add to a row the columns that programs read by their role, in place; nothing else may read the row then.

        Args:
            parser: the parser that has just read the line.
            arrival: the record's, in ms since the epoch.
        """
        if not self._completes:
            return
        log_format = self.format_of(parser)
        if log_format is not None and log_format.roles is not COMBINED_ROLES:
            self._roles.complete(log_format, row, arrival)

    def format_of(self, parser: Parser) -> Format | None:
        """The format of the line that the parser has just read; None if it is not known."""
        return last_format(parser) or self._constant_format

    @property
    def constant_format(self) -> Format | None:
        """The format of all lines; None if it differs from line to line."""
        return self._constant_format

    @property
    def completes(self) -> bool:
        """Whether rows get columns that programs read by their role (:meth:`complete`)."""
        return self._completes

    def _is_time_utc(self) -> bool:
        settings, formats = self.settings, self._formats()
        is_own = settings.time_field == FORMATS_OWN and settings.time_format is None and settings.format != AUTO
        return is_own and bool(formats) and formats[0].time_is_utc

    def parser_for_record(self, arrival_ms: int | None = None, header: Sequence[str] = ()) -> Parser:
        """The parser for one record's lines: a header line is valid only within its record.

        Args:
            arrival_ms: the record's, in ms since the epoch, which some lines are stamped with (the agent's
                ADDMETADATA).
            header: the header lines in force before the record, where they are known.
        """
        parse = for_record(self.parse, arrival_ms)
        for line in header:
            with contextlib.suppress(FormatError):  # a header line is no event
                parse(line)
        return parse

    def own_names(self) -> list[str]:
        """The fields of a row whose names are known, as the log calls them: the format's, and the pattern's."""
        names = [*self._natural_types, *self._declared, *pattern_groups(self.settings.pattern)]
        if self.settings.split_request and (self._constant_format is None or has_parts(self._constant_format)):
            names += PARTS
        return names

    def column_names(self) -> list[str]:
        """Every column whose name is known: the format's fields after renaming, and declared ones."""
        renamed = [self.settings.rename.get(name, name) for name in self.own_names()]
        return list(dict.fromkeys([*renamed, *self.settings.paths, *self.settings.types]))

    def role_column_names(self) -> list[str]:
        """The columns that exist by their role, beside ``column_names``; ``SELECT *`` does not name them."""
        known = set(self.column_names())
        columns = ROLE_COLUMNS if self._constant_format is None else format_columns(self._constant_format)
        return [column for column in columns if column not in known]

    def stated_column_names(self) -> list[str]:
        """Further columns that programs may read; ``SELECT *`` does not name them.

        Those that a CloudWatch Logs subscription states of its messages, and renamed fields of lines that name their
        own.
        """
        known = {*self.column_names(), *self.role_column_names()}
        names = dict.fromkeys((*self.settings.rename.values(), *SUBSCRIPTION_COLUMNS))
        return [column for column in names if column not in known]

    def column(self, name: str) -> tuple[str, SqlType]:
        """A column's field in the row, and its type: the declared one, else the format's or role's, else VARCHAR."""
        field_name = self._field_of.get(name, name)
        types = self.settings.types
        declared = types.get(name) or types.get(field_name) or self._natural_types.get(field_name)
        declared = declared or SUBSCRIPTION_COLUMNS.get(field_name)
        if field_name == name and name in ROLE_COLUMNS and not self._is_combined:
            declared = declared or COLUMN_TYPES.get(name)
            self._roles.want(name)
            self._completes = True
        return field_name, parse_type(declared or "VARCHAR")

    def needs_value(self, name: str) -> bool:
        """Whether a row without this column cannot be counted by it: the status, unless the pipeline declares it."""
        return name == STATUS_COLUMN and name not in self._field_of and name not in self.settings.types

    def is_json(self, line: str, parser: Parser) -> bool:
        """Whether a line is passed on unmodified. Args: parser: the one that has just read it."""
        return self.takes_json and is_json_text(line) and not last_wrappers(parser)


def _constant_format(settings: SourceSettings, formats: tuple[Format, ...]) -> Format | None:
    """The format of all lines; None if it differs from line to line. What the agent makes are JSON lines."""
    if settings.agent_options is not None:
        return json_lines.FORMAT
    return None if settings.format == AUTO else formats[0]


def pattern_groups(pattern: str | None) -> list[str]:
    """The names of a regular expression's named groups, in Python's or Java's notation."""
    return re.findall(r"\(\?P?<([A-Za-z_]\w*)>", pattern or "")


def _zone(name: str, zone_of: ZoneOf) -> tzinfo:
    if name in ("UTC", "Z", "GMT"):
        return UTC
    try:
        return zone_of(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"unknown time zone {name!r}: give a name such as Europe/Berlin, or UTC") from None
