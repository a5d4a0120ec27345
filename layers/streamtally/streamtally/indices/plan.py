"""Observe → plan → apply: the plan, a pure function of the pipeline, the observed cluster and the time.

After it was applied, the next plan is empty (except for what must wait 15 minutes between two steps).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from streamtally.indices import ingest, retention, rotation
from streamtally.indices.actions import Action, IndexPlan, Note
from streamtally.indices.observed import Observed
from streamtally.indices.plan_indices import plan_indices, plan_rollover
from streamtally.indices.plan_ism import plan_ism
from streamtally.indices.plan_repair import plan_repair
from streamtally.indices.plan_retention import plan_retention, plan_unmarked
from streamtally.indices.plan_shared import notes_on_copies, plan_shared
from streamtally.indices.plan_templates import plan_templates
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.indices.wanted import Wanted
from streamtally.times.iso import to_iso


def plan_manage(specs: Sequence[IndexSpec], observed: Observed, now_ms: int, wanted: Wanted | None = None) -> IndexPlan:
    """Everything to do so that the cluster is as the pipeline requires.

    Args:
        specs: from `read_specs`.
        observed: the cluster at one point in time.
        now_ms: the time of the observation.
    """
    wanted = wanted or Wanted()
    states = {spec.index: _next_state(spec, observed, now_ms, wanted.closing) for spec in specs}
    actions = [
        *_plan_state(specs, observed, states, now_ms, wanted.closing),
        *plan_shared(specs, observed, states, wanted),
    ]
    notes: list[Note] = [*notes_on_copies(observed)]
    for spec in specs:
        for step in (plan_templates, plan_indices, plan_rollover, plan_retention, plan_ism):
            for item in step(spec, observed, now_ms, wanted):
                (notes if isinstance(item, Note) else actions).append(item)  # type: ignore[arg-type]
    for item in plan_repair(specs, observed, now_ms):
        (notes if isinstance(item, Note) else actions).append(item)  # type: ignore[arg-type]
    return IndexPlan(tuple(actions), tuple(notes))


def _next_state(spec: IndexSpec, observed: Observed, now_ms: int, closing: bool) -> OutputState:
    """The state with its rotation and its marks advanced; a mark that moves starts waiting from the beginning."""
    old = observed.state_of(spec.index).state
    new = rotation.with_rotation(spec, old, now_ms)
    if not closing:
        return new
    mark = retention.drop_mark(spec, old, retention.find_expired(spec, observed, now_ms), now_ms)
    if mark > old.dropped_before_ms:
        new = replace(new, dropped_before_ms=mark, dropped_at_ms=now_ms)
    mark = rotation.closing_mark(spec, new, now_ms)
    in_force = ingest.read_closed_before(observed.pipelines.get(spec.inbox), spec.index)
    if mark > old.closed_before_ms or (in_force is not None and in_force < old.closed_before_ms):
        new = replace(new, closed_before_ms=mark, closed_at_ms=now_ms)
    return new


def _plan_state(
    specs: Sequence[IndexSpec], observed: Observed, states: Mapping[str, OutputState], now_ms: int, closing: bool
) -> Iterator[Action]:
    for spec in specs:
        stored, new = observed.state_of(spec.index), states[spec.index]
        if new != stored.state or stored.seq_no is None:
            without = tuple(plan_unmarked(spec, observed, now_ms)) if closing else ()
            reason = _state_reason(stored.state, new)
            yield Action("put_state", spec.index, reason, spec.index, (new, stored), if_blocked=without)


def _state_reason(old: OutputState, new: OutputState) -> str:
    changes = []
    if new.rotations != old.rotations:
        changes.append(f"rotation by {new.rotations[-1].rotation} from {to_iso(new.rotations[-1].from_ms)} on")
    if new.dropped_before_ms != old.dropped_before_ms:
        changes.append(f"indices before {to_iso(new.dropped_before_ms)} may be deleted")
    if new.closed_before_ms != old.closed_before_ms:
        changes.append(f"closed before {to_iso(new.closed_before_ms)}")
    return "; ".join(changes) or "the pipeline in force was behind: the marks wait from the beginning"
