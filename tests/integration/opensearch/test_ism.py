"""Retention that is left to ISM: policies and indices on the server, the plugin's answers as documented."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streamtally.aws.opensearch.apply_plan import describe_failures
from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.manager import Manager, make_manager
from tests.integration.opensearch.data import STREAM, forever, make_pipeline, ms, row_plan
from tests.integration.opensearch.ism_plugin import IN_TRANSITION, IsmPlugin, Managed, WithIsm

NOW = ms("2026-03-10T12:00")
POLICY = "streamtally-request_data"
DAYS = [f"request_data-2026-03-{day:02}" for day in (8, 9, 10)]


@pytest.fixture
def plugin() -> IsmPlugin:
    return IsmPlugin()


def _manager(cluster: Cluster, plugin: IsmPlugin, days: int, by: str = "ism", **more: Any) -> Manager:
    plan = more.pop("plan", None)
    settings = {"retention": {"max_age_days": days}, "options": {"managed_by": by, **more.pop("options", {})}, **more}
    pipeline = make_pipeline(plan, **settings) if plan else make_pipeline(**settings)
    return make_manager(cast(Cluster, WithIsm(cluster, plugin)), pipeline, {"SUMMARY_STREAM": STREAM})


def _deployed(cluster: Cluster, plugin: IsmPlugin, days: int = 90) -> Manager:
    """A deployment whose indices were there before the policy."""
    manager = _manager(cluster, plugin, days)
    for name in DAYS:
        cluster.request("PUT", f"/{name}", {})
    managed = manager.manage(NOW, forever)
    assert not managed.failed, describe_failures(managed.results)
    plugin.work()
    assert manager.plan(NOW)[0].actions == ()
    return manager


def test_existing_indices_get_the_policy_once(cluster: Cluster, plugin: IsmPlugin) -> None:
    _deployed(cluster, plugin)
    assert sorted(plugin.managed) == DAYS
    assert plugin.calls.count("POST add") == 1


def test_a_changed_policy_reaches_managed_indices(cluster: Cluster, plugin: IsmPlugin) -> None:
    """90 days become 30: after ISM's next run every index follows the new version, from its first state."""
    _deployed(cluster, plugin)
    plugin.managed[DAYS[0]].state = "deleted"
    shorter = _manager(cluster, plugin, 30)
    managed = shorter.manage(NOW, forever)
    assert not managed.failed, describe_failures(managed.results)
    assert plugin.calls.count("POST change_policy") == 1, "asked again before ISM could act"
    plugin.work()
    assert {(index.seq_no, index.state) for index in plugin.managed.values()} == {(2, "written")}
    assert "720h" in str(plugin.policies[POLICY])
    assert shorter.plan(NOW)[0].actions == ()


def test_an_index_in_transition_is_a_failure_and_changed_by_a_later_run(cluster: Cluster, plugin: IsmPlugin) -> None:
    """The plugin answers 200 with failures: the run says which index and why."""
    _deployed(cluster, plugin)
    plugin.managed[DAYS[1]].is_in_transition = True
    shorter = _manager(cluster, plugin, 30)
    failed = shorter.manage(NOW, forever)
    assert f"1 indices refused: {DAYS[1]}: {IN_TRANSITION}" in describe_failures(failed.results)
    plugin.work()
    plugin.managed[DAYS[1]].is_in_transition = False
    assert not shorter.manage(NOW, forever).failed
    plugin.work()
    assert {index.seq_no for index in plugin.managed.values()} == {2}


def test_a_policy_that_was_deleted_or_removed_comes_back(cluster: Cluster, plugin: IsmPlugin) -> None:
    manager = _deployed(cluster, plugin)
    del plugin.policies[POLICY], plugin.managed[DAYS[2]]
    assert not manager.manage(NOW, forever).failed
    plugin.work()
    assert {index.seq_no for index in plugin.managed.values()} == {plugin.policies[POLICY][0]}
    assert sorted(plugin.managed) == DAYS


def test_back_to_the_function(cluster: Cluster, plugin: IsmPlugin) -> None:
    """No index follows the policy any more, and no new one would."""
    _deployed(cluster, plugin)
    back = _manager(cluster, plugin, 365, by="function")
    assert not back.manage(NOW, forever).failed
    assert plugin.managed == {}
    assert plugin.policies == {}
    assert back.plan(NOW)[0].actions == ()


def test_rollover_indices_are_attached(cluster: Cluster, plugin: IsmPlugin) -> None:
    options = {"rollover": {"max_docs": 1}}
    manager = _manager(cluster, plugin, 30, plan=row_plan(), rotation="rollover", options=options)
    assert not manager.manage(NOW, forever).failed
    assert [index.policy for index in plugin.managed.values()] == [POLICY]
    assert list(plugin.managed) == ["request_data-000001"]


def test_somebody_elses_policy_and_a_failed_action_are_reported(cluster: Cluster, plugin: IsmPlugin) -> None:
    manager = _deployed(cluster, plugin)
    plugin.managed[DAYS[0]] = Managed("hot-warm", 1)
    plugin.managed[DAYS[1]].message = "Failed to create snapshot: repository_missing_exception"
    plan, _ = manager.plan(NOW)
    assert [(note.kind, note.target) for note in plan.notes] == [("conflict", DAYS[0]), ("stuck", DAYS[1])]
    assert "hot-warm" in plan.notes[0].text
    assert "repository_missing_exception" in plan.notes[1].text
