"""The event time of a line whose directive writes it in one token or in several: date, clock, fraction, offset.

A format may be of ``begin:`` or ``end:`` of the request; ``msec_frac`` and the like have tokens of their own, as they
cannot stand in a format with others. Source: Apache HTTP Server, mod_log_config, ``%{format}t``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.errors import SettingsError
from streamtally.times.java_patterns import parse_pattern
from streamtally.times.strftime import PREFIX, is_complete, is_readable, to_given

FRACTIONS = ("%{usec_frac}", "%{msec_frac}")  # the most exact first
_NAMED = {
    "%d/%b/%Y:%H:%M:%S %z": "dd/MMM/yyyy:HH:mm:ss Z",  # the same, in the form whose minutes are cached
    "%{msec}": "unix_ms",
    "%{sec}": "unix",
}


@dataclass(frozen=True, slots=True)
class TimeToken:
    """A token of a directive that says something of a time.

    Attributes:
        written: How it is written: a strftime format with Apache's parts in braces, as ``times.strftime`` reads it.
        is_end: Whether it is of the request's end.
    """

    written: str
    is_end: bool = False


EventTime = tuple[str | tuple[str, ...], str]
"""The field or fields, and their ``time_format``."""


def java_time_of(braced: str) -> str:
    """Tomcat's ``%{yyyy-MM-dd HH:mm:ss}t``: the pattern, if it is one; else empty.

    Apache would write such a text as it is, since it has no ``%``.
    """
    try:
        letters = {field[0] for field, _ in parse_pattern(braced) if field}
    except SettingsError:
        return ""
    return braced if "%" not in braced and {"M", "d", "m"} <= letters and letters & {"H", "h"} else ""


def find_event_time(tokens: Sequence[tuple[str, TimeToken]]) -> EventTime | None:
    """The event time that tokens give together, by the names of their fields; None if they give none.

    The request's beginning comes before its end; of several times of one moment, the most exact one.
    """
    for is_end in (False, True):
        of_moment = [(name, token.written) for name, token in tokens if token.is_end is is_end]
        time = _exact(of_moment) or _with_offset(of_moment) or _joined(of_moment)
        if time is not None:
            return time
    return None


def _exact(tokens: Sequence[tuple[str, str]]) -> EventTime | None:
    for part in ("%{usec}", "%{msec}"):
        for name, written in tokens:
            if written == part:
                return name, _NAMED.get(written, PREFIX + written)
    return None


def _with_offset(tokens: Sequence[tuple[str, str]]) -> EventTime | None:
    """The first token that gives a moment in any zone, with a fraction if there is one."""
    for name, written in tokens:
        given = to_given(written) if is_readable(written) else frozenset()
        if given & {"z", "s", "sec"}:
            return _together([(name, written), *_fraction(tokens)])
    return None


def _joined(tokens: Sequence[tuple[str, str]]) -> EventTime | None:
    """The tokens that together give a day and a clock, each of which adds something."""
    chosen, given = list[tuple[str, str]](), frozenset[str]()
    for name, written in tokens:
        if written in FRACTIONS:
            continue
        try:
            more = to_given(written)
        except SettingsError:
            continue
        if more - given:
            chosen.append((name, written))
            given |= more
    return _together([*chosen, *_fraction(tokens)]) if is_complete(given) else None


def _fraction(tokens: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return next(([token] for part in FRACTIONS for token in tokens if token[1] == part), [])


def _together(tokens: Sequence[tuple[str, str]]) -> EventTime:
    if len(tokens) == 1:
        ((name, written),) = tokens
        return name, _NAMED.get(written, PREFIX + written)
    return tuple(name for name, _ in tokens), PREFIX + " ".join(written for _, written in tokens)
