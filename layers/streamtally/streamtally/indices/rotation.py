"""When indices change: the rotation's history, closing, and rollover."""

from __future__ import annotations

from dataclasses import replace

from streamtally.config.outputs import Rollover
from streamtally.indices.names import MS_PER_DAY, floor_day
from streamtally.indices.observed import ObservedIndex
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState, RotationFrom

MS_PER_HOUR = 3_600_000


def with_rotation(spec: IndexSpec, state: OutputState, now_ms: int) -> OutputState:
    """The state with the pipeline's rotation in its history.

    A change takes effect at a midnight that no row can be dated after yet (``max_ahead``, and an hour for runs in
    progress), so every window and every repeat of a row keeps the one index of its time.
    """
    if not state.rotations:
        return replace(state, rotations=(RotationFrom(0, spec.rotation),))
    if state.rotations[-1].rotation == spec.rotation:
        return state
    earliest_ms = now_ms + spec.max_ahead_ms + MS_PER_HOUR
    kept = state.rotations
    if len(kept) > 1 and kept[-1].from_ms > earliest_ms:
        kept = kept[:-1]  # the previous change has not taken effect yet
    if kept[-1].rotation == spec.rotation:
        return replace(state, rotations=kept)
    return replace(state, rotations=(*kept, RotationFrom(floor_day(earliest_ms) + MS_PER_DAY, spec.rotation)))


def closing_mark(spec: IndexSpec, state: OutputState, now_ms: int) -> int:
    """Where ``closed_before`` should be: partials are kept for ``partials_days`` whole days; it never moves back."""
    return max(
        state.closed_before_ms, floor_day(now_ms - int(spec.partials_days * MS_PER_DAY)), state.dropped_before_ms
    )


def rollover_reason(rollover: Rollover, index: ObservedIndex, now_ms: int) -> str | None:
    """Why the write index must roll over, or None."""
    age_days = (now_ms - index.created_ms) / MS_PER_DAY
    if rollover.max_age_days is not None and age_days >= rollover.max_age_days:
        return f"{age_days:.1f} days old (limit {rollover.max_age_days:g})"
    if rollover.max_docs is not None and index.docs >= rollover.max_docs:
        return f"{index.docs} documents (limit {rollover.max_docs})"
    if rollover.max_size_bytes is not None and index.size_bytes >= rollover.max_size_bytes:
        return f"{index.size_bytes} bytes (limit {rollover.max_size_bytes})"
    return None
