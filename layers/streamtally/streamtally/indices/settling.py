"""Partials → settled documents: each partial once, one plan a batch, merged exactly, one document a window and key.

Everything here is a function of the partials read; killed anywhere and run again it comes to the same documents. The
versions see to it that an older or slower run cannot overwrite a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamtally.canonical import digest
from streamtally.plan.windowed import WindowedOutput
from streamtally.times import to_iso

CHECKPOINT_MARGIN_MS = 10 * 60_000
"""Partials are stamped before they can be searched, on nodes whose clocks differ."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What settling reads of a partial document. ``state`` is ``tally.state``."""

    partial_id: str
    batch_id: str
    plan_id: str
    window_ms: int
    state: Mapping[str, Any]
    out_of_range: int = 0


@dataclass(frozen=True)
class PlanOutputs:
    """An output under one plan, with the shape of its states: those of one shape can be merged."""

    plan_id: str
    output: WindowedOutput
    shape: str


Plans = Callable[[str], PlanOutputs]
"""A plan's id → the output under it. Raises: IndexPlanError: nobody knows the plan any more."""


def shape_of(document: Mapping[str, Any], output: str) -> str:
    """What must be equal in two plans for their states of an output to be merged: window, keys, aggregates."""
    node = next(node for node in document["plan"]["outputs"] if node["name"] == output)
    return digest([node["window_ms"], node["keys"], node["aggregates"]])


@dataclass(frozen=True)
class PlanShare:
    """What a batch has under one plan: distinct partials, and how many the batch made (None: not said)."""

    partials: int
    expected: int | None = None

    @property
    def is_complete(self) -> bool:
        return self.expected is not None and self.partials >= self.expected


@dataclass(frozen=True)
class MixedBatch:
    """A batch whose retry straddled a deployment: the one plan that counts, and all its partials of all plans."""

    plan_id: str
    partials: int


def choose_plan(shares: Mapping[str, PlanShare]) -> MixedBatch:
    """One plan for a batch, over all its partials of an output, never by window or key.

    A plan under which the batch is whole (the call that succeeded put all of it) goes before one of a call that was
    cut; of whole ones the smallest id. As long as none is whole, the one with most partials.
    """
    whole = sorted(plan_id for plan_id, share in shares.items() if share.is_complete)
    most = sorted(shares, key=lambda plan_id: (-shares[plan_id].partials, plan_id))
    return MixedBatch((whole or most)[0], sum(share.partials for share in shares.values()))


@dataclass(frozen=True, slots=True)
class Settled:
    """A document to write, if no newer one is there: ``version`` counts what it rests on."""

    id: str
    window_ms: int
    version: int
    source: dict[str, Any]


@dataclass
class Settler:
    """Settles groups of one output.

    Args:
        name: the plan's output.
        plans: gives the output under each plan.
        current: the plan in force, which finishes whatever has its shape.
        mixed: batches of more than one plan.
        is_final: window start in ms → whether its grace has passed.
    """

    name: str
    plans: Plans
    current: PlanOutputs
    mixed: Mapping[str, MixedBatch]
    is_final: Callable[[int], bool]
    problems: dict[str, int] = field(default_factory=dict)

    def settle(self, window_ms: int, partials: Iterable[Partial]) -> list[Settled]:
        """The documents of one window's partials, of any number of keys; usually one a key.

        Partials of plans that cannot be merged (another window, key or aggregate) make a document each.
        """
        groups: dict[tuple[bytes, str], dict[str, Partial]] = {}
        for partial in partials:
            shape = self._shape(partial)
            if shape is not None:
                key = orjson.dumps(partial.state["key"])
                groups.setdefault((key, shape), {})[partial.partial_id] = partial
        return [
            document for (_, shape), found in groups.items() for document in self._settle_group(window_ms, shape, found)
        ]

    def _shape(self, partial: Partial) -> str | None:
        if partial.plan_id == self.current.plan_id:
            return self.current.shape
        try:
            return self.plans(partial.plan_id).shape
        except LookupError:
            self.problems[partial.plan_id] = self.problems.get(partial.plan_id, 0) + 1
            return None

    def _settle_group(self, window_ms: int, shape: str, found: Mapping[str, Partial]) -> list[Settled]:
        group_id = digest([self.name, window_ms, next(iter(found.values())).state["key"]])
        used = [partial for partial in found.values() if self._is_chosen(partial)]
        batches = {partial.batch_id for partial in found.values()} & self.mixed.keys()
        # Every partial of a batch of two plans takes part in the choice, so each counts: the version grows with it.
        count = len(found) + sum(self.mixed[batch].partials for batch in batches)
        final = self.is_final(window_ms)
        merged, plan_id = self._merge(window_ms, shape, used)
        tally = {
            "output": self.name,
            "window_start": to_iso(window_ms),
            "group_id": group_id,
            "key": next(iter(found.values())).state["key"],
            "plan_id": plan_id,
            "partials": len(found),
            "out_of_range": sum(partial.out_of_range for partial in used),
            "final": final,
        }
        documents = []
        for place, (more, columns, visible) in enumerate(merged):
            # An output that expands its items has a document each: the first counts the partials, for the audit's sum.
            told = {**tally, "key": [*tally["key"], *more], "partials": 0 if place else len(found), "visible": visible}
            source = {**columns, "tally": told}
            documents.append(Settled(digest([group_id, shape, *more]), window_ms, 2 * count + final, source))
        return documents

    def _is_chosen(self, partial: Partial) -> bool:
        batch = self.mixed.get(partial.batch_id)
        return batch is None or batch.plan_id == partial.plan_id

    def _merge(
        self, window_ms: int, shape: str, used: list[Partial]
    ) -> tuple[list[tuple[list[Any], dict[str, Any], bool]], str]:
        if not used:  # all belong to a plan that was not chosen: kept, since a deleted id could be made anew
            return [([], {}, False)], self.current.plan_id
        plan = self.current
        if plan.shape != shape:
            plan = max((self.plans(partial.plan_id) for partial in used), key=lambda plan: plan.plan_id)
        state = plan.output.merge_states(partial.state for partial in used)
        return plan.output.finish_all(window_ms, state), plan.plan_id
