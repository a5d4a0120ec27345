"""Which indices are deleted: by age, by count, by total size, by free disk; never one that is being written.

Deleting takes two runs. The first moves the output's ``dropped_before`` (and with it ``closed_before``, so that a late
document cannot recreate the index). The index is deleted 15 minutes later, when no run that read the old mark can still
be alive: Lambda ends each run after at most 15 minutes.

A cluster whose disk is full refuses writes, also that of the mark, and only deleting helps it. Then an index whose time
was closed before, and whose partials are gone, is deleted without a new mark: nothing can make it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from streamtally.indices.ingest import read_closed_before
from streamtally.indices.load_entries import SETTLE_DOWN_MS, overlaps
from streamtally.indices.loads import earliest_held, held
from streamtally.indices.names import MS_PER_DAY, IndexName, Period, parse_index_name, parse_suffix, to_suffix
from streamtally.indices.observed import DiskSpace, Observed, ObservedIndex, own_indices
from streamtally.indices.spec import IndexSpec, Retention
from streamtally.indices.state import OutputState


@dataclass(frozen=True)
class Expired:
    """An index that retention deletes, and why."""

    index: ObservedIndex
    name: IndexName
    end_ms: int
    reason: str


def find_expired(spec: IndexSpec, observed: Observed, now_ms: int) -> list[Expired]:
    """The output's expired indices, oldest first; indices being written are never among them."""
    state = observed.state_of(spec.index).state
    everything = [entry for entry in dated_indices(spec, observed.indices) if not _is_ahead(entry, now_ms)]
    candidates = [entry for entry in everything if not _is_written(spec, entry, now_ms)]
    candidates = [entry for entry in candidates if not entry.is_held(state, now_ms)]
    expired: dict[str, Expired] = {}
    for rule in _rules(spec.retention, everything, observed.disk, now_ms):
        for entry in candidates:
            reason = rule(entry)
            if reason and entry.index.name not in expired:
                expired[entry.index.name] = Expired(entry.index, entry.name, entry.end_ms, reason)
    return [expired[entry.index.name] for entry in candidates if entry.index.name in expired]


@dataclass(frozen=True)
class Dated:
    """An index of the output with the end of its time."""

    index: ObservedIndex
    name: IndexName
    end_ms: int
    """When its period ends, or when it was rolled over."""

    def is_held(self, state: OutputState, now_ms: int) -> bool:
        """Whether old logs are being loaded into its time."""
        period = self.name.period
        return period is not None and held(state, (period.start_ms, period.end_ms), now_ms)


def dated_indices(spec: IndexSpec, indices: Mapping[str, ObservedIndex]) -> list[Dated]:
    """The output's own indices (settled documents, rows, Firehose's), oldest first."""
    named = [(index, parse_index_name(index.name, spec.index)) for index in indices.values()]
    dated = [
        Dated(index, name, name.period.end_ms)
        for index, name in named
        if name and name.kind == "output" and name.period
    ]
    rolled = sorted((index for index, name in named if name and name.is_rolled), key=lambda index: index.name)
    # A rolled index was written to until its successor was created.
    for position, index in enumerate(rolled):
        is_last = position == len(rolled) - 1
        name = IndexName(index.name, "output")
        dated.append(Dated(index, name, _NEVER if is_last else rolled[position + 1].created_ms))
    return sorted(dated, key=lambda entry: (entry.end_ms, entry.index.name))


_NEVER = 2**62


def _is_written(spec: IndexSpec, entry: Dated, now_ms: int) -> bool:
    return entry.end_ms + spec.grace_ms > now_ms or is_write_index(spec, entry.index)


def _is_ahead(entry: Dated, now_ms: int) -> bool:
    """Whether an index begins in the future: these are ignored, so that invented times cannot displace real data."""
    return entry.name.period is not None and entry.name.period.start_ms > now_ms


def is_write_index(spec: IndexSpec, index: ObservedIndex) -> bool:
    """Whether a stream that writes to the alias writes to this index."""
    return bool((index.aliases.get(spec.index) or {}).get("is_write_index"))


Rule = Callable[[Dated], str | None]
"""Why an index is deleted; None: it stays."""


