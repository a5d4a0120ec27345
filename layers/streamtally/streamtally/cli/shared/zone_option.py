"""``--time-zone``: the zone of the dates in objects' names, for commands that read what a stream delivered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any

import click

from streamtally.errors import SettingsError


def zone_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--time-zone``, passed to the command as ``zone``; None if it is not given."""

    @click.option(
        "--time-zone",
        "zone_name",
        metavar="NAME",
        help="Time zone of the dates in objects' names: the stream's CustomTimeZone.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, zone_name: str | None, **options: Any) -> Any:
        return function(*args, zone=to_zone(zone_name) if zone_name else None, **options)

    return wrapper


def to_zone(name: str) -> tzinfo:
    """A time zone by its name. Raises: SettingsError: there is no such zone."""
    if name in ("UTC", "Etc/UTC"):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"unknown time zone {name[:60]!r}: give a name such as Asia/Tokyo, or UTC") from None


def echo_left_out(left_out: dict[str, int]) -> None:
    """Print which objects were not read, and are not meant to be, on standard error."""
    for name, count in sorted(left_out.items()):
        click.echo(f"left out: {count} object{'s' if count > 1 else ''}: {name}", err=True)
