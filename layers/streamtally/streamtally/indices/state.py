"""What the index manager remembers: one document an output in the cluster, changed under optimistic concurrency.

It holds only what the indices themselves do not show: how far windows are settled, before which time nothing more is
counted, and which rotation a time belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from streamtally.config.outputs import Rotation
from streamtally.indices.load_entries import GENERATION_BITS, Claim, Load, Span, overlaps, read_load
from streamtally.indices.names import output_name


@dataclass(frozen=True)
class RotationFrom:
    """From ``from_ms`` on (the window's or event's time), indices are named by ``rotation``."""

    from_ms: int
    rotation: Rotation


@dataclass(frozen=True)
class Cursor:
    """Where the run after one that was cut short by its time limit continues."""

    started_ms: int
    """The start of the first run of the chain, which becomes the checkpoint."""
    window_ms: int
    """Windows before this one are settled."""
    group: str | None = None
    """Groups of this window are settled up to this id, in the order of their ids; None: all of them."""


@dataclass(frozen=True)
class Progress:
    """How far settling is with one output of the plan."""

    checkpoint_ms: int = 0
    """The start of the last run that finished all its candidates."""
    cursor: Cursor | None = None
    audited_ms: int = 0
    """The time of the last audit."""


@dataclass(frozen=True)
class OutputState:
    """The state of one output. Times are in milliseconds since the epoch; 0 means never."""

    rotations: tuple[RotationFrom, ...] = ()
    closed_before_ms: int = 0
    """Documents dated earlier go to the late index; never moves back."""
    closed_at_ms: int = 0
    """When ``closed_before_ms`` moved last."""
    dropped_before_ms: int = 0
    """Settled indices that end by then may be deleted and are never written again."""
    dropped_at_ms: int = 0
    """When ``dropped_before_ms`` moved last."""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """Output of the plan → how far settling is."""
    pinned: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Mixed batch → (its plan, its partials when some of them were deleted)."""
    loads: Mapping[str, Load] = field(default_factory=dict)
    """Load of old logs, by its id → what it holds open."""
    closing: Mapping[str, tuple[Span, Claim]] = field(default_factory=dict)
    """Partials' index → (its span, which run is closing it)."""
    generations: tuple[tuple[int, int, int], ...] = ()
    """(from, to, number) of spans whose counts were replaced: the versions of their documents start there."""

    def to_document(self) -> dict[str, Any]:
        """The document as it is stored."""
        return asdict(self)

    def rotation_at(self, ms: int, default: Rotation = "day") -> Rotation:
        """The rotation of a window's or event's time."""
        chosen = self.rotations[0].rotation if self.rotations else default
        for change in self.rotations:
            if ms >= change.from_ms:
                chosen = change.rotation
        return chosen

    def output_name(self, index: str, ms: int) -> str:
        """The index of a settled document or a row of this time."""
        return output_name(index, self.rotation_at(ms), ms)

    def version_base(self, window_ms: int) -> int:
        """Where a settled document's version starts: higher where counts were replaced, so that older versions lose."""
        numbers = [number for start, end, number in self.generations if start <= window_ms < end]
        return max(numbers, default=0) << GENERATION_BITS

    def is_clearing(self, window_ms: int) -> bool:
        """Whether a load is removing what was counted there: then the window must not be settled now."""
        moment = (window_ms, window_ms + 1)
        return any(
            load.is_open and load.is_clearing and overlaps(load.replaced, moment) for load in self.loads.values()
        )

    def progress_of(self, output: str) -> Progress:
        """How far settling is with an output of the plan."""
        return self.progress.get(output) or Progress()

    def with_progress(self, output: str, progress: Progress) -> OutputState:
        """The state with the progress of one output replaced."""
        return replace(self, progress={**self.progress, output: progress})


def _read_progress(document: Mapping[str, Any]) -> Progress:
    cursor = document.get("cursor")
    position = Cursor(cursor["started_ms"], cursor["window_ms"], cursor.get("group")) if cursor else None
    return Progress(int(document.get("checkpoint_ms") or 0), position, int(document.get("audited_ms") or 0))


def read_state(document: Mapping[str, Any] | None) -> OutputState:
    """The state from its document; fields of other versions are ignored, absent ones have their defaults."""
    if not document:
        return OutputState()
    known = {name: document[name] for name in OutputState.__dataclass_fields__ if name in document}
    known["rotations"] = tuple(RotationFrom(r["from_ms"], r["rotation"]) for r in known.get("rotations") or ())
    known["progress"] = {name: _read_progress(entry) for name, entry in (known.get("progress") or {}).items()}
    known["pinned"] = {batch: (plan, count) for batch, (plan, count) in (known.get("pinned") or {}).items()}
    known["loads"] = {name: read_load(load) for name, load in (known.get("loads") or {}).items()}
    closing = (known.get("closing") or {}).items()
    known["closing"] = {name: ((span[0], span[1]), Claim(**claim)) for name, (span, claim) in closing}
    known["generations"] = tuple((start, end, number) for start, end, number in known.get("generations") or ())
    return OutputState(**known)
