"""What the index manager remembers, one document an output in the cluster, changed under optimistic concurrency.

Only these facts cannot be seen in the indices themselves: since when windows have been settled, from which time on
nothing more is counted, and which rotation a time belongs to.
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
    """Where a run that its time limit cut goes on: windows before ``window_ms`` are settled, and of that one the groups
    up to ``group``, in the order of their ids; None: all of it.

    ``started_ms`` is the start of the first run of the chain, the next checkpoint.
    """

    started_ms: int
    window_ms: int
    group: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far settling is with one output of the plan.

    ``checkpoint_ms``: the start of the last run that finished all its candidates. ``audited_ms``: the last audit.
    """

    checkpoint_ms: int = 0
    cursor: Cursor | None = None
    audited_ms: int = 0


@dataclass(frozen=True)
class OutputState:
    """Milliseconds since the epoch; 0 means never.

    ``closed_before_ms``: what is dated earlier goes to the late index; moved at ``closed_at_ms``, never back.
    ``dropped_before_ms``: settled indices that end by then may be deleted and are never written again.
    ``progress``: of settling, by output of the plan.
    ``pinned``: batch → [plan, its partials when some of them were deleted], for batches of two plans.
    ``loads``: of old logs, by their id: what they hold open. ``closing``: partials' index → [its span, who closes it].
    ``generations``: (from, to, number) of spans whose counts were replaced: their documents' versions begin there.
    """

    rotations: tuple[RotationFrom, ...] = ()
    closed_before_ms: int = 0
    closed_at_ms: int = 0
    dropped_before_ms: int = 0
    dropped_at_ms: int = 0
    progress: Mapping[str, Progress] = field(default_factory=dict)
    pinned: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)
    closing: Mapping[str, tuple[Span, Claim]] = field(default_factory=dict)
    generations: tuple[tuple[int, int, int], ...] = ()

    def to_document(self) -> dict[str, Any]:
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
        """What a settled document's version begins at: more where counts were replaced, so that older ones lose."""
        numbers = [number for start, end, number in self.generations if start <= window_ms < end]
        return max(numbers, default=0) << GENERATION_BITS

    def is_clearing(self, window_ms: int) -> bool:
        """Whether a load is taking out what was counted there: then the window is not to be settled now."""
        moment = (window_ms, window_ms + 1)
        return any(
            load.is_open and load.is_clearing and overlaps(load.replaced, moment) for load in self.loads.values()
        )

    def progress_of(self, output: str) -> Progress:
        return self.progress.get(output) or Progress()

    def with_progress(self, output: str, progress: Progress) -> OutputState:
        return replace(self, progress={**self.progress, output: progress})


def _read_progress(document: Mapping[str, Any]) -> Progress:
    cursor = document.get("cursor")
    made = Cursor(cursor["started_ms"], cursor["window_ms"], cursor.get("group")) if cursor else None
    return Progress(int(document.get("checkpoint_ms") or 0), made, int(document.get("audited_ms") or 0))


def read_state(document: Mapping[str, Any] | None) -> OutputState:
    """The state from its document; fields of other versions are ignored, absent ones have their defaults."""
    if not document:
        return OutputState()
    known = {name: document[name] for name in OutputState.__dataclass_fields__ if name in document}
    known["rotations"] = tuple(RotationFrom(r["from_ms"], r["rotation"]) for r in known.get("rotations") or ())
    known["progress"] = {name: _read_progress(each) for name, each in (known.get("progress") or {}).items()}
    known["pinned"] = {batch: (plan, count) for batch, (plan, count) in (known.get("pinned") or {}).items()}
    known["loads"] = {name: read_load(load) for name, load in (known.get("loads") or {}).items()}
    closing = (known.get("closing") or {}).items()
    known["closing"] = {name: ((span[0], span[1]), Claim(**claim)) for name, (span, claim) in closing}
    known["generations"] = tuple((start, end, number) for start, end, number in known.get("generations") or ())
    return OutputState(**known)
