"""Filters of the searches that settling makes, and windows as ranges of their start.

Windows are asked for as ranges, never as lists: a date in a list costs clauses, and a thousand of them exceed what a
shard accepts (`indices.query.bool.max_clause_count`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from streamtally.indices.settling.plan_choice import CHECKPOINT_MARGIN_MS

T = TypeVar("T")
Query = dict[str, Any]
GroupPosition = tuple[int, str | None]
"""(window start in ms, group id): all groups up to and including it, in that order; None: the whole window."""


def since(checkpoint_ms: int) -> Query:
    """Documents stamped after a checkpoint, with the margin that clocks and refreshes need."""
    return {"range": {"tally.ingested_at": {"gte": checkpoint_ms - CHECKPOINT_MARGIN_MS, "format": "epoch_millis"}}}


def before(window_ms: int) -> Query:
    """Windows that start earlier."""
    return {"range": {"tally.window_start": {"lt": window_ms, "format": "epoch_millis"}}}


def not_before(window_ms: int) -> Query:
    """Windows that start then or later."""
    return {"range": {"tally.window_start": {"gte": window_ms, "format": "epoch_millis"}}}


def starting_between(first_ms: int, last_ms: int) -> Query:
    """Windows from one start to another, both included."""
    return {"range": {"tally.window_start": {"gte": first_ms, "lte": last_ms, "format": "epoch_millis"}}}


def of_batches(batches: Sequence[str]) -> Query:
    """Documents of some batches, by their ids."""
    return {"terms": {"tally.batch_id": list(batches)}}


def remaining(windows: Sequence[int], after: GroupPosition | None) -> list[int]:
    """The windows that may have groups after a position."""
    if after is None:
        return list(windows)
    return [window for window in windows if window > after[0] or (window == after[0] and after[1] is not None)]


def to_spans(windows: Sequence[int], window_ms: int) -> list[list[int]]:
    """Sorted window starts, cut where a window is missing: each piece is a range of starts."""
    spans: list[list[int]] = []
    for window in windows:
        if spans and window - spans[-1][-1] <= window_ms:
            spans[-1].append(window)
        else:
            spans.append([window])
    return spans


def to_chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Pieces of at most ``size`` values."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
