"""What indices there are, and what happens to each next: a table for people, from one observation of the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streamtally.indices.loads import held
from streamtally.indices.names import LATE_UNKNOWN, MS_PER_DAY, IndexName, parse_index_name
from streamtally.indices.observed import Observed, ObservedIndex
from streamtally.indices.retention import Expired, find_expired, may_delete
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.times.iso import to_iso


@dataclass(frozen=True)
class IndexStatus:
    """One index, and what happens to it next."""

    name: str
    kind: str
    docs: int
    size_bytes: int
    age_days: float
    """Since the end of its period (negative: it is still written), or since its creation if it has none."""
    next: str

    def to_json(self) -> dict[str, Any]:
        """The row as ``indices status --json`` prints it."""
        return asdict(self)


def describe_indices(specs: Sequence[IndexSpec], observed: Observed, now_ms: int) -> list[IndexStatus]:
    """Every index of the pipeline, by name."""
    rows: dict[str, IndexStatus] = {}
    for spec in specs:
        state = observed.state_of(spec.index).state
        expired = {entry.index.name: entry for entry in find_expired(spec, observed, now_ms)}
        for index in observed.indices.values():
            name = parse_index_name(index.name, spec.index)
            if name:
                following = _next(spec, state, index, name, expired.get(index.name), now_ms)
                rows[index.name] = _status(index, name, following, now_ms)
    for index in observed.indices.values():
        if index.name == LATE_UNKNOWN or index.name in {spec.inbox for spec in specs}:
            text = "nothing: examine its documents" if index.docs else "deleted when two runs have found it empty"
            rows[index.name] = _status(index, IndexName(index.name, "inbox"), text, now_ms)
    return [rows[name] for name in sorted(rows)]


def _status(index: ObservedIndex, name: IndexName, following: str, now_ms: int) -> IndexStatus:
    since_ms = name.period.end_ms if name.period else index.created_ms
    kind = "unplaced" if index.name == LATE_UNKNOWN else name.kind
    return IndexStatus(
        index.name, kind, index.docs, index.size_bytes, round((now_ms - since_ms) / MS_PER_DAY, 2), following
    )


def _next(
    spec: IndexSpec, state: OutputState, index: ObservedIndex, name: IndexName, expired: Expired | None, now_ms: int
) -> str:
    if name.kind == "view":
        return f"it has the alias's name: replace it (indices apply --replace {spec.index})"
    if name.kind != "late" and name.period and held(state, (name.period.start_ms, name.period.end_ms), now_ms):
        return "old logs are being loaded into it, or were until recently: nothing is closed or deleted"
    if name.kind == "partials" and name.period:
        if name.period.end_ms <= state.closed_before_ms:
            return "closed: settled once more, then deleted"
        return f"closes {to_iso(name.period.end_ms + int(spec.partials_days * MS_PER_DAY))}"
    if expired and may_delete(state, expired, now_ms):
        return f"deleted by the next manage: {expired.reason}"
    if expired:
        return f"deleted by a later manage: {expired.reason}"
    return ", ".join(_retention(spec, name)) or "kept forever"


def _retention(spec: IndexSpec, name: IndexName) -> Iterator[str]:
    retention = spec.retention
    if retention.managed_by == "ism":
        yield "deleted by ISM"
        return
    if retention.max_age_days is not None and name.period:
        yield f"deleted {to_iso(name.period.end_ms + int(retention.max_age_days * MS_PER_DAY))}"
    if name.kind == "output" and retention.max_count is not None:
        yield f"deleted when there are {retention.max_count} newer ones"
    if name.kind == "output" and retention.max_size_bytes is not None:
        yield f"deleted when newer ones total {retention.max_size_bytes} bytes"
    if name.kind == "output" and retention.min_free_disk_share is not None:
        yield f"deleted when less than {retention.min_free_disk_share:.0%} of a disk is free"


def describe_loads(specs: Sequence[IndexSpec], observed: Observed) -> list[dict[str, Any]]:
    """The loads of old logs that hold spans open: in progress, or cut short and to be repeated."""
    loads = []
    for spec in specs:
        for name, load in sorted(observed.state_of(spec.index).state.loads.items()):
            if load.is_open:
                spans = [[to_iso(start), to_iso(end)] for start, end in load.spans]
                loads.append({"index": spec.index, "load": name, "since": to_iso(load.opened_ms), "spans": spans})
    return loads


def find_stuck(specs: Sequence[IndexSpec], observed: Observed) -> list[str]:
    """What does not resolve itself, one line each."""
    stuck = []
    unknown = observed.indices.get(LATE_UNKNOWN)
    if unknown and unknown.docs:
        stuck.append(
            f"{LATE_UNKNOWN}: {unknown.docs} documents could not be placed (field streamtally_failure gives the reason)"
        )
    for spec in specs:
        if spec.inbox not in observed.pipelines:
            stuck.append(
                f"{spec.inbox}: the ingest pipeline does not exist: counts are at-least-once until indices apply"
            )
        if spec.index not in observed.states or observed.states[spec.index].seq_no is None:
            stuck.append(f"{spec.index}: manage has not run yet")
    for name, count in sorted(observed.unstamped.items()):
        stuck.append(f"{name}: {count} documents bypassed the ingest pipeline; indices apply repairs it")
    return list(dict.fromkeys(stuck))
