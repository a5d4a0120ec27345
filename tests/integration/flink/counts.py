"""What programs that run on Flink only give, counted by hand from the rows: no part of it is the compiler's.

Rows are in the order of their arrival, and no two arrive at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
SECOND = 1_000
MINUTE = 60_000


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text[:length]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _before(rows: Sequence[Row], row: Row, span_ms: int | None = None, **equal: Any) -> list[Row]:
    """The rows up to a row, within a span, that have the same values."""
    return [
        other
        for other in rows
        if other["arrival"] <= row["arrival"]
        and (span_ms is None or other["arrival"] >= row["arrival"] - span_ms)
        and all(other[name] == value for name, value in equal.items())
    ]


def _total(values: Sequence[int | None]) -> int | None:
    present = [value for value in values if value is not None]
    return sum(present) if present else None


def _over_range(rows: Sequence[Row]) -> Iterator[Row]:
    kept = [row for row in rows if row["response"] is not None and row["response"] < 500]
    for row in kept:
        window = _before(kept, row, MINUTE, host=row["host"])
        sizes = [other["bytes"] for other in window if other["bytes"] is not None]
        codes = [float(other["response"]) for other in window]
        yield {
            "HOST": _cut(row["host"], 20), "T": _time(row["arrival"]), "N": len(window),
            "MEAN": sum(codes) / len(codes),
            "LOW": min(sizes, default=None), "FIRST_CODE": window[0]["response"],
        }  # fmt: skip


def _over_rows(rows: Sequence[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        own = _before(rows, row, host=row["host"])
        yield {
            "HOST": _cut(row["host"], 20), "TOTAL": _total([other["response"] for other in own[-4:]]),
            "LAST_TWO": sum(other["bytes"] is not None for other in own[-2:]), "ALL_ROWS": number + 1,
        }  # fmt: skip


def _two_windows(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        by_host = _before(rows, row, 30 * SECOND, host=row["host"])
        by_agent = _before(rows, row, 2 * MINUTE, agent=row["agent"])
        total = _total([other["response"] for other in by_agent])
        count = sum(other["response"] is not None for other in by_host)
        if total is not None and count == 0:
            continue  # divided by zero: a row of the error stream
        yield {
            "HOST": _cut(row["host"], 20), "AGENT": _cut(row["agent"], 40), "BY_HOST": len(by_host),
            "BY_AGENT": len(by_agent), "RATIO": None if total is None else total / count,
        }  # fmt: skip


def _lag(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        own = _before(rows, row, host=row["host"])
        near = _before(rows, row, 20 * SECOND, host=row["host"])
        code, before = row["response"], own[-2]["response"] if len(own) > 1 else None
        yield {
            "HOST": _cut(row["host"], 20), "CODE": code, "BEFORE": before,
            "TWO_BEFORE": own[-3]["response"] if len(own) > 2 else -1,
            "NEAR": near[-2]["response"] if len(near) > 1 else 0,
            "CHANGE": None if code is None or before is None else code - before,
        }  # fmt: skip


def _throttle(rows: Sequence[Row]) -> Iterator[Row]:
    bad = [row for row in rows if row["response"] is not None and row["response"] >= 400]
    for row in bad:
        if len(_before(bad, row, MINUTE, host=row["host"])) == 1:
            yield {"HOST": _cut(row["host"], 20), "N": row["response"]}


def _over_then_window(rows: Sequence[Row]) -> Iterator[Row]:
    most: dict[tuple[Any, int], int] = {}
    for row in rows:
        key = row["host"], row["arrival"] // MINUTE * MINUTE
        most[key] = max(most.get(key, 0), len(_before(rows, row, 30 * SECOND, host=row["host"])))
    for (host, start), count in most.items():
        yield {"HOST": _cut(host, 20), "T": _time(start), "MOST": count}


def _counts(rows: Sequence[Row], size_ms: int) -> dict[tuple[Any, int], int]:
    """(Host, the window's end) → its rows."""
    counts: dict[tuple[Any, int], int] = {}
    for row in rows:
        key = row["host"], row["arrival"] // size_ms * size_ms + size_ms
        counts[key] = counts.get(key, 0) + 1
    return counts


def _window_then_over(rows: Sequence[Row]) -> Iterator[Row]:
    counts = _counts(rows, 30 * SECOND)
    for (host, end), count in counts.items():
        before = sorted(other for name, other in counts if name == host and other < end)
        near = [counts[name, other] for name, other in counts if name == host and end - MINUTE <= other <= end]
        yield {
            "HOST": _cut(host, 20), "T": _time(end), "N": count,
            "BEFORE": counts[host, before[-1]] if before else None, "THREE": sum(near),
        }  # fmt: skip


def _join_windows(rows: Sequence[Row]) -> Iterator[Row]:
    for error in rows:
        for row in rows:
            code, bad = row["response"], error["response"]
            if error["host"] is None or error["host"] != row["host"] or None in (code, bad) or bad < 500 <= code:
                continue
            later_ms = row["arrival"] - error["arrival"]  # the error is in its window, or the row is in its own
            if bad >= 500 > code and -30 * SECOND <= later_ms <= MINUTE and len(error["host"]) <= 20:
                yield {
                    "HOST": error["host"], "REQUEST": _cut(error["request"], 60), "AGENT": _cut(row["agent"], 40),
                    "T": _time(row["arrival"]), "PAIRED": _time(max(row["arrival"], error["arrival"])),
                }  # fmt: skip


def _join_left(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        errors = [
            other
            for other in _before(rows, row, MINUTE, host=row["host"])
            if row["host"] is not None and (other["response"] or 0) >= 500
        ]
        for code in [error["response"] for error in errors] or [None]:
            yield {"HOST": _cut(row["host"], 20), "AGENT": _cut(row["agent"], 40), "CODE": code}


def _join_same_time(rows: Sequence[Row]) -> Iterator[Row]:
    bad = _counts([row for row in rows if (row["response"] or 0) >= 400], MINUTE)
    for (host, end), count in _counts(rows, MINUTE).items():
        if host is not None and (host, end) in bad:
            yield {"HOST": _cut(host, 20), "T": _time(end), "RATE": bad[host, end] / count}


def _join_then_window(rows: Sequence[Row]) -> Iterator[Row]:
    counts: dict[tuple[Any, int], int] = {}
    for row in rows:
        near = _before(rows, row, MINUTE, host=row["host"])
        pairs = sum((other["response"] or 0) >= 400 for other in near) if row["host"] is not None else 0
        if pairs:
            key = row["host"], row["arrival"] // MINUTE * MINUTE
            counts[key] = counts.get(key, 0) + pairs
    for (host, start), count in counts.items():
        yield {"HOST": _cut(host, 20), "T": _time(start), "N": count}


def _window_by_result(rows: Sequence[Row]) -> Iterator[Row]:
    hosts: dict[tuple[int, int], int] = {}
    for (_, end), count in _counts(rows, 10 * SECOND).items():
        key = count, (end - 1) // MINUTE * MINUTE
        hosts[key] = hosts.get(key, 0) + 1
    for (count, start), number in hosts.items():
        yield {"N": count, "T": _time(start), "HOSTS": number}


def _table_after_window(rows: Sequence[Row]) -> Iterator[Row]:
    counts: dict[tuple[Any, int], int] = {}
    for row in rows:
        key = row["response"], row["arrival"] // MINUTE
        counts[key] = counts.get(key, 0) + 1
    names = {200: "OK", 404: "Not Found"}
    for (code, _), count in counts.items():
        name = names.get(code)
        yield {"NAME": None if name is None else f"{name:12}", "N": count}


def _lag_default_column(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        own = _before(rows, row, host=row["host"])
        before = own[-2] if len(own) > 1 else row
        yield {"H": _cut(row["host"], 20), "BEFORE": before["bytes"], "NOW": row["bytes"]}


def _event_column(rows: Sequence[Row]) -> Iterator[Row]:
    """A row without a time belongs to no window: it fails, as it does in the functions."""
    minutes = {
        "2017-09-08T08:46:59.999Z": "2017-09-08T08:46:00+00:00",
        "2017-09-08 08:48:00": "2017-09-08T08:48:00+00:00",
        "2017-09-08T10:48:01+02:00": "2017-09-08T08:48:00+00:00",
        "2017-09-08T08:47:30.5": "2017-09-08T08:47:00+00:00",
    }
    counted = Counter(minutes[row["seen"]] for row in rows if row["seen"] is not None)
    for minute, count in counted.items():
        yield {"T": minute, "N": count}


def _metadata(rows: Sequence[Row]) -> Iterator[Row]:
    """A file has no shards."""
    for row in rows:
        count = min(4, len(_before(rows, row, host=row["host"])))
        yield {"SHARD": None, "SEQ": None, "H": _cut(row["host"], 20), "N": count}


COUNTS: dict[str, tuple[str, Callable[[Sequence[Row]], Iterator[Row]]]] = {
    "flink_event_column": ("OUT", _event_column),
    "flink_event_path": ("OUT", _event_column),
    "flink_join_left": ("OUT", _join_left),
    "flink_join_same_time": ("RATES", _join_same_time),
    "flink_join_then_window": ("OUT", _join_then_window),
    "flink_join_windows": ("PAIRS", _join_windows),
    "flink_lag": ("OUT", _lag),
    "flink_lag_default_column": ("OUT", _lag_default_column),
    "flink_metadata": ("OUT", _metadata),
    "flink_over_range": ("OUT", _over_range),
    "flink_over_rows": ("OUT", _over_rows),
    "flink_over_then_window": ("PER_MINUTE", _over_then_window),
    "flink_over_two_windows": ("OUT", _two_windows),
    "flink_table_after_window": ("NAMED", _table_after_window),
    "flink_throttle": ("ALARMS", _throttle),
    "flink_window_by_result": ("SPREAD", _window_by_result),
    "flink_window_then_over": ("COMPARED", _window_then_over),
}
"""Pair → (its stream, the rows that it must hold)."""
