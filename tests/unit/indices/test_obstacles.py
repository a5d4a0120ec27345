"""What keeps documents out, by the cluster's surroundings as data; the integration tests try each on a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamtally.findings import Finding
from streamtally.indices.coming_names import coming_indices, is_own_index, matches
from streamtally.indices.disk import Disk
from streamtally.indices.limit_obstacles import may_auto_create
from streamtally.indices.obstacles import find_obstacles
from streamtally.indices.question import Question
from streamtally.indices.spec import IndexColumn, IndexSpec, PlanOutput
from streamtally.indices.surroundings import Breaker, Surroundings, Template
from tests.unit.indices.test_names import ms

NOW = ms("2026-03-10T12:00")
SPEC = IndexSpec("OUT", "requests", "stream", (PlanOutput("OUT", "windowed", 60_000),), (IndexColumn("n", "BIGINT"),))


def find(around: Surroundings, spec: IndexSpec = SPEC) -> list[Finding]:
    coming = list(coming_indices([spec], {}, NOW))
    return find_obstacles(Question([spec], coming, around, NOW))


def health(nodes: int, active: int, **more: Any) -> dict[str, Any]:
    return {"number_of_data_nodes": nodes, "active_shards": active, "status": "green", **more}


@pytest.mark.parametrize(
    ("nodes", "shards", "per_node", "level"),
    [
        (1, 800, 1000, None),
        (1, 899, 1000, None),
        (1, 900, 1000, "warning"),
        (1, 998, 1000, "warning"),
        (1, 999, 1000, "error"),
        (1, 1200, 1000, "error"),
        (3, 2000, 1000, None),
        (3, 2996, 1000, "warning"),
        (3, 2997, 1000, "error"),  # two indices a day, two copies of each
        (1, 90, 100, "warning"),
        (1, 20, 35, None),
        (1, 22, 35, "warning"),  # seven days of two shards
    ],
)
def test_shards(nodes: int, shards: int, per_node: int, level: str | None) -> None:
    """The limit is the setting times the data nodes; an index of every kind must still fit."""
    settings = {"cluster.max_shards_per_node": str(per_node)}
    findings = find(Surroundings(settings=settings, health=health(nodes, shards)))
    assert [finding.level for finding in findings] == ([level] if level else [])


def test_shards_that_are_not_started_count() -> None:
    around = Surroundings(health=health(1, 500, unassigned_shards=400, initializing_shards=99))
    assert [(finding.check, finding.level) for finding in find(around)] == [("shard-limit", "error")]


@pytest.mark.parametrize(
    ("value", "name", "may"),
    [
        ("true", "a", True),
        ("false", "a", False),
        (True, "a", True),
        ("", "a", True),
        ("logs-*", "requests-1", False),
        ("logs-*,requests-*", "requests-1", True),
        ("-requests-*,+*", "requests-1", False),
        ("+requests-*,-*", "requests-1", True),
        ("-*,+requests-*", "requests-1", False),
        (["+partials-*", "-*"], "partials-a", True),
        (".monitoring*,.watches", "requests-1", False),
        ("+a*b*", "axxb1", True),
    ],
)
def test_auto_create_index(value: Any, name: str, may: bool) -> None:
    """The first pattern that matches decides; a list without a match refuses."""
    assert may_auto_create(str(value).lower() if isinstance(value, bool) else value, name) is may


def test_indices_that_exist_need_no_auto_create() -> None:
    """What is to be made is named with the patterns to add."""
    (finding,) = find(Surroundings(settings={"action.auto_create_index": "+requests-*"}))
    assert "+partials-requests-*" in finding.fix
    assert "+requests-*," not in finding.fix


@pytest.mark.parametrize(
    ("template", "level"),
    [
        (Template("low", ["*"], 100), None),
        (Template("other", ["logs-*"], 9000), None),
        (Template("same", ["requests-*"], 540), "error"),
        (Template("high", ["requests-2026*"], 541), "error"),
        (Template("streams", ["requests-*"], 600, makes_data_streams=True), "error"),
        (Template("below", ["requests-*"], 539, makes_data_streams=True), None),
    ],
)
def test_templates(template: Template, level: str | None) -> None:
    findings = find(Surroundings(templates=[template]))
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all(template.name in finding.text for finding in findings)


def test_a_data_stream_template_that_leaves_no_room_for_the_state() -> None:
    """Its priority is above none: the index would be made by its name alone."""
    (finding,) = find(Surroundings(templates=[Template("streams", ["streamtally-*"], 0, makes_data_streams=True)]))
    assert "streamtally-state cannot be made" in finding.text


@pytest.mark.parametrize(("estimated", "there"), [(0.5, False), (0.94, False), (0.95, True), (1.2, True)])
def test_circuit_breakers(estimated: float, there: bool) -> None:
    around = Surroundings(breakers=[Breaker(1e9 * 0.1, 1e9), Breaker(1e9 * estimated, 1e9), Breaker(0, 0)])
    assert bool(find(around)) is there


def test_disks_do_not_matter_without_watermarks() -> None:
    full = [Disk(100, 1)]
    off = {"cluster.routing.allocation.disk.threshold_enabled": "false"}
    assert [finding.level for finding in find(Surroundings(disks=full))] == ["error"]
    assert find(Surroundings(disks=full, settings=off)) == []


def test_more_columns_than_fields_are_allowed() -> None:
    columns = tuple(IndexColumn(f"c{number}", "BIGINT") for number in range(600))
    (finding,) = find(Surroundings(), replace(SPEC, columns=columns))
    assert finding.check == "field-limit"


def test_health_of_others_is_a_warning_alone() -> None:
    """Another's red index; and ours."""
    others = health(1, 5, indices={"theirs": {"status": "red"}}) | {"status": "red"}
    assert [finding.level for finding in find(Surroundings(health=others))] == ["warning"]
    own = health(1, 5, indices={"requests-2026-03-10": {"status": "red"}})
    assert [finding.level for finding in find(Surroundings(health=own))] == ["error"]


def test_names() -> None:
    assert is_own_index("partials-requests-2026-03-10", [SPEC])
    assert is_own_index("requests-000001", [SPEC])
    assert not is_own_index("requests", [SPEC])
    assert not is_own_index("requests-old", [SPEC])
    assert matches(["a[b]*"], "a[b]c")
    assert not matches(["a?c"], "abc")
