"""Where the rows of a log have what the report's panels count, by the roles of their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from streamtally.formats.base import Format, Row
from streamtally.formats.field_readers import ABSENT, Get, alternatives, reader
from streamtally.formats.open_roles import open_vhost
from streamtally.formats.roles import is_open, role_reader
from streamtally.transform.source import Source

MICROSECONDS: Final[Mapping[str, float]] = {"s": 1e6, "ms": 1e3, "us": 1, "ns": 1e-3}
"""Unit of a response time → microseconds."""
_UNIT_OF_FIELD: Final = {
    "request_time": "s",  # nginx, ngx_http_log_module
    "reqtime": "s",  # ltsv.org
    "reqtime_microsec": "us",  # ltsv.org
    "responseLatency": "ms",  # API Gateway, $context.responseLatency
    "Duration": "ns",  # Traefik's JSON
    "event.duration": "ns",  # ECS
    "responseTime": "ms",  # pino-http
    "httpRequest.latency": "s",  # Google Cloud's HttpRequest: a duration such as 0.012s
    "duration_us": "us",  # Apache's %D
    "duration_ms": "ms",  # Apache's %{ms}T
    "duration_s": "s",  # Apache's %T
}
_UNIT_OF_FORMAT: Final = {
    "envoy": "ms",
    "traefik": "ms",
    "haproxy": "ms",
    "haproxy_clf": "ms",
    "squid": "ms",
    "s3_access": "ms",
    "w3c": "ms",  # as IIS writes it
    "cloudfront": "s",
    "cloudfront_realtime": "s",
    "ingress_nginx": "s",
    "alb": "s",
    "elb": "s",
}
"""Format → the unit of its duration, as the format's fields state it."""
_TOO_LONG_US: Final = 1e15  # 30 years
_MAX_SHAPES: Final = 256
_MAX_DIGITS: Final = 30

Duration = Callable[[Row], tuple[float, str] | None]
"""A row → its response time in microseconds and ""; or 0 and the field, whose unit is not known; None: it has none."""


class PanelFields:
    """Reads what the panels count from the rows of one format."""

    def __init__(self, source: Source, log_format: Format | None, unit: str) -> None:
        self.bytes = _role(source, log_format, "bytes")
        self.referer = _role(source, log_format, "referer")
        self.vhost = _role(source, log_format, "vhost")
        self.duration: Duration = _Durations(log_format, unit).read if log_format is not None else lambda _: None


def _role(source: Source, log_format: Format | None, role: str) -> Get:
    renamed = next((name for name, column in source.settings.rename.items() if column == role), None)
    if renamed is not None:
        return lambda row: row.get(renamed)
    if log_format is None:
        return lambda _: None
    if role == "vhost" and is_open(log_format):
        return open_vhost
    if role == "vhost" or is_open(log_format):
        own = (role,) if is_open(log_format) else ()
        return _first((*own, *alternatives(getattr(log_format.roles, role))))
    return role_reader(log_format, role)


def _first(names: tuple[str, ...]) -> Get:
    if not names:
        return lambda _: None
    read = reader(names)

    def value(row: Row) -> Any:
        result = read(row)
        return None if result is ABSENT else result

    return value


class _Durations:
    """Reads the response time of rows. Which fields may hold it is worked out once for each set of names."""

    def __init__(self, log_format: Format, unit: str) -> None:
        own = alternatives(log_format.roles.duration)
        unit_of_format = _UNIT_OF_FORMAT.get(log_format.name, "")
        names = (*_UNIT_OF_FIELD, *own)
        units = {name: unit_of_format or _UNIT_OF_FIELD.get(name, "") or unit for name in names}
        self._fields = [(name, MICROSECONDS.get(units[name], 0.0), reader((name,))) for name in units]
        self._shapes: dict[tuple[str, ...], list[tuple[str, float, Get]]] = {}

    def read(self, row: Row) -> tuple[float, str] | None:
        shape = tuple(row)
        fields = self._shapes.get(shape)
        if fields is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            firsts = set(row)
            fields = [field for field in self._fields if field[0] in firsts or field[0].partition(".")[0] in firsts]
            self._shapes[shape] = fields
        for name, factor, read in fields:
            value = to_number(read(row))
            if value is None:
                continue
            if not factor:
                return 0.0, name
            time = value * factor
            return (time, "") if time < _TOO_LONG_US else None
        return None


def to_number(value: Any) -> float | None:
    """A response time as a number, in its own unit; None if it is none. ``0.012s`` is 0.012 (protobuf's durations)."""
    if isinstance(value, str):
        is_number = value.isascii() and value[:1].isdigit() and len(value) <= _MAX_DIGITS
        try:
            value = float(value.removesuffix("s")) if is_number else None
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def to_size(value: Any) -> int:
    """The size of a response in bytes; 0 where it is not logged."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else 0
    return value if type(value) is int and 0 <= value < 10**18 else 0
