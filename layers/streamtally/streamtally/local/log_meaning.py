"""What the lines of a log mean to a program: their roles, what is counted by default, and the commands to run next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.config.source import source_settings
from streamtally.formats.base import Format, Parser, Row, last_format
from streamtally.formats.field_readers import alternatives
from streamtally.formats.logged_headers import header_names
from streamtally.formats.open_roles import CLIENT_OR_HOST
from streamtally.formats.role_names import ROLE_TO_COLUMN, TIME_COLUMN
from streamtally.formats.roles import DEFAULT_BY, ROLE_NAMES, is_open, names_of, roles_among
from streamtally.formats.wrappers.request_parts import PARTS
from streamtally.transform.event_time import AUTO, EventTimes
from streamtally.transform.role_columns import EVENT_TIME
from streamtally.transform.source import Source

MAX_LINES = 1_000
"""Lines that are read to find this out."""
_MAX_DEPTH = 4
_MAX_VALUES = 100
_SAME_ROWS = {"nginx": "apache_combined"}
"""Formats whose lines ``auto`` reads as another format with the same rows."""


@dataclass(frozen=True, slots=True)
class LogMeaning:
    """What the lines of a log mean.

    Attributes:
        roles: Role → the field that has it, with ``time`` (two fields are joined by `` and ``).
        counted_by: The role by which rows are counted by default; None: they are not.
        has_time: Whether rows have an event time.
        commands: Commands that work on this log as they are written.
        by_values: The log's own fields with single values except its times, those with few different values first.
    """

    roles: Mapping[str, str]
    counted_by: str | None
    has_time: bool
    commands: Sequence[str] = ()
    by_values: Sequence[str] = ()


@dataclass(slots=True)
class _Seen:
    """What the rows of a log hold."""

    names: dict[str, None] = field(default_factory=dict)
    own: dict[str, None] = field(default_factory=dict)
    has_time: bool = False
    counted: set[str] = field(default_factory=set)
    values: dict[str, set[object]] = field(default_factory=dict)

    def add_values(self, row: Row) -> None:
        """Note the values by which rows could be counted: of a field with a list or an object there is none."""
        for name, value in row.items():
            values = self.values.setdefault(name, set())
            if isinstance(value, str | int) and len(values) <= _MAX_VALUES:
                values.add(value)

    def names_by_values(self, times: str) -> list[str]:
        """Fields that could be counted by; one value for all lines counts nothing apart, so these come last."""
        left_out = {*times.split(" and "), *PARTS, EVENT_TIME}
        names = [name for name in self.own if self.values.get(name) and name not in left_out]
        return sorted(names, key=lambda name: (len(self.values[name]) == 1, len(self.values[name])))


def find_meaning(
    texts: Sequence[str], log_format: Format, name: str, source: Mapping[str, Any], now_ms: int
) -> LogMeaning:
    """What the lines mean as lines of a format.

    Args:
        texts: The lines, without their line ends.
        name: The log's name, for commands.
        source: The settings of the default pipeline's source.
        now_ms: When the log was read, which gives a year to times without one.
    """
    lines = [text for text in texts if text][:MAX_LINES]
    options = [] if _is_detected(lines, log_format) else ["--format", log_format.name]
    settings = (
        source if not options else {**source, "format": log_format.name, "time_field": "format", "time_format": None}
    )
    seen = _look(lines, Source(source_settings(settings), ZoneInfo), now_ms)
    roles = _roles(log_format, seen)
    counted_by = next((role for role in DEFAULT_BY if role in seen.counted), None) if seen.has_time else None
    run = ["streamtally", "run", *_operand(name), *options]
    commands = _commands(run, roles, counted_by, seen) if seen.has_time else ()
    by_values = seen.names_by_values(roles.get("time", ""))
    return LogMeaning(roles, counted_by, seen.has_time, [shlex.join(command) for command in commands], by_values)


def find_converted_meaning(texts: Sequence[str], source: Mapping[str, Any], now_ms: int) -> LogMeaning:
    """What the lines mean once the Kinesis Agent's options have converted them: its fields go by common names.

    Args: source: settings with ``agent_options``. Raises: SettingsError: the options cannot be used.
    """
    reader = Source(source_settings(source), ZoneInfo)
    seen = _look([text for text in texts if text][:MAX_LINES], reader, now_ms)
    named = names_of(roles_among(seen.names))
    time = next((name for name in EventTimes(AUTO, AUTO, UTC, {}).fields if name in seen.names), "")
    roles = {**({"time": time} if seen.has_time and time else {}), **{role: names[0] for role, names in named.items()}}
    counted_by = next((role for role in DEFAULT_BY if role in seen.counted), None) if seen.has_time else None
    return LogMeaning(roles, counted_by, seen.has_time, (), seen.names_by_values(time))


def _is_detected(lines: Sequence[str], log_format: Format) -> bool:
    """Whether ``auto`` reads each line of the format as the format does."""
    auto = Source(source_settings({}), ZoneInfo).parser_for_record()
    expected = {log_format.name, _SAME_ROWS.get(log_format.name, log_format.name)}
    own = Source(source_settings({"format": log_format.name}), ZoneInfo).parser_for_record()
    read = [line for line in lines if _row(own, line) is not None]
    for line in read:
        row = _row(auto, line)
        found_format = last_format(auto)
        if row is None or found_format is None or found_format.name not in expected:
            return False
    return bool(read)


def _look(lines: Iterable[str], source: Source, now_ms: int) -> _Seen:
    seen = _Seen()
    columns = {role: source.column(column)[0] for role, column in (("status", "response"), ("level", "level"))}
    source.column(TIME_COLUMN)
    parse = source.parser_for_record(now_ms)
    for line in lines:
        row = _row(parse, line)
        if row is None:
            continue
        seen.names.update(dict.fromkeys(_all_names(row)))
        seen.own.update(dict.fromkeys(row))
        seen.add_values(row)
        source.complete(parse, row, now_ms)
        seen.has_time = seen.has_time or _has_time(source, row, now_ms)
        seen.counted.update(role for role, column in columns.items() if row.get(column) is not None)
    return seen


def _row(parse: Parser, line: str) -> Row | None:
    try:
        return parse(line)
    except Exception:  # a hostile line may make a parser raise anything
        return None


def _has_time(source: Source, row: Row, now_ms: int) -> bool:
    try:
        return source.event_time(row, now_ms) is not None
    except Exception:  # a hostile value may make it raise anything; then the line has no time
        return False


def _all_names(row: Mapping[str, Any], before: str = "", depth: int = 1) -> Iterator[str]:
    """The names of a row's fields, those of nested objects with dots; an object itself is no value of a role."""
    for name, value in row.items():
        if not isinstance(value, Mapping):
            yield before + name
        if name == "headers" and before:
            yield from (f"{before}headers.{header}" for header in header_names(value))
        elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
            yield from _all_names(value, f"{before}{name}.", depth + 1)


