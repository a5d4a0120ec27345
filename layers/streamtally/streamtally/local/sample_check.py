"""Whether a pipeline's source fits a log: its pattern or format, its time, its time zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from streamtally.aws.clock import now_ms
from streamtally.local.arrival import ReadLine, read_lines
from streamtally.local.likely_format import likely_format
from streamtally.local.logs import is_read_once, read_log, shown_name
from streamtally.text import visible
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.source import Source

MAX_LINES = 10_000
"""Lines that are read."""
_FAR_ZONE = "Etc/GMT+12"  # where no log is from: a time that it moves has no offset of its own
_AHEAD_MS = 15 * 60_000  # the least difference between two zones in use
_MINUTE_MS = 60_000


def check_sample(document: dict[str, Any], log: str) -> list[str]:
    """What of the source fits no line of a log: one line for each, with what to do."""
    source = load_pipeline(document, ZoneInfo).source
    file_ms = now_ms() if is_read_once(log) else Path(log).stat().st_mtime_ns // 1_000_000
    lines = [line for line in islice(read_lines(read_log(log), source, file_ms), MAX_LINES) if _is_event(line)]
    return [f"{visible(shown_name(log), 60)}: {text}" for text in _misfits(source, log, lines, file_ms)]


def _is_event(line: ReadLine) -> bool:
    return line.row is not None or bool(line.reason)


def _misfits(source: Source, log: str, lines: Sequence[ReadLine], file_ms: int) -> Iterator[str]:
    rows = [line for line in lines if line.row is not None]
    if not rows:
        if lines:
            yield _no_row(source, log, lines)
        return
    if source.settings.time_field is None:
        return
    timed = [line for line in rows if line.time is not None]
    if not timed:
        yield _no_time(source, len(rows))
        return
    zone = source.settings.time_zone
    is_moved = _is_moved(source, timed, file_ms)
    if zone != "UTC" and not is_moved:
        yield f'time_zone = "{zone}" fits no line: every time has an offset of its own; remove the setting'
    latest = max(line.time for line in timed if line.time is not None)
    if is_moved and latest > file_ms + _AHEAD_MS:
        minutes = (latest - file_ms) // _MINUTE_MS
        ahead = f"{minutes / 60:.1f} hours" if minutes >= 60 else f"{minutes} minutes"
        yield f'time_zone = "{zone}" puts the latest line {ahead} after the file was written: name the zone of the log'


def _no_row(source: Source, log: str, lines: Sequence[ReadLine]) -> str:
    what = "the pattern" if source.settings.pattern is not None else f'format = "{visible(source.settings.format, 60)}"'
    likely = likely_format([log], [])
    advice = f'; set format = "{likely}"' if likely and likely != source.settings.format else ""
    first = lines[0]
    return f"{what} fits none of {len(lines):,} lines: line {first.line.number}: {visible(first.reason, 120)}{advice}"


def _no_time(source: Source, rows: int) -> str:
    field = source.time_field or "the format's own field"
    shown = visible(field if isinstance(field, str) else " and ".join(field), 60)
    written = visible(str(source.time_format), 60)
    return f"no time in any of {rows:,} rows: time_field {shown}, time_format {written}; set them to what lines have"


def _is_moved(source: Source, timed: Sequence[ReadLine], file_ms: int) -> bool:
    """Whether a time depends on the zone, which it does if it has no offset of its own."""
    far = Source(structs.replace(source.settings, time_zone=_FAR_ZONE), ZoneInfo)
    again = read_lines((line.line for line in timed), far, file_ms)
    times = {(line.line.file, line.line.number): line.time for line in again}
    return any(times.get((line.line.file, line.line.number)) != line.time for line in timed)
