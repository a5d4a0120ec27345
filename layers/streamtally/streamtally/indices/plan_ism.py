"""Plans the ISM policy of an output whose retention is left to the plugin, and which indices follow it.

A managed index keeps the version of its policy until it is told to change (``change_policy``), and adding a policy to
an index that has one changes nothing. So each index is compared with the policy's version.
Source: OpenSearch documentation, "ISM API" and "Managed indexes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamtally.errors import IndexPlanError
from streamtally.indices import ism
from streamtally.indices.actions import Action, Note
from streamtally.indices.observed import ManagedIndex, Observed, own_indices
from streamtally.indices.spec import IndexSpec
from streamtally.indices.wanted import Wanted

INDICES_A_REQUEST = 30
"""Names in one request: its first line may have 4,096 bytes, and an index name up to 255."""


def plan_ism(spec: IndexSpec, observed: Observed, now_ms: int, wanted: Wanted) -> Iterator[Action | Note]:
    """The policy, the indices that do not follow it yet, and those that it no longer rules."""
    if spec.retention.managed_by != "ism":
        yield from _plan_removal(spec, observed)
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
    policy_id = ism.policy_id(spec)
    have = observed.ism_policies.get(policy_id)
    changes = have is None or not _is_part(body["policy"], have)
    if changes:
        yield Action("put_ism_policy", policy_id, "it does not exist, or differs", spec.index, body)
    yield from _plan_managed(spec, observed, changes)


def _plan_managed(spec: IndexSpec, observed: Observed, changes: bool) -> Iterator[Action | Note]:
    """What brings each index under the policy as it is wanted."""
    policy_id = ism.policy_id(spec)
    version = observed.ism_versions.get(policy_id)
    managed = _own_managed(spec, observed)
    free = [name for name, index in managed.items() if not index.policy_id]
    behind = [
        name
        for name, index in managed.items()
        if index.policy_id == policy_id
        and index.policy_seq_no is not None
        and (changes or index.policy_seq_no != version)
    ]
    for names in _parts(free):
        yield Action("attach_ism_policy", names, "no policy manages them", spec.index, policy_id)
    for names in _parts(behind):
        body = {"policy_id": policy_id, "state": ism.WRITTEN}
        yield Action("change_ism_policy", names, "they follow an earlier version of the policy", spec.index, body)
    for name, index in managed.items():
        if index.policy_id not in ("", policy_id):
            text = f"ISM manages it by the policy {index.policy_id}, so {policy_id} does not apply"
            fix = f"detach that one (POST _plugins/_ism/remove/{name})"
            yield Note("conflict", name, f"{text}: {fix}")
        elif index.failure:
            fix = f"remove the cause, then POST _plugins/_ism/retry/{name}"
            yield Note("stuck", name, f"ISM does not get on: {index.failure}: {fix}")


def _plan_removal(spec: IndexSpec, observed: Observed) -> Iterator[Action]:
    """Retention is the function's again: a policy left behind would go on deleting by its old limits."""
    policy_id = ism.policy_id(spec)
    ours = [name for name, index in _own_managed(spec, observed).items() if index.policy_id == policy_id]
    for names in _parts(ours):
        yield Action("detach_ism_policy", names, "retention is no longer left to ISM", spec.index)
    if ours:
        yield Action("delete_ism_policy", policy_id, "retention is no longer left to ISM", spec.index)


def _own_managed(spec: IndexSpec, observed: Observed) -> dict[str, ManagedIndex]:
    """The output's own indices that the plugin was asked about, by name."""
    names = sorted(index.name for index, name in own_indices(spec, observed) if name.kind == "output")
    return {name: observed.ism_managed[name] for name in names if name in observed.ism_managed}


def _parts(names: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(names), INDICES_A_REQUEST):
        yield ",".join(names[start : start + INDICES_A_REQUEST])


def _is_part(wanted: Any, have: Any) -> bool:
    """Whether the plugin's answer contains everything wanted; it adds default fields."""
    if isinstance(wanted, Mapping):
        return isinstance(have, Mapping) and all(
            key in have and _is_part(value, have[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(have, list) and len(wanted) == len(have) and all(map(_is_part, wanted, have))
    return bool(wanted == have)