def _rules(retention: Retention, everything: Sequence[Dated], disk: DiskSpace | None, now_ms: int) -> Iterable[Rule]:
    if retention.managed_by == "ism":
        return
    if retention.max_age_days is not None:
        yield _by_age(retention.max_age_days, now_ms)
    if retention.max_count is not None:
        yield _by_count(retention.max_count, everything)
    if retention.max_size_bytes is not None:
        yield _by_size(retention.max_size_bytes, everything)
    if retention.min_free_disk_share is not None and disk:
        yield _by_free_disk(retention.min_free_disk_share, everything, disk)


def _by_age(days: float, now_ms: int) -> Rule:
    limit_ms = now_ms - int(days * MS_PER_DAY)
    return lambda entry: f"older than {days:g} days" if entry.end_ms <= limit_ms else None


def _by_count(count: int, everything: Sequence[Dated]) -> Rule:
    gone = {entry.index.name for entry in everything[: max(0, len(everything) - count)]}
    return lambda entry: f"more than {count} indices" if entry.index.name in gone else None


def _by_size(limit_bytes: int, everything: Sequence[Dated]) -> Rule:
    gone, total = set(), 0
    for entry in reversed(everything):
        total += entry.index.size_bytes
        if total > limit_bytes:
            gone.add(entry.index.name)
    return lambda entry: f"more than {limit_bytes} bytes together" if entry.index.name in gone else None


def _by_free_disk(share: float, everything: Sequence[Dated], disk: DiskSpace) -> Rule:
    missing = share * disk.total_bytes - disk.free_bytes
    gone = set()
    for entry in everything:
        if missing <= 0:
            break
        gone.add(entry.index.name)
        missing -= entry.index.size_bytes
    return lambda entry: f"less than {share:.0%} of the disk is free" if entry.index.name in gone else None


def drop_mark(spec: IndexSpec, state: OutputState, expired: Sequence[Expired], now_ms: int) -> int:
    """Where ``dropped_before`` should be: at the end of the newest expired index, or of the newest expired time.

    By age it moves even without an index: a late document must not create one that is too old from the start.
    """
    mark = max([state.dropped_before_ms, *(entry.end_ms for entry in expired if entry.name.period)])
    if spec.retention.max_age_days is not None and spec.rotation != "rollover":
        old_ms = now_ms - int(spec.retention.max_age_days * MS_PER_DAY)
        period = parse_suffix(to_suffix(state.rotation_at(old_ms, spec.rotation), old_ms))
        mark = max(mark, period.start_ms if isinstance(period, Period) else 0)
    loading_ms = earliest_held(state, now_ms)
    return mark if loading_ms is None else max(state.dropped_before_ms, min(mark, loading_ms))


def may_delete(state: OutputState, expired: Expired, now_ms: int) -> bool:
    """Whether the mark that allows deleting this index has been in place long enough."""
    if expired.name.period is None:
        return True  # rows go to the write alias, whatever their time: nothing can recreate this index
    return expired.end_ms <= state.dropped_before_ms and now_ms >= state.dropped_at_ms + SETTLE_DOWN_MS


def is_gone_for_good(spec: IndexSpec, observed: Observed, expired: Expired, now_ms: int) -> bool:
    """Whether nothing could make an index again if it were deleted without a new mark.

    That holds once its time has been closed for 15 minutes, by the stored state and by the pipeline in force, and no
    partials of its time are left to settle. Times that a load holds open are not expired (`find_expired`).
    """
    state, period = observed.state_of(spec.index).state, expired.name.period
    if period is None or expired.end_ms > state.closed_before_ms or now_ms < state.closed_at_ms + SETTLE_DOWN_MS:
        return False
    in_force = read_closed_before(observed.pipelines.get(spec.inbox), spec.index)
    if in_force is None or in_force < expired.end_ms:
        return False
    names = (name for _, name in own_indices(spec, observed) if name.kind == "partials" and name.period)
    spans = [(name.period.start_ms, name.period.end_ms) for name in names if name.period]
    return not overlaps(spans, (period.start_ms, period.end_ms))


def find_expired_late(spec: IndexSpec, observed: Observed, now_ms: int) -> list[Expired]:
    """Late indices older than the output's age limit; they are named by the month in which documents arrived."""
    days = spec.retention.max_age_days
    if days is None or spec.retention.managed_by == "ism":
        return []
    late = []
    for index in observed.indices.values():
        name = parse_index_name(index.name, spec.index)
        if name and name.kind == "late" and name.period and name.period.end_ms <= now_ms - int(days * MS_PER_DAY):
            late.append(Expired(index, name, name.period.end_ms, f"older than {days:g} days"))
    return sorted(late, key=lambda entry: entry.end_ms)
