"""Plans what is deleted or force-merged."""

from __future__ import annotations

from collections.abc import Iterator

from streamtally.indices import load_entries, retention
from streamtally.indices.actions import Action, Note
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.indices.wanted import Wanted


def plan_retention(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """What retention deletes, and what is force-merged."""
    if not wanted.closing:
        return
    state = observed.state_of(spec.index).state
    expired = retention.find_expired(spec, observed, now_ms)
    late = retention.find_expired_late(spec, observed, now_ms)
    for entry in [*expired, *late]:
        if entry.name.kind == "output" and not retention.may_delete(state, entry, now_ms):
            yield Note(
                "waits", entry.index.name, f"{entry.reason}: deleted when its time has been closed for 15 minutes"
            )
        elif missing := _missing_snapshot(spec, observed, entry.index.name):
            yield Note("stuck", entry.index.name, f"{entry.reason}, but {missing}")
        else:
            yield Action("delete_index", entry.index.name, entry.reason, spec.index)
    gone = {entry.index.name for entry in expired}
    yield from _plan_force_merge(spec, state, observed, now_ms, gone)


def plan_unmarked(spec: IndexSpec, observed: Observed, now_ms: int) -> Iterator[Action]:
    """Expired indices that may be deleted although their mark cannot be stored: nothing can make them again."""
    state = observed.state_of(spec.index).state
    for entry in retention.find_expired(spec, observed, now_ms):
        if retention.may_delete(state, entry, now_ms) or _missing_snapshot(spec, observed, entry.index.name):
            continue
        if retention.is_gone_for_good(spec, observed, entry, now_ms):
            yield Action("delete_index", entry.index.name, entry.reason, spec.index)


def _missing_snapshot(spec: IndexSpec, observed: Observed, index: str) -> str | None:
    repository = spec.retention.require_snapshot
    if not repository or index in observed.snapshots.get(repository, ()):
        return None
    return f"no successful snapshot in {repository} contains it"


def _plan_force_merge(
    spec: IndexSpec, state: OutputState, observed: Observed, now_ms: int, gone: set[str]
) -> Iterator[Action]:
    """Closed indices get one segment a shard and become read-only: documents of their time can no longer arrive."""
    if not spec.retention.force_merge or now_ms < state.closed_at_ms + load_entries.SETTLE_DOWN_MS:
        return
    for entry in retention.dated_indices(spec, observed.indices):
        if entry.is_held(state, now_ms) or entry.index.is_flooded:  # merging needs disk space
            continue
        if entry.end_ms <= state.closed_before_ms and entry.index.name not in gone and not entry.index.is_write_blocked:
            yield Action("force_merge", entry.index.name, "its time is closed", spec.index)
