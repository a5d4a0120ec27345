"""Plans what is deleted, force-merged, or left to ISM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streamtally.errors import IndexPlanError
from streamtally.indices import ism, load_entries, retention
from streamtally.indices.actions import Action, Note
from streamtally.indices.observed import Observed
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState
from streamtally.indices.wanted import Wanted


def plan_retention(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """What retention deletes, and what is force-merged."""
    if not wanted.closing:
        return
    state = observed.state_of(spec.index).state
    expired = retention.find_expired(spec, observed, now_ms)
    late = retention.find_expired_late(spec, observed, now_ms)
    for entry in [*expired, *late]:
        if entry.name.kind == "output" and not retention.may_delete(state, entry, now_ms):
            yield Note(
                "waits", entry.index.name, f"{entry.reason}: deleted when its time has been closed for 15 minutes"
            )
        elif missing := _missing_snapshot(spec, observed, entry.index.name):
            yield Note("stuck", entry.index.name, f"{entry.reason}, but {missing}")
        else:
            yield Action("delete_index", entry.index.name, entry.reason, spec.index)
    gone = {entry.index.name for entry in expired}
    yield from _plan_force_merge(spec, state, observed, now_ms, gone)


def _missing_snapshot(spec: IndexSpec, observed: Observed, index: str) -> str | None:
    repository = spec.retention.require_snapshot
    if not repository or index in observed.snapshots.get(repository, ()):
        return None
    return f"no successful snapshot in {repository} contains it"


def _plan_force_merge(
    spec: IndexSpec, state: OutputState, observed: Observed, now_ms: int, gone: set[str]
) -> Iterator[Action]:
    """Closed indices get one segment a shard and become read-only: documents of their time can no longer arrive."""
    if not spec.retention.force_merge or now_ms < state.closed_at_ms + load_entries.SETTLE_DOWN_MS:
        return
    for entry in retention.dated_indices(spec, observed.indices):
        if entry.is_held(state, now_ms):
            continue
        if entry.end_ms <= state.closed_before_ms and entry.index.name not in gone and not entry.index.is_write_blocked:
            yield Action("force_merge", entry.index.name, "its time is closed", spec.index)


def plan_ism(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """The ISM policy of an output whose retention is left to the plugin."""
    if spec.retention.managed_by != "ism":
        return
    if observed.ism_policies is None:
        yield Note(
            "stuck",
            spec.index,
            "retention is left to ISM, but the cluster does not have the plugin: nothing is deleted",
        )
        return
    try:
        body = ism.to_ism_policy(spec)
    except IndexPlanError as error:
        yield Note("stuck", spec.index, str(error))
        return
    have = observed.ism_policies.get(ism.policy_id(spec))
    if have is None or not _is_part(body["policy"], have):
        yield Action("put_ism_policy", ism.policy_id(spec), "it does not exist, or differs", spec.index, body)
        yield Action(
            "attach_ism_policy",
            f"{spec.index}-2*",
            "existing indices get the policy",
            spec.index,
            ism.policy_id(spec),
        )


def _is_part(wanted: Any, have: Any) -> bool:
    """Whether the plugin's answer contains everything wanted; it adds default fields."""
    if isinstance(wanted, Mapping):
        return isinstance(have, Mapping) and all(
            key in have and _is_part(value, have[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(have, list) and len(wanted) == len(have) and all(map(_is_part, wanted, have))
    return bool(wanted == have)
