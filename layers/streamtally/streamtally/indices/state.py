"""What the index manager remembers, one document an output in the cluster, changed under optimistic concurrency.

Only these facts cannot be seen in the indices themselves: since when windows have been settled, from which time on
nothing more is counted, and which rotation a time belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from streamtally.indices.names import Rotation, output_name


@dataclass(frozen=True)
class RotationFrom:
    """From ``from_ms`` on (the window's or event's time), indices are named by ``rotation``."""

    from_ms: int
    rotation: Rotation


@dataclass(frozen=True)
class Cursor:
    """Where a run that its time limit cut goes on: windows up to ``window_ms`` are settled.

    ``started_ms`` is the start of the first run of the chain, the next checkpoint.
    """

    started_ms: int
    window_ms: int


@dataclass(frozen=True)
class OutputState:
    """Milliseconds since the epoch; 0 means never.

    ``closed_before_ms``: what is dated earlier goes to the late index; moved at ``closed_at_ms``, never back.
    ``dropped_before_ms``: settled indices that end by then may be deleted and are never written again.
    ``checkpoint_ms``: the start of the last settling run that finished all its candidates.
    ``pinned``: batch → [plan, its partials when some of them were deleted], for batches of two plans.
    """

    rotations: tuple[RotationFrom, ...] = ()
    closed_before_ms: int = 0
    closed_at_ms: int = 0
    dropped_before_ms: int = 0
    dropped_at_ms: int = 0
    checkpoint_ms: int = 0
    cursor: Cursor | None = None
    audited_ms: int = 0
    pinned: Mapping[str, tuple[str, int]] = field(default_factory=dict)

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

    def advanced(self, other: OutputState) -> OutputState:
        """This state with whatever the other has further on: the marks that never go back, whoever writes last."""
        return replace(
            self,
            closed_before_ms=max(self.closed_before_ms, other.closed_before_ms),
            dropped_before_ms=max(self.dropped_before_ms, other.dropped_before_ms),
            checkpoint_ms=max(self.checkpoint_ms, other.checkpoint_ms),
        )


def read_state(document: Mapping[str, Any] | None) -> OutputState:
    """The state from its document; fields of other versions are ignored, absent ones have their defaults."""
    if not document:
        return OutputState()
    known = {name: document[name] for name in OutputState.__dataclass_fields__ if name in document}
    known["rotations"] = tuple(RotationFrom(r["from_ms"], r["rotation"]) for r in known.get("rotations") or ())
    cursor = known.get("cursor")
    known["cursor"] = Cursor(**cursor) if cursor else None
    known["pinned"] = {batch: (plan, count) for batch, (plan, count) in (known.get("pinned") or {}).items()}
    return OutputState(**known)
