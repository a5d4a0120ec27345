"""A load of old logs as the state document holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SETTLE_DOWN_MS = 15 * 60_000  # AWS Lambda's longest time limit: no older run is alive after it


GENERATION_BITS = 40  # a settled document's version counts partials below this bit


Span = tuple[int, int]
"""``[from, to)`` in milliseconds since the epoch."""


@dataclass(frozen=True)
class Load:
    """A load of old logs into one output's index.

    Attributes:
        spans: the days that it holds open.
        run: the process that owns it; one that is started again takes it over.
        opened_ms: when it began. released_ms: when it was finished, 0 while it is open.
        replaced: spans whose counts and rows are recomputed from the load alone.
        digest: of all its documents, once it is finished; generation: the newest of a replacement by then.
        is_clearing: what was counted in ``replaced`` is being taken out: nobody settles windows there.
    """

    spans: tuple[Span, ...]
    run: str
    opened_ms: int
    released_ms: int = 0
    replaced: tuple[Span, ...] = ()
    is_clearing: bool = False
    digest: str = ""
    generation: int = 0

    @property
    def is_open(self) -> bool:
        return not self.released_ms

    def holds(self, span: Span, now_ms: int) -> bool:
        """Whether nothing of a span may be closed or deleted: it is open, or was a moment ago."""
        return (self.is_open or now_ms < self.released_ms + SETTLE_DOWN_MS) and overlaps(self.spans, span)


@dataclass(frozen=True)
class Claim:
    """Who closes a partials' index, and since when; another may take over when no older run can be alive."""

    run: str
    claimed_ms: int


def read_load(document: Mapping[str, object]) -> Load:
    """A load from the state document; fields of other versions are ignored."""
    known = {name: document[name] for name in Load.__dataclass_fields__ if name in document}
    for name in ("spans", "replaced"):
        known[name] = tuple((int(start), int(end)) for start, end in known.get(name) or ())  # type: ignore[attr-defined]
    return Load(**known)  # type: ignore[arg-type]


def overlaps(spans: Iterable[Span], span: Span) -> bool:
    """Whether any of the spans shares a time with this one."""
    return any(start < span[1] and span[0] < end for start, end in spans)
