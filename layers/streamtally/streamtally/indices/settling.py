"""Partials → settled documents: each partial once, one plan a batch, merged exactly, one document a window and key.

Everything here is a function of the partials read; killed anywhere and run again it comes to the same documents. The
versions see to it that an older or slower run cannot overwrite a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from streamtally.errors import EvaluationError, PlanError
from streamtally.ids import digest
from streamtally.indices.names import MS_PER_DAY
from streamtally.plan.aggregates.basic import Count, Sum
from streamtally.plan.windowed import WindowedOutput
from streamtally.times.iso import from_iso, to_iso

CHECKPOINT_MARGIN_MS = 10 * 60_000
"""Partials are stamped before they can be searched, on nodes whose clocks differ."""

UNKNOWN_PLAN_MS = MS_PER_DAY
"""How long a window waits for the plan of a partial: a deployment that is under way brings it within minutes."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What settling reads of a partial document. ``state`` is ``tally.state``."""

    partial_id: str
    batch_id: str
    plan_id: str
    window_ms: int
    state: Mapping[str, Any]
    out_of_range: int = 0
    ingested_ms: int | None = None
    problem: str = ""


def read_partial(window_ms: int, partial_id: str | None, source: Mapping[str, Any]) -> Partial:
    """A partial from its document; what cannot be one has a ``problem``, and settling sets it aside.

    Args: partial_id: as the index has it; source: the document's ``_source``.
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


@dataclass(frozen=True, slots=True)
class Aside:
    """A partial that is in no settled document: its window, its id ("" if it has none), and why."""

    window_ms: int
    partial_id: str
    reason: str


@dataclass
class Settler:
    """Settles groups of one output.

    Args:
        name: the plan's output.
        plans: gives the output under each plan.
        current: the plan in force, which finishes whatever has its shape.
        mixed: batches of more than one plan.
        is_final: window start in ms → whether its grace has passed.
        now_ms: the run's start.

    Attributes:
        held: unknown plan → its partials of the last day. The plan may come (a deployment is under way), so their
            windows wait for it.
        aside: partials that nothing can be made of; the others of their windows are settled without them.
    """

    name: str
    plans: Plans
    current: PlanOutputs
    mixed: Mapping[str, MixedBatch]
    is_final: Callable[[int], bool]
    now_ms: int = 0
    held: dict[str, int] = field(default_factory=dict)
    aside: list[Aside] = field(default_factory=list)

    def settle(self, window_ms: int, partials: Iterable[Partial], group_id: str | None = None) -> list[Settled]:
        """The documents of one window's partials, of any number of keys; usually one a key.

        Partials of plans that cannot be merged (another window, key or aggregate) make a document each.

        Args: group_id: what the partials say; those of another key are set aside, for the rest of that key's partials
            is elsewhere. None: they say nothing.
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
        self.aside.append(Aside(partial.window_ms, partial.partial_id, " ".join(reason.split())[:200]))

    def _settle_sound(self, window_ms: int, shape: str, group: dict[str, Partial]) -> list[Settled]:
        """A group's documents. States of the wrong kind are hostile input: those that spoil it are set aside."""
        try:
            output = self._plan_of(shape, group.values()).output
            if all(_is_plain(output, partial.state) for partial in group.values()):
                return self._settle_group(window_ms, shape, group)
        except _SPOILED:
            pass
        sound = self._without_spoiled(window_ms, shape, group)
        try:
            return self._settle_group(window_ms, shape, sound) if sound else []
        except _SPOILED as error:
            for partial in sound.values():
                self._set_aside(partial, f"state cannot be merged: {error!r}")
            return []

    def _without_spoiled(self, window_ms: int, shape: str, group: Mapping[str, Partial]) -> dict[str, Partial]:
        """Those that can be merged with themselves and with those before them, and finished."""
        sound: dict[str, Partial] = {}
        merged: dict[str, Any] | None = None
        for partial_id, partial in group.items():
            output = self._plan_of(shape, [partial]).output
            try:
                if not _is_plain(output, partial.state):
                    raise ValueError("numbers of the wrong kind")
                output.finish_all(window_ms, output.merge_states([partial.state, partial.state]))
                both = output.merge_states([partial.state] if merged is None else [merged, partial.state])
                output.finish_all(window_ms, both)
            except _SPOILED as error:
                self._set_aside(partial, f"state cannot be merged: {error!r}")
                continue
            sound[partial_id], merged = partial, both
        return sound

    def _settle_group(self, window_ms: int, shape: str, group: Mapping[str, Partial]) -> list[Settled]:
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
        # Every partial of a batch of two plans takes part in the choice, so each counts: the version grows with it.
        return to_settled(window_ms, shape, tally, merged, sum(self.mixed[batch].partials for batch in batches))

    def _is_chosen(self, partial: Partial) -> bool:
        batch = self.mixed.get(partial.batch_id)
        return batch is None or batch.plan_id == partial.plan_id

    def _plan_of(self, shape: str, used: Iterable[Partial]) -> PlanOutputs:
        if self.current.shape == shape:
            return self.current
        return max((self.plans(partial.plan_id) for partial in used), key=lambda plan: plan.plan_id)

    def _merge(self, window_ms: int, shape: str, used: list[Partial]) -> tuple[list[Finished], str]:
        if not used:  # all belong to a plan that was not chosen: kept, since a deleted id could be made anew
            return [([], {}, False)], self.current.plan_id
        plan = self._plan_of(shape, used)
        state = plan.output.merge_states(partial.state for partial in used)
        return plan.output.finish_all(window_ms, state), plan.plan_id


Finished = tuple[list[Any], dict[str, Any], bool]
"""What `WindowedOutput.finish_all` gives of a document: (what to add to the key, columns, visible)."""


def to_settled(
    window_ms: int, shape: str, tally: dict[str, Any], merged: Iterable[Finished], more_versions: int = 0
) -> list[Settled]:
    """The documents of a window and key, whoever merged its partials.

    Args:
        tally: of the group: output, window_start, group_id, key, plan_id, partials, out_of_range, final.
        merged: of ``finish_all``.
        more_versions: partials elsewhere that the version counts too.
    """
    version = 2 * (tally["partials"] + more_versions) + tally["final"]
    documents = []
    for place, (more, columns, visible) in enumerate(merged):
        # An output that expands its items has a document each: the first counts the partials, for the audit's sum.
        partials = 0 if place else tally["partials"]
        whole = {**tally, "key": [*tally["key"], *more], "partials": partials, "visible": visible}
        source = {**columns, "tally": whole}
        documents.append(Settled(digest([tally["group_id"], shape, *more]), window_ms, version, source))
    return documents


# What merging raises for states of the wrong kind; a failure of the cluster is none of these.
_SPOILED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, EvaluationError, PlanError)


def _is_plain(output: WindowedOutput, state: Mapping[str, Any]) -> bool:
    """Whether a state has a number of rows, and numbers where COUNT and SUM have them (lists would merge, too)."""
    rows, aggregates = state.get("rows"), state.get("aggregates")
    if type(rows) is not int or rows < 0 or not isinstance(aggregates, list):
        return False
    for slot, value in zip(output.slots, aggregates, strict=True):
        kind = type(slot.aggregate)
        if kind in (Count, Sum) and type(value) not in (int, str) and (value is not None or kind is Count):
            return False
    return True
