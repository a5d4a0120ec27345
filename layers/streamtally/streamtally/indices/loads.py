"""Loads of old logs in the state document: which spans are open, being closed, or were replaced.

A load opens whole UTC days, the periods of partials' indices. While it is open, closing and retention do not touch
these days. Loading and closing exclude each other through entries in the one state document, which changes under
optimistic concurrency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from streamtally.errors import IndexPlanError
from streamtally.indices.load_entries import Load, Span, overlaps
from streamtally.indices.names import MS_PER_DAY, floor_day
from streamtally.indices.spec import PlanOutput
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso

MS_PER_MINUTE = 60_000
MAX_REMEMBERED = 200  # finished loads, which are recognised when they are repeated
EVER: Span = (-(2**62), 2**62)


def to_runs(times: Iterable[int]) -> tuple[Span, ...]:
    """The days of some times, consecutive days as one span, in order."""
    runs: list[Span] = []
    for day in sorted({floor_day(time) for time in times}):
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + MS_PER_DAY)
        else:
            runs.append((day, day + MS_PER_DAY))
    return tuple(runs)


def spans_to_replace(refused: Iterable[int], extents: Mapping[Span, Span]) -> tuple[Span, ...]:
    """The spans to recompute: days that were closed with counts, limited to what the logs cover.

    Args:
        refused: windows that were closed with counts.
        extents: run of days → from its first window to the end of its last.
    """
    spans: list[Span] = []
    for start, end in to_runs(refused):
        run = next(extent for days, extent in extents.items() if days[0] <= start < days[1])
        span = max(start, run[0]), min(end, run[1])
        spans.append(span)
    return tuple(spans)


def check_edges(index: str, outputs: Iterable[PlanOutput], spans: Sequence[Span]) -> None:
    """Refuse to recompute windows that also rest on rows outside of the logs.

    A sliding window at the beginning of the logs looks back on rows before them, and one after their end on rows in
    them: recomputed from the logs alone, both would lose what the other rows counted.

    Raises: IndexPlanError: an output has sliding windows, and spans to recompute.
    """
    for output in outputs:
        if output.ahead_ms and spans:
            text = f"{index}: {describe_spans(spans)} cannot be recomputed from these logs alone"
            raise IndexPlanError(
                f"{text}: its sliding windows look back over {output.ahead_ms // MS_PER_MINUTE} minutes, at both ends "
                "also on rows outside of the logs; nothing was loaded: load the logs, from that much earlier on, into "
                "an index of another name"
            )


def describe_spans(spans: Sequence[Span], limit: int = 5) -> str:
    """Spans as text: ``2026-03-10T11:00:00.000Z to 2026-03-10T12:00:00.000Z, … and 3 more``."""
    shown = ", ".join(f"{to_iso(start)} to {to_iso(end)}" for start, end in spans[:limit])
    return shown + (f" and {len(spans) - limit} more" if len(spans) > limit else "")


def held(state: OutputState, span: Span, now_ms: int) -> bool:
    """Whether a load keeps this span from being closed or deleted."""
    return any(load.holds(span, now_ms) for load in state.loads.values())


def earliest_held(state: OutputState, now_ms: int) -> int | None:
    """The first time that a load holds open."""
    return min((load.spans[0][0] for load in state.loads.values() if load.holds(EVER, now_ms)), default=None)


def opened(state: OutputState, name: str, load: Load) -> OutputState:
    """The state with a load added. Raises: IndexPlanError: the time is being closed, or another load replaces it."""
    for index, (span, claim) in sorted(state.closing.items()):
        if overlaps(load.spans, span):
            since = f"{index} is being closed since {to_iso(claim.claimed_ms)}"
            raise IndexPlanError(
                f"{since}: nothing was loaded; run the command again after settling has closed it (indices settle)"
            )
    check_replacing(state, name, load.spans)
    earlier = state.loads.get(name)
    if earlier and earlier.is_open:  # what a killed run has written or removed stays open until it is settled
        days = (day for start, end in (*load.spans, *earlier.spans) for day in range(start, end, MS_PER_DAY))
        load = replace(load, spans=to_runs(days), replaced=earlier.replaced, is_clearing=earlier.is_clearing)
    finished = sorted((value.released_ms, key) for key, value in state.loads.items() if not value.is_open)
    old = {key for _, key in finished[:-MAX_REMEMBERED] if not state.loads[key].holds(EVER, load.opened_ms)}
    others = {key: value for key, value in state.loads.items() if key not in old}
    return replace(state, loads={**others, name: load})


def released(state: OutputState, name: str, digest: str, now_ms: int) -> OutputState:
    """The state with a load finished: its spans close like any others, and the load is remembered."""
    load = replace(state.loads[name], released_ms=now_ms, digest=digest, generation=newest_generation(state))
    return replace(state, loads={**state.loads, name: load})


def newest_generation(state: OutputState) -> int:
    """The number of the last replacement, 0 if there was none."""
    return max((number for _, _, number in state.generations), default=0)


def is_loaded(state: OutputState, load: Load | None, digest: str) -> bool:
    """Whether a load was finished with exactly these documents, and none of them was replaced since."""
    if load is None or load.is_open or load.digest != digest:
        return False
    later = [(start, end) for start, end, number in state.generations if number > load.generation]
    return not any(overlaps(load.spans, span) for span in later)


def check_replacing(state: OutputState, name: str, spans: Sequence[Span], replacing: bool = False) -> None:
    """Raises: IndexPlanError: another open load replaces counts of these spans, or this one would replace its."""
    for other, load in state.loads.items():
        theirs = load.spans if replacing else load.replaced
        if other != name and load.is_open and any(overlaps(theirs, span) for span in spans):
            text = f"another load, open since {to_iso(load.opened_ms)}, fills {describe_spans(theirs)}"
            raise IndexPlanError(f"{text}: nothing was loaded; finish that one first (run its command again)")


def replacing(state: OutputState, name: str, spans: tuple[Span, ...]) -> OutputState:
    """The state with a load that begins to replace counts: versions of a new generation win there.

    Raises: IndexPlanError: another open load fills part of the spans.
    """
    check_replacing(state, name, spans, replacing=True)
    generation = 1 + newest_generation(state)
    load = replace(state.loads[name], replaced=spans, is_clearing=True)
    kept = tuple(entry for entry in state.generations if entry[1] > state.dropped_before_ms)
    added = tuple((start, end, generation) for start, end in spans)
    return replace(state, loads={**state.loads, name: load}, generations=(*kept, *added))
