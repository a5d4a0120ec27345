"""Which plan counts: for a partial of an earlier deployment, and for a batch with partials of two plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamtally.ids import digest
from streamtally.plan.windowed import WindowedOutput

CHECKPOINT_MARGIN_MS = 10 * 60_000
"""Partials are stamped before they can be searched, on nodes whose clocks differ."""


@dataclass(frozen=True)
class PlanOutputs:
    """An output under one plan."""

    plan_id: str
    output: WindowedOutput
    shape: str
    """Of its states: those of one shape can be merged."""


Plans = Callable[[str], PlanOutputs]
"""A plan's id → the output under it. Raises: LookupError: the plan is unknown, or has no such output."""


def shape_of(document: Mapping[str, Any], output: str) -> str:
    """What must be equal in two plans for their states of an output to be merged: window, keys, aggregates."""
    node = next(node for node in document["plan"]["outputs"] if node["name"] == output)
    also = [node[name] for name in ("also", "inner_ms", "levels") if name in node]
    return digest([node["window_ms"], node["keys"], node["aggregates"], *also])


@dataclass(frozen=True)
class PlanShare:
    """The partials that a batch has under one plan."""

    partials: int
    """How many distinct ones there are."""
    expected: int | None = None
    """How many the batch made; None: unknown."""

    @property
    def is_complete(self) -> bool:
        """Whether all partials that the batch made are there."""
        return self.expected is not None and self.partials >= self.expected


@dataclass(frozen=True)
class MixedBatch:
    """A batch with partials of two plans: its retry straddled a deployment."""

    plan_id: str
    """The one plan that counts."""
    partials: int
    """All its partials, of all plans."""


def choose_plan(shares: Mapping[str, PlanShare]) -> MixedBatch:
    """One plan for a batch, over all its partials of an output, never by window or key.

    A plan under which the batch is complete (the call that succeeded sent all of it) takes precedence over one of a
    call that was cut short; among complete ones the smallest id. If none is complete, the one with most partials.
    """
    complete = sorted(plan_id for plan_id, share in shares.items() if share.is_complete)
    most = sorted(shares, key=lambda plan_id: (-shares[plan_id].partials, plan_id))
    return MixedBatch((complete or most)[0], sum(share.partials for share in shares.values()))
