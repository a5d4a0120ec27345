"""Partials → settled documents: each partial once, one plan a batch, merged exactly, one document a window and key.

Everything here is a function of the partials read: a run that is killed anywhere and run again produces the same
documents. Their versions ensure that an older or slower run cannot overwrite a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamtally.ids import digest
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.settling.partial import Partial
from streamtally.indices.settling.plan_choice import MixedBatch, PlanOutputs, Plans
from streamtally.indices.settling.settled import Aside, Finished, SettledDocument, to_settled
from streamtally.indices.settling.soundness import SPOILED, is_plain, merge_sound
from streamtally.text import one_line
from streamtally.times.iso import to_iso

UNKNOWN_PLAN_MS = MS_PER_DAY
"""How long a window waits for the plan of a partial: a deployment in progress brings it within minutes."""


@dataclass
class Settler:
    """Settles groups of one output."""

    name: str
    """The plan's output."""
    plans: Plans
    """The output under each plan."""
    current: PlanOutputs
    """The plan in force, which finishes whatever has its shape."""
    mixed: Mapping[str, MixedBatch]
    """Batches of more than one plan, by id."""
    is_final: Callable[[int], bool]
    """Window start in ms → whether its grace has passed."""
    now_ms: int = 0
    """The run's start."""
    held: dict[str, int] = field(default_factory=dict)
    """Unknown plan → its partials of the last day. Their windows wait for the plan: it may be in deployment."""
    aside: list[Aside] = field(default_factory=list)
    """Partials that cannot be used; the others of their windows are settled without them."""

    def settle(self, window_ms: int, partials: Iterable[Partial], group_id: str | None = None) -> list[SettledDocument]:
        """The documents of one window's partials, of any number of keys; usually one a key.

        Partials of plans that cannot be merged (another window, key or aggregate) make separate documents.

        Args:
            group_id: the id under which the partials were read; those of another key are set aside, since the rest of
                that key's partials is elsewhere. None: they have none.
        """
        groups: dict[tuple[bytes, str], dict[str, Partial]] = {}
        for partial in partials:
            shape = self._shape(partial)
            if shape is not None:
                key = orjson.dumps(partial.state["key"])
                groups.setdefault((key, shape), {})[partial.partial_id] = partial
        documents = []
        for (_, shape), group in groups.items():
            if group_id in (None, self._group_id(window_ms, group)):
                documents += self._settle_sound(window_ms, shape, group)
            else:
                for partial in group.values():
                    self._set_aside(partial, "its group_id is of another key")
        return documents

    def _group_id(self, window_ms: int, group: Mapping[str, Partial]) -> str:
        return digest([self.name, window_ms, next(iter(group.values())).state["key"]])

    def _shape(self, partial: Partial) -> str | None:
        """The shape under which a partial can be merged; None: it is held or set aside."""
        if partial.problem:
            self._set_aside(partial, partial.problem)
            return None
        if partial.plan_id == self.current.plan_id:
            return self.current.shape
        try:
            return self.plans(partial.plan_id).shape
        except LookupError:
            if partial.ingested_ms is not None and partial.ingested_ms > self.now_ms - UNKNOWN_PLAN_MS:
                self.held[partial.plan_id] = self.held.get(partial.plan_id, 0) + 1
            else:
                self._set_aside(partial, f"unknown plan {partial.plan_id[:64]}")
            return None

    def _set_aside(self, partial: Partial, reason: str) -> None:
        self.aside.append(Aside(partial.window_ms, partial.partial_id, one_line(reason, 200)))

    def _settle_sound(self, window_ms: int, shape: str, group: dict[str, Partial]) -> list[SettledDocument]:
        """A group's documents, without the partials whose state cannot be merged."""
        try:
            output = self._plan_of(shape, group.values()).output
            if all(is_plain(output, partial.state) for partial in group.values()):
                return self._settle_group(window_ms, shape, group)
        except SPOILED:
            pass
        sound = self._without_spoiled(window_ms, shape, group)
        try:
            return self._settle_group(window_ms, shape, sound) if sound else []
        except SPOILED as error:
            for partial in sound.values():
                self._set_aside(partial, f"state cannot be merged: {error!r}")
            return []

    def _without_spoiled(self, window_ms: int, shape: str, group: Mapping[str, Partial]) -> dict[str, Partial]:
        sound: dict[str, Partial] = {}
        merged: dict[str, Any] | None = None
        for partial_id, partial in group.items():
            output = self._plan_of(shape, [partial]).output
            try:
                merged = merge_sound(output, window_ms, merged, partial.state)
            except SPOILED as error:
                self._set_aside(partial, f"state cannot be merged: {error!r}")
                continue
            sound[partial_id] = partial
        return sound

    def _settle_group(self, window_ms: int, shape: str, group: Mapping[str, Partial]) -> list[SettledDocument]:
        key = next(iter(group.values())).state["key"]
        used = [partial for partial in group.values() if self._is_chosen(partial)]
        merged, plan_id = self._merge(window_ms, shape, used)
        batches = {partial.batch_id for partial in group.values()} & self.mixed.keys()
        tally = {
            "output": self.name,
            "window_start": to_iso(window_ms),
            "group_id": self._group_id(window_ms, group),
            "key": key,
            "plan_id": plan_id,
            "partials": len(group),
            "out_of_range": sum(partial.out_of_range for partial in used),
            "final": self.is_final(window_ms),
        }
        # Every partial of a mixed batch takes part in the choice of its plan, so the version counts each of them.
        more = sum(self.mixed[batch].partials for batch in batches)
        is_sliding = len(merged) > 1 and self._plan_of(shape, used).output.sliding is not None
        return to_settled(window_ms, shape, tally, merged, more, is_sliding)

    def _is_chosen(self, partial: Partial) -> bool:
        batch = self.mixed.get(partial.batch_id)
        return batch is None or batch.plan_id == partial.plan_id

    def _plan_of(self, shape: str, used: Iterable[Partial]) -> PlanOutputs:
        if self.current.shape == shape:
            return self.current
        return max((self.plans(partial.plan_id) for partial in used), key=lambda plan: plan.plan_id)

    def _merge(self, window_ms: int, shape: str, used: list[Partial]) -> tuple[list[Finished], str]:
        if not used:  # all are of a plan that was not chosen; the document stays, since a deleted id could be recreated
            return [([], {}, False)], self.current.plan_id
        plan = self._plan_of(shape, used)
        state = plan.output.merge_states(partial.state for partial in used)
        return plan.output.finish_all(window_ms, state), plan.plan_id
