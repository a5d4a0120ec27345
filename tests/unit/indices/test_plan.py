"""The plan as a table: what a cluster has, and what follows; settings read; the rules of settling."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from streamtally.errors import IndexPlanError, SettingsError
from streamtally.indices.actions import IndexPlan
from streamtally.indices.index_templates import (
    component_name,
    to_alias,
    to_component_templates,
    to_field,
    to_index_templates,
    to_mapping,
)
from streamtally.indices.ingest import read_closed_before, to_pipeline
from streamtally.indices.ism import policy_id, to_ism_policy
from streamtally.indices.mappings import compare
from streamtally.indices.names import MS_PER_DAY
from streamtally.indices.observed import ManagedIndex, Observed, ObservedIndex, StoredInbox, StoredState
from streamtally.indices.plan import plan_manage
from streamtally.indices.roles import FIREHOSE_ROLE, to_firehose_role, to_role_mappings, to_roles
from streamtally.indices.settling.plan_choice import PlanShare, choose_plan
from streamtally.indices.spec import IndexColumn, IndexSpec, PlanOutput, Retention, read_specs
from streamtally.indices.state import Cursor, OutputState, Progress, RotationFrom, read_state
from streamtally.indices.wanted import Wanted
from tests.unit.indices.test_names import ms

NOW = ms("2026-03-10T12:00")
COLUMNS = (
    IndexColumn("datetime", "VARCHAR(23)", "date"),
    IndexColumn("status", "INTEGER"),
    IndexColumn("path", "VARCHAR(64)"),
)
SPEC = IndexSpec("OUT", "request_data", "Stream", (PlanOutput("OUT", "windowed", 60_000),), COLUMNS)
DAY = "request_data-2026-03-10"
VIEW = {"request_data": to_alias()}


def done(spec: IndexSpec = SPEC, **changes: Any) -> Observed:
    """A cluster in which everything of a spec is as it should be."""
    state = OutputState((RotationFrom(0, "day"),), closed_before_ms=ms("2026-02-28T00:00"), closed_at_ms=1)
    from streamtally.indices.index_templates import to_unknown_template

    return replace(
        Observed(
            pipelines={spec.inbox: to_pipeline([spec], {spec.index: state})},
            component_templates=to_component_templates(spec),
            index_templates={**to_index_templates(spec), **to_unknown_template()},
            states={spec.index: StoredState(state, 1, 1)},
        ),
        **changes,
    )


def kinds(plan: IndexPlan) -> list[tuple[str, str]]:
    return [(action.kind, action.target) for action in plan.actions]


# Nothing is there: the state first, since the pipeline follows from it; then the pipeline, before any template uses it.
def test_order_on_an_empty_cluster() -> None:
    planned = [kind for kind, _ in kinds(plan_manage([SPEC], Observed(), NOW))]

    assert planned[:2] == ["put_state", "put_pipeline"]
    assert planned.index("put_component_template") < planned.index(
        "put_index_template", planned.index("put_component_template")
    )
    assert plan_manage([SPEC], done(), NOW).actions == ()


# One thing is different: exactly what follows from it is planned.
@pytest.mark.parametrize(
    ("observed", "planned"),
    [
        (done(pipelines={}), [("put_pipeline", "inbox-stream")]),
        (done(component_templates={}), [("put_component_template", component_name(SPEC))]),
        (
            done(
                indices={"inbox-stream": ObservedIndex("inbox-stream", settings={"default_pipeline": "inbox-stream"})}
            ),
            [("put_state", "inbox-stream")],
        ),
        (
            done(
                indices={"inbox-stream": ObservedIndex("inbox-stream", settings={"default_pipeline": "inbox-stream"})},
                inboxes={"inbox-stream": StoredInbox(NOW - 3_600_000)},
            ),
            [("delete_index", "inbox-stream")],
        ),
        (
            done(
                indices={"inbox-stream": ObservedIndex("inbox-stream", docs=3)},
                unstamped={"inbox-stream": 3},
            ),
            [("put_settings", "inbox-stream"), ("repair", "inbox-stream")],
        ),
        (
            done(
                indices={
                    DAY: ObservedIndex(
                        DAY,
                        mapping=to_component_templates(SPEC)[component_name(SPEC)]["template"]["mappings"],
                        settings={"default_pipeline": "inbox-stream"},
                    )
                }
            ),
            [("update_aliases", "request_data")],
        ),
    ],
)
def test_one_thing_at_a_time(observed: Observed, planned: list[tuple[str, str]]) -> None:
    assert kinds(plan_manage([SPEC], observed, NOW)) == planned


# The plan's document is kept once, and roles only where the security plugin answers and role ARNs are given.
def test_what_the_environment_asks() -> None:
    roles = to_roles([SPEC])
    mappings = to_role_mappings(["arn:aws:iam::123456789012:role/firehose"], [])
    wanted = Wanted("p1", {"plan": 1}, roles=roles, role_mappings=mappings)

    without = plan_manage([SPEC], done(), NOW, wanted)
    with_plugin = plan_manage([SPEC], done(roles={}, role_mappings={}), NOW, wanted)
    have = {name: {**body, "reserved": False, "tenant_permissions": []} for name, body in roles.items()}
    settled = plan_manage([SPEC], done(roles=have, role_mappings=mappings, plans=frozenset(["p1"])), NOW, wanted)

    assert kinds(without) == [("put_plan", "p1")]
    assert ("put_role_mapping", FIREHOSE_ROLE) in kinds(with_plugin)
    assert settled.actions == ()


# Firehose's role has nothing on the inbox, and on the output's own indices only where rows go there.
def test_firehose_role() -> None:
    rows = replace(SPEC, outputs=(PlanOutput("OUT", "row"),))

    windows_only = to_firehose_role([SPEC])["index_permissions"][0]["index_patterns"]
    with_rows = to_firehose_role([rows])["index_permissions"][0]["index_patterns"]

    assert not any("inbox" in pattern for pattern in windows_only + with_rows)
    assert "request_data-*" not in windows_only
    assert "request_data-*" in with_rows


# The ISM policy's form, as its API takes it; written and attached where the plugin answers, else said to be stuck.
def test_ism_policy() -> None:
    spec = replace(SPEC, retention=Retention(max_age_days=30, managed_by="ism", require_snapshot="backup"))
    policy = to_ism_policy(spec)["policy"]
    answered = {**policy, "policy_id": policy_id(spec), "schema_version": 19, "error_notification": None}

    day = "request_data-2026-01-01"
    unmanaged = {"indices": {day: ObservedIndex(day)}, "ism_managed": {day: ManagedIndex()}}
    managed = {**unmanaged, "ism_managed": {day: ManagedIndex(policy_id(spec), 7)}}
    known = {"ism_policies": {policy_id(spec): answered}, "ism_versions": {policy_id(spec): 7}}

    fresh = plan_manage([spec], done(spec, ism_policies={}, **unmanaged), NOW)
    planned = [kind for kind in kinds(fresh) if "ism" in kind[0]]
    settled = kinds(plan_manage([spec], done(spec, **known, **managed), NOW))
    without = plan_manage(
        [spec], done(spec, indices={"request_data-2020-01-01": ObservedIndex("request_data-2020-01-01")}), NOW
    )

    assert policy["default_state"] in [state["name"] for state in policy["states"]]
    assert policy["states"][0]["transitions"] == [{"state_name": "deleted", "conditions": {"min_index_age": "720h"}}]
    assert policy["states"][1]["actions"] == [
        {"snapshot": {"repository": "backup", "snapshot": "request_data"}},
        {"delete": {}},
    ]
    assert policy["ism_template"][0]["index_patterns"] == ["request_data-2*", "request_data-0*"]
    assert planned == [("put_ism_policy", policy_id(spec)), ("attach_ism_policy", day)]
    assert not [action for action in settled if "ism" in action[0]]
    assert ("delete_index", "request_data-2020-01-01") not in kinds(without)
    assert [note.kind for note in without.notes] == ["stuck"]
    with pytest.raises(IndexPlanError, match="max_age"):
        to_ism_policy(replace(spec, retention=Retention(managed_by="ism")))


# What a mapping update can change is planned; what it cannot change is reported.
def test_compare_mappings() -> None:
    wanted = {
        "same": {"type": "long"},
        "new": {"type": "keyword", "ignore_above": 9},
        "wider": {"type": "keyword", "ignore_above": 9},
        "other": {"type": "long"},
        "format": {"type": "date", "format": "a"},
        "tally": {"dynamic": "false", "properties": {"partials": {"type": "integer"}, "final": {"type": "boolean"}}},
    }
    have = {
        "same": {"type": "long"},
        "wider": {"type": "keyword", "ignore_above": 5},
        "other": {"type": "text"},
        "format": {"type": "date", "format": "b"},
        "tally": {"properties": {"final": {"type": "boolean"}}},
    }

    added, fixed = compare(wanted, have)

    assert added == {
        "new": {"type": "keyword", "ignore_above": 9},
        "wider": {"type": "keyword", "ignore_above": 9},
        "tally": {"properties": {"partials": {"type": "integer"}}},
    }
    assert fixed == {"other": ("text", "long"), "format": ("date", "date")}


# Partials alone carry what the cluster merges them by; an index of an earlier release gets its mapping by an update.
def test_partials_of_an_earlier_release() -> None:
    before = {"properties": {**to_mapping(SPEC)["properties"]}}
    names = ("partials-request_data-2026-03-10", DAY, "late-request_data-2026-03")
    observed = done(
        indices={name: ObservedIndex(name, before, {"default_pipeline": SPEC.inbox}, VIEW) for name in names}
    )

    plan = plan_manage([SPEC], observed, NOW)

    assert kinds(plan) == [("put_mapping", names[0])]
    merge = plan.actions[0].body["properties"]["tally"]["properties"]["merge"]
    assert merge["properties"]["key"] == {"type": "keyword", "ignore_above": 8191}
    kinds_of = {name: field["type"] for name, field in merge["properties"].items() if name != "key"}
    longs = ["values", *(f"v{number}" for number in range(16))]
    assert kinds_of == {"placed": "boolean", **dict.fromkeys(longs, "long")}
    updated = {**before, "properties": to_mapping(SPEC, partials=True)["properties"]}
    assert plan_manage([SPEC], done(indices={names[0]: ObservedIndex(names[0], updated)}), NOW).actions == ()


# Shards and replicas are the partials' own; without a number of replicas a second node, if there is one, has a copy.
def test_shards_of_partials() -> None:
    spread = replace(SPEC, partials_shards=6, partials_replicas=2)
    name = "streamtally-partials-request_data"

    settings = {spec.partials_shards: to_index_templates(spec)[name]["template"]["settings"] for spec in (SPEC, spread)}

    assert settings == {
        1: {"index": {"number_of_shards": "1"}},
        6: {"index": {"number_of_shards": "6", "number_of_replicas": "2", "auto_expand_replicas": "false"}},
    }
    assert kinds(plan_manage([spread], done(), NOW)) == [("put_index_template", name)]


# Without a setting: one replica, and on a cluster that takes multiples of three copies alone, two, everywhere.
def test_copies_that_the_cluster_takes() -> None:
    plan = plan_manage([SPEC], Observed(copies_multiple=3), NOW)
    settings = {
        action.target: action.body.get("template", {}).get("settings", {}).get("index", {})
        for action in plan.actions
        if action.kind in ("put_component_template", "put_index_template")
    }
    assert settings["streamtally-request_data"]["auto_expand_replicas"] == "0-2"
    assert settings["streamtally-late-unknown"]["auto_expand_replicas"] == "0-2"
    assert settings[f"streamtally-{SPEC.inbox}"]["auto_expand_replicas"] == "0-2"
    assert plan.notes == plan_manage([SPEC], Observed(), NOW).notes
    # Two zones take what one takes.
    assert plan_manage([SPEC], done(copies_multiple=2), NOW).actions == ()


# What the pipeline sets is what the indices get, whatever the cluster; what it refuses is said by name.
@pytest.mark.parametrize(
    ("chosen", "settings", "refused"),
    [
        ({"shards": 3, "replicas": 2}, ("3", "2", "false"), ""),
        ({"replicas": 1}, ("1", "1", "false"), "remove replicas from .outputs.OUT., or set replicas = 2"),
        ({"auto_expand_replicas": "0-all"}, ("1", None, "0-all"), ""),
        ({"auto_expand_replicas": "1-5"}, ("1", None, "1-5"), ""),
        ({"auto_expand_replicas": "0-1"}, ("1", None, "0-1"), "remove auto_expand_replicas"),
    ],
)
def test_copies_that_the_pipeline_sets(chosen: dict[str, Any], settings: tuple[str | None, ...], refused: str) -> None:
    spec = replace(SPEC, name="OUT", **chosen)
    index = to_component_templates(spec, 3)[component_name(spec)]["template"]["settings"]["index"]
    assert tuple(index.get(n) for n in ("number_of_shards", "number_of_replicas", "auto_expand_replicas")) == settings
    conflicts = [n.text for n in plan_manage([spec], Observed(copies_multiple=3), NOW).notes if n.kind == "conflict"]
    assert [bool(re.search(refused, text)) for text in conflicts] == ([True] if refused else [])


# Types come from the pipeline, then the plan, then SQL.
@pytest.mark.parametrize(
    ("sql_type", "index_type", "declared", "kind"),
    [
        ("INTEGER", None, None, "integer"),
        ("BIGINT", None, None, "long"),
        ("DECIMAL(10,2)", None, None, "double"),
        ("VARCHAR(23)", None, None, "keyword"),
        ("VARCHAR(23)", "date", None, "date"),
        ("TIMESTAMP", None, None, "date"),
        ("VARCHAR(39)", None, "ip", "ip"),
        ("VARCHAR(23)", "date", "keyword", "keyword"),
    ],
)
def test_field_types(sql_type: str, index_type: str | None, declared: str | None, kind: str) -> None:
    types = {"c": declared} if declared else {}

    assert to_field(IndexColumn("c", sql_type, index_type), types)["type"] == kind


def document(**settings: Any) -> dict[str, Any]:
    node = {"name": "OUT", "kind": "windowed", "window_ms": 60_000, "columns": [], "keys": [], "aggregates": []}
    return {"source": {}, "outputs": {"OUT": {"index": "request_data", **settings}}, "plan": {"outputs": [node]}}


# Each setting that cannot be used is one line that names the output.
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rotation": "year"}, "year"),
        ({"rotation": "rollover"}, "only row outputs"),
        ({"retention": {"max_agee": 1}}, "max_agee"),
        ({"options": {"max_docs": 1}}, "max_docs"),
        ({"options": {"managed_by": "nobody"}}, "nobody"),
        ({"partials_shards": 0}, "partials_shards = 0: expected a whole number .at least 1, at most 1024."),
        ({"partials_shards": "2"}, "partials_shards = .2.: expected a whole number"),
        ({"partials_replicas": True}, "partials_replicas = true: expected a whole number .at least 0, at most 10."),
    ],
)
def test_refused_settings(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as error:
        read_specs(document(**settings), "stream")
    assert "OUT" in str(error.value)


# Without a stream anywhere it says which variable is missing.
def test_no_stream() -> None:
    with pytest.raises(SettingsError, match="SUMMARY_STREAM"):
        read_specs(document())


# Of whole plans the smallest id counts; one that was cut never goes before a whole one, however many partials it has.
@pytest.mark.parametrize(
    ("shares", "chosen"),
    [
        ({"a": PlanShare(3, 3), "b": PlanShare(3, 3)}, "a"),
        ({"a": PlanShare(2, 3), "b": PlanShare(3, 3)}, "b"),
        ({"a": PlanShare(5, 6), "b": PlanShare(1, 1)}, "b"),
        ({"a": PlanShare(1, 3), "b": PlanShare(2, 3)}, "b"),
        ({"a": PlanShare(2), "b": PlanShare(2)}, "a"),
        ({"a": PlanShare(2), "b": PlanShare(3)}, "b"),
        ({"a": PlanShare(1, 2), "b": PlanShare(2, 2), "c": PlanShare(2, 2)}, "b"),
    ],
)
def test_one_plan_a_batch(shares: dict[str, PlanShare], chosen: str) -> None:
    for order in permutations(shares.items()):
        assert choose_plan(dict(order)).plan_id == chosen
    assert choose_plan(shares).partials == sum(share.partials for share in shares.values())


# A state is stored and read back unchanged; fields that another version added or lacks do no harm.
def test_state_round_trip() -> None:
    state = OutputState(
        rotations=(RotationFrom(0, "day"), RotationFrom(MS_PER_DAY, "hour")),
        closed_before_ms=5,
        progress={"OUT": Progress(7, Cursor(6, 60_000), 3)},
        pinned={"batch": ("plan", 4)},
    )
    stored = {**state.to_document(), "of_a_newer_version": 1}

    assert read_state(stored) == state
    assert read_state({}) == read_state(None) == OutputState()


# The mark in force is read from the cluster's own pipeline; a pipeline without the output says nothing.
def test_read_closed_before() -> None:
    pipeline = to_pipeline([SPEC], {"request_data": OutputState((RotationFrom(0, "day"),), closed_before_ms=42)})

    assert read_closed_before(pipeline, "request_data") == 42
    assert read_closed_before(pipeline, "other") is None
    assert read_closed_before(None, "request_data") is None
