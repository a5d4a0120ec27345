"""Which indices get, change or lose their ISM policy, by what the plugin says about each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamtally.indices.ism import policy_id, to_ism_policy
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.observed import ManagedIndex, Observed, ObservedIndex
from streamtally.indices.plan_ism import plan_ism
from streamtally.indices.spec import IndexSpec, PlanOutput, Retention
from streamtally.indices.wanted import Wanted

NOW = 1_800_000_000_000
SPEC = IndexSpec("OUT", "rows", "stream", (PlanOutput("OUT", "row"),), (), retention=Retention(30, managed_by="ism"))
POLICY = policy_id(SPEC)
DAY, OTHER, ROLLED = "rows-2026-01-01", "rows-2026-01-02", "rows-000001"


def plan(managed: dict[str, ManagedIndex], spec: IndexSpec = SPEC, version: int = 7, **more: Any) -> list[Any]:
    """The kinds and targets of what is planned, and the kinds and texts of what is noted."""
    policies = {POLICY: {**to_ism_policy(SPEC)["policy"], "schema_version": 1}}
    known = {"ism_policies": policies, "ism_versions": {POLICY: version}, **more}
    observed = Observed(indices={name: ObservedIndex(name) for name in managed}, ism_managed=managed, **known)
    items = plan_ism(spec, observed, NOW, Wanted())
    return [(item.kind, getattr(item, "body", None) or item.target) for item in items]


def test_indices_of_the_latest_version_are_left_alone() -> None:
    """Also one whose job has not run yet: it reads the latest version when it does."""
    assert plan({DAY: ManagedIndex(POLICY, 7), OTHER: ManagedIndex(POLICY, None)}) == []


def test_an_earlier_version_is_changed_from_the_first_state() -> None:
    assert plan({DAY: ManagedIndex(POLICY, 6), OTHER: ManagedIndex(POLICY, 7)}) == [
        ("change_ism_policy", {"policy_id": POLICY, "state": "written"})
    ]


def test_a_changed_policy_reaches_every_managed_index() -> None:
    """It is written first; indices of the version that was the latest until now follow."""
    shorter = replace(SPEC, retention=Retention(10, managed_by="ism"))
    kinds = [kind for kind, _ in plan({DAY: ManagedIndex(POLICY, 7), ROLLED: ManagedIndex()}, shorter)]
    assert kinds == ["put_ism_policy", "attach_ism_policy", "change_ism_policy"]


def test_rollover_indices_are_attached() -> None:
    assert plan({ROLLED: ManagedIndex(), "rows-000002": ManagedIndex()}) == [("attach_ism_policy", POLICY)]


def test_a_policy_of_somebody_else_is_a_conflict() -> None:
    """It is not taken over, and the note says how to."""
    assert plan({DAY: ManagedIndex("hot-warm", 3)}) == [("conflict", DAY)]


def test_an_action_that_failed_is_stuck() -> None:
    assert plan({DAY: ManagedIndex(POLICY, 7, "Failed to create snapshot")}) == [("stuck", DAY)]


def test_retention_by_the_function_again_detaches_ours_alone() -> None:
    """A policy left behind would delete by its old limits."""
    own = replace(SPEC, retention=Retention(max_age_days=90))
    managed = {DAY: ManagedIndex(POLICY, 7), OTHER: ManagedIndex("hot-warm", 1)}
    assert plan(managed, own, ism_policies=None) == [("detach_ism_policy", DAY), ("delete_ism_policy", POLICY)]
    assert plan({OTHER: ManagedIndex("hot-warm", 1)}, own, ism_policies=None) == []


@pytest.mark.parametrize("count", [1, 30, 31, 400])
def test_many_indices_are_named_in_several_requests(count: int) -> None:
    names = [f"rows-{number:06}" for number in range(1, count + 1)]
    observed = Observed(
        indices={name: ObservedIndex(name, created_ms=NOW - MS_PER_DAY) for name in names},
        ism_managed={name: ManagedIndex() for name in names},
        ism_policies={POLICY: to_ism_policy(SPEC)["policy"]},
    )
    targets = [item.target for item in plan_ism(SPEC, observed, NOW, Wanted())]
    assert ",".join(targets).split(",") == names
    assert max(len(target) for target in targets) < 3_000
