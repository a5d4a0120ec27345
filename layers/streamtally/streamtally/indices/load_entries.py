"""The entry of a load of old logs in the state document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SETTLE_DOWN_MS = 15 * 60_000  # AWS Lambda's longest time limit: no older run is alive after it

GENERATION_BITS = 40  # a settled document's version counts partials below this bit


Span = tuple[int, int]
"""``[from, to)`` in milliseconds since the epoch."""


@dataclass(frozen=True)
class Load:
    """A load of old logs into one output's index."""

    spans: tuple[Span, ...]
    """The days that it holds open."""
    run: str
    """The process that owns it; a later run of the same load takes it over."""
    opened_ms: int
    """When it began."""
    released_ms: int = 0
    """When it was finished; 0 while it is open."""
    replaced: tuple[Span, ...] = ()
    """Spans whose counts and rows are recomputed from the load alone."""
    is_clearing: bool = False
    """Whether the counts in ``replaced`` are being removed: no run settles windows there."""
    digest: str = ""
    """Of all its documents, once it is finished."""
    generation: int = 0
    """The newest generation of replaced counts when it was finished."""

    @property
    def is_open(self) -> bool:
        """Whether it holds its spans open."""
        return not self.released_ms

    def holds(self, span: Span, now_ms: int) -> bool:
        """Whether nothing in a span may be closed or deleted: it is open, or was until recently."""
        return (self.is_open or now_ms < self.released_ms + SETTLE_DOWN_MS) and overlaps(self.spans, span)


@dataclass(frozen=True)
class Claim:
    """Which run is closing a partials' index, since when; another may take over when no older run can be alive."""

    run: str
    claimed_ms: int


def read_load(document: Mapping[str, object]) -> Load:
    """A load from the state document; fields of other versions are ignored."""
    known = {name: document[name] for name in Load.__dataclass_fields__ if name in document}
    for name in ("spans", "replaced"):
        known[name] = tuple((int(start), int(end)) for start, end in known.get(name) or ())  # type: ignore[attr-defined]
    return Load(**known)  # type: ignore[arg-type]


def overlaps(spans: Iterable[Span], span: Span) -> bool:
    """Whether any of the spans overlaps this one."""
    return any(start < span[1] and span[0] < end for start, end in spans)
