"""What a load of old logs contains, by index and time, and whether the cluster keeps such times at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from streamtally.indices.load_entries import Span
from streamtally.indices.loads import to_runs
from streamtally.indices.names import Period, output_name, parse_suffix, to_suffix
from streamtally.indices.observed import Observed
from streamtally.indices.retention import dated_indices, drop_mark
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.times.iso import from_iso, to_iso

HOUR_MS = 3_600_000
# The patterns of the templates and of settling expect years that begin with 2.
EARLIEST_MS, LATEST_MS = from_iso("2000-01-01"), from_iso("3000-01-01")


@dataclass
class Contents:
    """The documents for one index."""

    windows: dict[str, set[int]] = field(default_factory=dict)
    """Output of the plan → starts of the windows that have partials."""
    hours: Counter[int] = field(default_factory=Counter)
    """Hour in which a window or row begins (ms) → documents."""
    extents: dict[int, Span] = field(default_factory=dict)
    """Hour → its first time and its last; the last is the end of a window."""
    checksum: int = 0
    """Of all documents, independent of their order."""

    def add(self, document: bytes, output: str, time_ms: int, window_ms: int) -> None:
        """Count a document.

        Args:
            window_ms: the window's length; 0 for a row.
        """
        self.checksum = (self.checksum + int.from_bytes(blake2b(document, digest_size=16).digest())) % 2**128
        hour = time_ms - time_ms % HOUR_MS
        self.hours[hour] += 1
        if window_ms:
            self.windows.setdefault(output, set()).add(time_ms)
        end = time_ms + (window_ms or 1)
        first, last = self.extents.get(hour, (time_ms, end))
        self.extents[hour] = min(first, time_ms), max(last, end)

    def merge(self, other: Contents) -> None:
        """Take in other documents for the same index: the result is that of adding each of them."""
        self.checksum = (self.checksum + other.checksum) % 2**128
        self.hours.update(other.hours)
        for output, windows in other.windows.items():
            self.windows.setdefault(output, set()).update(windows)
        for hour, (start, end) in other.extents.items():
            first, last = self.extents.get(hour, (start, end))
            self.extents[hour] = min(first, start), max(last, end)

    @property
    def digest(self) -> str:
        """Equal for equal documents. Repeats count, since checksums are added and not XORed."""
        return f"{self.checksum:032x}-{self.hours.total()}"

    def spans(self) -> tuple[Span, ...]:
        """The days to open, consecutive days as one span."""
        return to_runs(self.hours)

    def run_extents(self) -> dict[Span, Span]:
        """Run of days → from the time of its first document to the end of its last."""
        return {run: self._extent(run) for run in self.spans()}

    def _extent(self, run: Span) -> Span:
        inside = [extent for hour, extent in self.extents.items() if run[0] <= hour < run[1]]
        return min(first for first, _ in inside), max(last for _, last in inside)

    def count(self, hours: Iterable[int]) -> int:
        """The documents of some hours."""
        return sum(self.hours[hour] for hour in hours)


@dataclass(frozen=True)
class Verdict:
    """Whether an index's documents may be loaded."""

    refusal: str = ""
    """Why not, one line."""
    notes: tuple[str, ...] = ()
    """What happens to them soon."""
    lower_mark: int | None = None
    """Retention now keeps what it once dropped, so its mark may move back to here (ms)."""


def judge(spec: IndexSpec, state: OutputState, observed: Observed, contents: Contents, now_ms: int) -> Verdict:
    """Whether the cluster can store a load's documents for one output, and keeps them.

    Times before retention's mark are never accepted, unless the present settings keep such times.
    """
    outside = [hour for hour in contents.hours if not EARLIEST_MS <= hour < LATEST_MS]
    if outside:
        years = "indices hold the years 2000 to 2999; --from and --to leave out other times"
        return Verdict(f"{spec.index}: {_count(contents, outside)}: {years}")
    ahead = [hour for hour in contents.hours if hour > now_ms + spec.max_ahead_ms]
    if ahead:
        text = "in the future (max_ahead): --to leaves out such times"
        return Verdict(f"{spec.index}: {_count(contents, ahead)}: {text}")
    if spec.rotation == "rollover":
        return Verdict()
    kept_from = drop_mark(spec, replace(state, dropped_before_ms=0, loads={}), (), now_ms)
    dropped = [hour for hour in contents.hours if hour < state.dropped_before_ms]
    why = _why_dropped(spec, kept_from, min(dropped, default=kept_from))
    if dropped and why:
        first = to_iso(min(contents.extents[hour][0] for hour in dropped))
        mark = f"{contents.count(dropped):,} documents are dated before {to_iso(state.dropped_before_ms)}"
        text = f"{spec.index}: {mark}, and this cluster keeps nothing that old ({why}); the first: {first}"
        return Verdict(f"{text}: raise the limit, or leave them out (--from)")
    lower = min(dropped) if dropped else None
    going = [hour for hour in contents.hours if hour < kept_from]
    notes = [f"{spec.index}: {_count(contents, going)}: older than {_age(spec)}"] if going else []
    notes += _counted_out(spec, state, observed, contents)
    if state.closed_at_ms and notes:
        return Verdict(f"{notes[0]}: retention would delete them again: raise the limit, or leave them out (--from)")
    return Verdict("", tuple(f"{note}: an index manager deletes them when it runs here" for note in notes), lower)


def _count(contents: Contents, hours: Sequence[int]) -> str:
    first, last = min(contents.extents[hour][0] for hour in hours), max(contents.extents[hour][1] for hour in hours)
    return f"{contents.count(hours):,} documents are dated {to_iso(first)} to {to_iso(last)}"


def _age(spec: IndexSpec) -> str:
    return f"retention.max_age of {spec.retention.max_age_days or 0:g} days"


def _why_dropped(spec: IndexSpec, kept_from: int, earliest_ms: int) -> str:
    """The setting that dropped a time and still would; "" if the present settings keep it."""
    retention = spec.retention
    if earliest_ms < kept_from:
        return _age(spec)
    limits = {
        "max_count": retention.max_count, "max_size": retention.max_size_bytes,
        "min_free_disk": retention.min_free_disk_share,
    }  # fmt: skip
    return ", ".join(f"retention.{name}" for name, limit in limits.items() if limit is not None)


def _counted_out(spec: IndexSpec, state: OutputState, observed: Observed, contents: Contents) -> list[str]:
    """Which of the load's indices ``max_count`` deletes at once, since there are enough newer ones."""
    limit = spec.retention.max_count
    if limit is None or spec.retention.managed_by == "ism":
        return []
    ends = {entry.index.name: entry.end_ms for entry in dated_indices(spec, observed.indices)}
    loaded: dict[str, list[int]] = {}
    for hour in contents.hours:
        rotation = state.rotation_at(hour, spec.rotation)
        period = parse_suffix(to_suffix(rotation, hour))
        name = output_name(spec.index, rotation, hour)
        loaded.setdefault(name, []).append(hour)
        ends[name] = period.end_ms if isinstance(period, Period) else hour
    oldest = sorted(ends, key=lambda name: (ends[name], name))[: max(0, len(ends) - limit)]
    gone = [hour for name in oldest for hour in loaded.get(name, ())]
    return [f"{spec.index}: {_count(contents, gone)}: more than retention.max_count of {limit} indices"] if gone else []