def _roles(log_format: Format, seen: _Seen) -> dict[str, str]:
    """The roles that rows have: for each, the first of its fields that a row has."""
    roles: dict[str, str] = {}
    if seen.has_time and (time := _time_name(log_format, seen)):
        roles["time"] = time
    for role in ROLE_NAMES:
        names = alternatives(getattr(log_format.roles, role))
        if is_open(log_format):  # a field of the log's own that is called like a role's column is that column
            own = alternatives(ROLE_TO_COLUMN.get(role, ""))
            names = (*names, *own) if role == "client" else (*own, *names)  # nginx's $host is not the client
        if present := next((name for name in names if name in seen.names), ""):
            roles[role] = present
    if is_open(log_format) and roles.get("client", CLIENT_OR_HOST) != CLIENT_OR_HOST and CLIENT_OR_HOST in seen.names:
        roles.setdefault("vhost", CLIENT_OR_HOST)
    return roles


def _time_name(log_format: Format, seen: _Seen) -> str:
    own = log_format.time_field
    names = (own,) if isinstance(own, str) else own or ()
    if not names or (is_open(log_format) and not seen.names.keys() >= set(names)):
        usual = EventTimes(AUTO, AUTO, UTC, {}).fields
        names = next(((name,) for name in usual if name in seen.names), ())
    return " and ".join(names)


def _operand(name: str) -> list[str]:
    """A log's name as an operand; one that looks like an option is given after ``./``."""
    return [f"./{name}" if name.startswith("-") and name != "-" else name]


def _commands(run: list[str], roles: Mapping[str, str], counted_by: str | None, seen: _Seen) -> Iterator[list[str]]:
    if counted_by is not None:
        yield run
    if counted_by == "level":  # an error log: few of its lines have a request
        return
    path = roles.get("path", "")
    if roles.get("request"):
        yield [*run, "--by", "path"]
    elif path in seen.own:
        yield [*run, "--by", quote_field(path)]
    elif counted_by is None:
        time = roles.get("time", "").split(" and ")
        for name in seen.own:
            if name not in (*time, *PARTS, EVENT_TIME):
                yield [*run, "--by", quote_field(name)]
                return


def quote_field(name: str) -> str:
    """A field's name as ``--by`` takes it."""
    return '"' + name.replace('"', '""') + '"' if "," in name or name[:1] == '"' or name != name.strip() else name
