"""The names of indices: made from times, and parsed.

=============================  ======================================================================
``inbox-<stream>``             where the summary stream is configured to write; never created
``partials-<index>-<date>``    partial aggregates of a day of windows, kept for days
``late-<index>-<month>``       documents of a closed time, by the month of their arrival
``late-unknown``               documents that the inbox's pipeline could not place
``<index>-<date>``             settled documents and rows, kept long-term
``<index>-000001``             rows of an output with rollover, through the alias ``<index>-write``
``<index>``                    the alias that people look at
=============================  ======================================================================

Dates have the form of Firehose's own index rotation, so indices that a stream created earlier are recognised too:
``-2016-02-25-13`` (hour), ``-2016-02-25`` (day), ``-2016-w08`` (week), ``-2016-02`` (month), all UTC.
Source: Firehose developer guide, "Configure destination settings: index rotation for the OpenSearch destination".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from streamtally.config.outputs import Rotation

IndexKind = Literal["inbox", "partials", "late", "output", "view"]

LATE_UNKNOWN: Final = "late-unknown"
STATE_INDEX: Final = "streamtally-state"
MS_PER_DAY: Final = 86_400_000
_SUFFIX = re.compile(
    r"""
    (\d{4})-                              # year
    (?:
      w(\d{2})                            # week
      |
      (\d{2}) (?: -(\d{2}) (?: -(\d{2}) )? )?  # month, day, hour
    )
    """,
    re.VERBOSE,
)
_ROLLED = re.compile(r"\d{6,}")


@dataclass(frozen=True)
class Period:
    """The time `[start_ms, end_ms)` that one index holds, in milliseconds since the epoch."""

    rotation: Rotation
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class IndexName:
    """The name of an index of the pipeline."""

    name: str
    kind: IndexKind
    period: Period | None = None
    """None for the inbox, the view's own name and indices made by rollover."""

    @property
    def is_rolled(self) -> bool:
        """Whether the index was made by rollover."""
        return self.kind == "output" and self.period is None


def to_suffix(rotation: Rotation, ms: int) -> str:
    """The date part of the index that holds a time: ``to_suffix("week", …)`` → ``2016-w08``."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    if rotation == "week":
        # Weeks start on Sunday and are counted by their Saturdays, as Firehose does: week 1 is the first with one.
        saturday = moment.date() + timedelta(days=(5 - moment.weekday()) % 7)
        return f"{saturday.year:04d}-w{(saturday.timetuple().tm_yday + 6) // 7:02d}"
    pattern = {"hour": "%Y-%m-%d-%H", "day": "%Y-%m-%d", "month": "%Y-%m"}[rotation]
    return moment.strftime(pattern)


def parse_suffix(suffix: str) -> Period | None:
    """The date part of an index's name → its period, or None if it is not a valid date (``2016-02-30``)."""
    match = _SUFFIX.fullmatch(suffix)
    if match is None:
        return None
    year, week, month, day, hour = match.groups()
    rotation: Rotation = "week" if week else "hour" if hour else "day" if day else "month"
    try:
        start = _week_start(int(year), int(week)) if week else _start(int(year), int(month), int(day or 1))
        start_ms = _to_ms(start) + int(hour or 0) * 3_600_000
        end_ms = start_ms + 3_600_000 if hour else _to_ms(_next(rotation, start))
    except (ValueError, OverflowError):
        return None
    # It must format back to the same text: that rejects week 54 and hour 24.
    return Period(rotation, start_ms, end_ms) if to_suffix(rotation, start_ms) == suffix else None


def _start(year: int, month: int, day: int) -> date:
    return date(year, month, day)


def _week_start(year: int, week: int) -> date:
    first = date(year, 1, 1)
    first_saturday = first + timedelta(days=(5 - first.weekday()) % 7)
    return first_saturday + timedelta(days=7 * (week - 1) - 6)


def _next(rotation: Rotation, start: date) -> date:
    if rotation == "month":
        return date(start.year + start.month // 12, start.month % 12 + 1, 1)
    return start + timedelta(days=7 if rotation == "week" else 1)


def _to_ms(day: date) -> int:
    return (day - date(1970, 1, 1)).days * MS_PER_DAY


def floor_day(ms: int) -> int:
    """The start of a time's UTC day."""
    return ms - ms % MS_PER_DAY


def inbox_name(stream: str) -> str:
    """The inbox of a delivery stream; index names are lower case, stream names need not be."""
    return f"inbox-{stream.lower()}"


def partials_name(index: str, window_start_ms: int) -> str:
    """The index of a window's partials."""
    return f"partials-{index}-{to_suffix('day', window_start_ms)}"


def output_name(index: str, rotation: Rotation, ms: int) -> str:
    """The index of a settled document or row. With rollover there is one name to write to, whatever the time."""
    return f"{index}-write" if rotation == "rollover" else f"{index}-{to_suffix(rotation, ms)}"


def parse_index_name(name: str, index: str) -> IndexName | None:
    """A name parsed for the output whose alias is ``index``, or None: not the pipeline's, never touched."""
    kinds: tuple[tuple[str, IndexKind], ...] = (
        (f"partials-{index}-", "partials"),
        (f"late-{index}-", "late"),
        (f"{index}-", "output"),
    )
    if name == index:
        return IndexName(name, "view")
    for prefix, kind in kinds:
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        period = parse_suffix(rest)
        expected = {"partials": "day", "late": "month"}.get(kind)
        if period is not None and (expected is None or period.rotation == expected):
            return IndexName(name, kind, period)
        if kind == "output" and _ROLLED.fullmatch(rest):
            return IndexName(name, kind)
    return None
