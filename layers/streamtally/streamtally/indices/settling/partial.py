"""What settling reads of a partial document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.errors import EvaluationError
from streamtally.times.iso import from_iso


@dataclass(frozen=True, slots=True)
class Partial:
    """The fields of a partial document that settling uses."""

    partial_id: str
    batch_id: str
    plan_id: str
    window_ms: int
    state: Mapping[str, Any]
    """The document's ``tally.state``."""
    out_of_range: int = 0
    ingested_ms: int | None = None
    problem: str = ""
    """Why the document is not a partial; "" if it is one."""


def read_partial(window_ms: int, partial_id: str | None, source: Mapping[str, Any]) -> Partial:
    """A partial from its document; a document that is not a partial gets a ``problem``, and settling sets it aside.

    Args:
        partial_id: as the index has it.
        source: the document's ``_source``.
    """
    tally = source.get("tally")
    tally = tally if isinstance(tally, Mapping) else {}
    state = tally.get("state")
    out_of_range = tally.get("out_of_range") or 0
    names = [name for name in ("batch_id", "plan_id") if not isinstance(tally.get(name), str)]
    names += [] if partial_id else ["partial_id"]
    names += [] if type(out_of_range) is int else ["out_of_range"]
    names += [] if isinstance(state, Mapping) and isinstance(state.get("key"), list) else ["state"]
    return Partial(
        partial_id or "",
        str(tally.get("batch_id")),
        str(tally.get("plan_id")),
        window_ms,
        state if isinstance(state, Mapping) else {},
        0 if names else out_of_range,
        _read_ms(tally.get("ingested_at")),
        f"no {', '.join(names)}" if names else "",
    )


def _read_ms(value: Any) -> int | None:
    if type(value) is int:
        return value
    try:
        return from_iso(value) if isinstance(value, str) else None
    except (ValueError, EvaluationError):
        return None
