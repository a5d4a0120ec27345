"""Rotation and retention over simulated months: a cluster that is only a dict, and the plan applied to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamtally.config.outputs import Rollover, Rotation
from streamtally.indices.actions import IndexPlan
from streamtally.indices.ingest import to_pipeline
from streamtally.indices.load_entries import Load
from streamtally.indices.names import LATE_UNKNOWN, MS_PER_DAY, output_name, parse_index_name, partials_name
from streamtally.indices.observed import DiskSpace, Observed, ObservedIndex, StoredState
from streamtally.indices.plan import plan_manage
from streamtally.indices.retention import find_expired
from streamtally.indices.spec import IndexSpec, PlanOutput, Retention
from streamtally.indices.state import OutputState, RotationFrom
from tests.unit.indices.test_names import ms

HOUR = 3_600_000
START = ms("2026-01-01T00:00")


def make_spec(rotation: Rotation = "day", kind: Any = "windowed", **options: Any) -> IndexSpec:
    output = PlanOutput("OUT", kind, 60_000 if kind == "windowed" else 0)
    return IndexSpec("OUT", "request_data", "stream", (output,), (), rotation=rotation, **options)


class Simulated:
    """A cluster as the plan sees it; applying is done on its dict. Each index has the size that `size` says."""

    def __init__(self, spec: IndexSpec, size_bytes: int = 1_000_000, disk: DiskSpace | None = None) -> None:
        self.spec = spec
        self.size_bytes = size_bytes
        self.disk = disk
        self.observed = Observed()
        self.deleted: list[tuple[int, str]] = []

    def write(self, now_ms: int) -> None:
        """A document of now: its index, and its partials', are made."""
        state = self.observed.states.get(self.spec.index, StoredState()).state
        names = [output_name(self.spec.index, state.rotation_at(now_ms, self.spec.rotation), now_ms)]
        names += [partials_name(self.spec.index, now_ms)] if self.spec.windowed else []
        indices = dict(self.observed.indices)
        for name in names:
            indices.setdefault(name, ObservedIndex(name, docs=10, size_bytes=self.size_bytes, created_ms=now_ms))
        self.observed = replace(self.observed, indices=indices, disk=self._disk(indices))

    def _disk(self, indices: dict[str, ObservedIndex]) -> DiskSpace | None:
        used = sum(index.size_bytes for index in indices.values())
        return replace(self.disk, free_bytes=self.disk.total_bytes - used) if self.disk else None

    def manage(self, now_ms: int) -> IndexPlan:
        plan = plan_manage([self.spec], self.observed, now_ms)
        states, indices = dict(self.observed.states), dict(self.observed.indices)
        pipelines = dict(self.observed.pipelines)
        for action in plan.actions:
            if action.kind == "put_state":
                states[action.target] = StoredState(action.body[0], 1, 1)
            elif action.kind == "put_pipeline":
                pipelines[action.target] = action.body
            elif action.kind == "delete_index":
                del indices[action.target]
                self.deleted.append((now_ms, action.target))
        self.observed = replace(
            self.observed, states=states, indices=indices, pipelines=pipelines, disk=self._disk(indices)
        )
        return plan

    def run(self, days: int, every_ms: int = HOUR) -> None:
        for now_ms in range(START, START + days * MS_PER_DAY, every_ms):
            self.write(now_ms)
            self.manage(now_ms)
            written = output_name(
                self.spec.index,
                self.observed.states[self.spec.index].state.rotation_at(now_ms, self.spec.rotation),
                now_ms,
            )
            assert written in self.observed.indices, "what is being written was deleted"

    def outputs(self) -> list[str]:
        names = [parse_index_name(name, self.spec.index) for name in self.observed.indices]
        return sorted(name.name for name in names if name and name.kind == "output")


# By age, over months: at the end the indices of the last days are there, and none that is older.
@pytest.mark.large
@pytest.mark.parametrize(
    ("rotation", "age_days", "days", "every_ms", "kept"),
    [
        ("hour", 2, 8, HOUR, 2 * 24 + 3),
        ("day", 10, 60, 12 * HOUR, 12),
        ("week", 30, 150, 24 * HOUR, 6),
        ("month", 30, 240, 24 * HOUR, 3),
    ],
)
def test_by_age(rotation: Rotation, age_days: int, days: int, every_ms: int, kept: int) -> None:
    cluster = Simulated(make_spec(rotation, "row", retention=Retention(max_age_days=age_days)))

    cluster.run(days, every_ms)

    assert 1 < len(cluster.outputs()) <= kept
    for now_ms, name in cluster.deleted:
        assert now_ms - _end(name) >= age_days * MS_PER_DAY
    assert min(_end(name) for name in cluster.outputs()) > START + (days - age_days - 2) * MS_PER_DAY


def _end(name: str) -> int:
    parsed = parse_index_name(name, "request_data")
    assert parsed is not None
    assert parsed.period is not None
    return parsed.period.end_ms


# By count: the newest stay.
def test_by_count() -> None:
    cluster = Simulated(make_spec(retention=Retention(max_count=5)))

    cluster.run(days=60, every_ms=12 * HOUR)

    assert cluster.outputs() == [f"request_data-2026-{day}" for day in ("02-25", "02-26", "02-27", "02-28", "03-01")]


# By total size: the newest that fit stay.
def test_by_size() -> None:
    cluster = Simulated(make_spec(retention=Retention(max_size_bytes=3_500_000)))

    cluster.run(days=20, every_ms=6 * HOUR)

    assert len(cluster.outputs()) == 3


# By free disk: the oldest go until the share is free again; the one being written stays, whatever the disk says.
def test_by_free_disk() -> None:
    disk = DiskSpace(total_bytes=10_000_000, free_bytes=10_000_000)
    cluster = Simulated(make_spec("day", "row", retention=Retention(min_free_disk_share=0.5)), disk=disk)

    cluster.run(days=30, every_ms=HOUR * 6)
    full = replace(cluster.observed, disk=DiskSpace(10_000_000, 0))
    written = output_name("request_data", "day", START + 30 * MS_PER_DAY - 6 * HOUR)
    expired = find_expired(cluster.spec, full, START + 30 * MS_PER_DAY - 6 * HOUR)

    assert len(cluster.outputs()) == 5
    assert written in cluster.outputs()
    assert written not in [entry.index.name for entry in expired]


# Deleting takes two runs: the mark must have stood for a quarter of an hour, so that no late document remakes it.
def test_two_runs() -> None:
    cluster = Simulated(make_spec(retention=Retention(max_count=1)))
    later = START + MS_PER_DAY + HOUR
    cluster.write(START)
    cluster.write(later)

    first = cluster.manage(later)
    early = cluster.manage(later + 14 * 60_000)
    in_time = cluster.manage(later + 15 * 60_000)

    assert not [action for action in (*first.actions, *early.actions) if action.kind == "delete_index"]
    assert [action.target for action in in_time.actions if action.kind == "delete_index"] == ["request_data-2026-01-01"]
    state = cluster.observed.states["request_data"].state
    assert state.closed_before_ms >= state.dropped_before_ms == START + MS_PER_DAY


# Indices that Firehose made before, with any of its suffixes, are recognised and kept under retention too; a name that
# is not ours is never deleted, however old it looks.
def test_firehose_suffixes_and_strangers() -> None:
    old = ["request_data-2016-02-25-13", "request_data-2016-02-25", "request_data-2016-w08", "request_data-2016-02"]
    strangers = ["request_data-2016-02-30", "request_data-2016", "other-2016-02-25", "request_data_x-2016-02-25"]
    cluster = Simulated(make_spec(retention=Retention(max_age_days=30)))
    names = [*old, *strangers, LATE_UNKNOWN]
    cluster.observed = Observed(indices={name: ObservedIndex(name, docs=1) for name in names})

    cluster.run(days=2)

    assert sorted(name for _, name in cluster.deleted) == sorted(old)
    assert set(strangers) <= set(cluster.observed.indices)


# Partials are never retention's to delete: closing alone does it, after they were settled and verified.
def test_partials_are_left_to_closing() -> None:
    cluster = Simulated(make_spec(retention=Retention(max_age_days=12, max_count=1, max_size_bytes=1)))

    cluster.run(days=40, every_ms=24 * HOUR)

    assert not [name for _, name in cluster.deleted if name.startswith("partials-")]


# Late indices have the output's age, counted from the month in which documents came.
def test_late_indices() -> None:
    cluster = Simulated(make_spec(retention=Retention(max_age_days=30)))
    cluster.observed = Observed(
        indices={n: ObservedIndex(n, docs=1) for n in ("late-request_data-2025-11", "late-request_data-2026-01")}
    )

    cluster.run(days=10, every_ms=24 * HOUR)

    assert [name for _, name in cluster.deleted] == ["late-request_data-2025-11"]


# A change of rotation takes effect at a midnight to come; a change taken back before that never happened.
def test_rotation_change() -> None:
    cluster = Simulated(make_spec("day"))
    now = ms("2026-01-05T22:30")
    cluster.manage(now)
    cluster.spec = make_spec("hour")
    cluster.manage(now)
    changed = cluster.observed.states["request_data"].state
    cluster.spec = make_spec("day")
    cluster.manage(now + 60_000)

    # 22:30 and an hour ahead and an hour for runs under way is after midnight: so the midnight after it.
    assert [(rotation.rotation, rotation.from_ms) for rotation in changed.rotations] == [
        ("day", 0),
        ("hour", ms("2026-01-07T00:00")),
    ]
    assert changed.output_name("request_data", ms("2026-01-06T23:59")) == "request_data-2026-01-06"
    assert changed.output_name("request_data", ms("2026-01-07T00:00")) == "request_data-2026-01-07-00"
    assert len(cluster.observed.states["request_data"].state.rotations) == 1


# `closed_before` is a whole day, ten days back, and never goes back, whatever the clock of a run says.
def test_closing_mark_never_goes_back() -> None:
    cluster = Simulated(make_spec())
    cluster.manage(ms("2026-02-20T15:00"))
    cluster.manage(ms("2026-02-12T15:00"))

    assert cluster.observed.states["request_data"].state.closed_before_ms == ms("2026-02-10T00:00")


# A snapshot that is required and missing keeps the index, and the plan says what it waits for.
def test_required_snapshot() -> None:
    spec = make_spec(retention=Retention(max_age_days=10, require_snapshot="backup"))
    cluster = Simulated(spec)
    old = "request_data-2025-12-01"
    cluster.observed = Observed(indices={old: ObservedIndex(old, docs=1)})
    cluster.manage(START)

    without = cluster.manage(START + HOUR)
    cluster.observed = replace(cluster.observed, snapshots={"backup": frozenset([old])})
    cluster.manage(START + 2 * HOUR)

    assert [(note.kind, note.target) for note in without.notes] == [("stuck", old)]
    assert [name for _, name in cluster.deleted] == [old]


# Closed indices are merged and made read-only where asked, once, before they go.
def test_force_merge_before() -> None:
    spec = make_spec(retention=Retention(max_age_days=90, force_merge=True))
    cluster = Simulated(spec)
    cluster.write(START)
    later = START + 20 * MS_PER_DAY
    cluster.manage(later)

    plan = cluster.manage(later + HOUR)
    name = "request_data-2026-01-01"
    merged = replace(cluster.observed.indices[name], settings={"blocks": {"write": "true"}})
    cluster.observed = replace(cluster.observed, indices={**cluster.observed.indices, name: merged})
    again = cluster.manage(later + 2 * HOUR)

    assert [action.target for action in plan.actions if action.kind == "force_merge"] == [name]
    assert not [action for action in again.actions if action.kind == "force_merge"]


# Rollover: the conditions, one at a time.
@pytest.mark.parametrize(
    ("rollover", "index", "reason"),
    [
        (Rollover(max_age_days=1), ObservedIndex("request_data-000001", docs=1, created_ms=START), "1.0 days old"),
        (Rollover(max_docs=10), ObservedIndex("request_data-000001", docs=10, created_ms=START), "10 documents"),
        (Rollover(max_size_bytes=5), ObservedIndex("request_data-000001", docs=1, size_bytes=6), "6 bytes"),
        (Rollover(max_docs=10), ObservedIndex("request_data-000001", docs=9, created_ms=START), None),
        (Rollover(max_age_days=1), ObservedIndex("request_data-000001", docs=0, created_ms=0), None),
    ],
)
def test_rollover_conditions(rollover: Rollover, index: ObservedIndex, reason: str | None) -> None:
    spec = make_spec("rollover", "row", rollover=rollover)
    index = replace(index, aliases={"request_data-write": {"is_write_index": True}})

    plan = plan_manage([spec], Observed(indices={index.name: index}), START + MS_PER_DAY)
    reasons = [action.reason for action in plan.actions if action.kind == "rollover"]

    assert len(reasons) == (reason is not None)
    assert reason is None or reason in reasons[0]
    assert any(note.kind == "at_least_once" for note in plan.notes)


# Of rolled indices the predecessors age from the birth of their successor; the last is written to.
def test_rolled_indices_age() -> None:
    spec = make_spec("rollover", "row", rollover=Rollover(max_docs=1), retention=Retention(max_age_days=10))
    first = ObservedIndex("request_data-000001", docs=1, created_ms=START)
    second = ObservedIndex("request_data-000002", docs=1, created_ms=START + 5 * MS_PER_DAY)
    observed = Observed(indices={index.name: index for index in (first, second)})

    too_early = find_expired(spec, observed, START + 14 * MS_PER_DAY)
    in_time = find_expired(spec, observed, START + 15 * MS_PER_DAY)
    for_ever = find_expired(spec, observed, START + 1500 * MS_PER_DAY)

    assert [entry.index.name for entry in too_early] == []
    assert [entry.index.name for entry in in_time] == ["request_data-000001"]
    assert [entry.index.name for entry in for_ever] == ["request_data-000001"]


# A hundred made-up days that are still to come push out none of ninety real ones, by whatever limit.
@pytest.mark.parametrize(
    "retention", [Retention(max_count=100), Retention(max_count=90), Retention(max_size_bytes=90_000_000)]
)
def test_days_to_come_push_nothing_out(retention: Retention) -> None:
    cluster = Simulated(make_spec("day", "row", retention=retention))
    now_ms = START + 89 * MS_PER_DAY
    for day in [*range(90), *range(91, 191)]:
        cluster.write(START + day * MS_PER_DAY)
    assert len(cluster.outputs()) == 190
    assert find_expired(cluster.spec, cluster.observed, now_ms) == []
    one_more = replace(cluster.spec, retention=Retention(max_count=89))
    assert [entry.index.name for entry in find_expired(one_more, cluster.observed, now_ms)] == [
        "request_data-2026-01-01"
    ]


DAY = "request_data-2026-01-01"
AFTER = ms("2026-01-20T12:00")


def _closed(**changes: Any) -> Observed:
    """A day that is too old, was closed long ago and is settled, while no mark allows its deletion yet."""
    spec = make_spec(retention=Retention(max_age_days=10))
    state = OutputState((RotationFrom(0, "day"),), ms("2026-01-05T00:00"), ms("2026-01-15T00:00"))
    observed = Observed(
        indices={DAY: ObservedIndex(DAY)},
        states={"request_data": StoredState(changes.pop("state", state), 1, 1)},
        pipelines={spec.inbox: to_pipeline([spec], {"request_data": changes.pop("in_force", state)})},
    )
    return replace(observed, **changes)


@pytest.mark.parametrize(
    ("changes", "goes"),
    [
        ({}, True),
        ({"indices": {DAY: ObservedIndex(DAY), f"partials-{DAY}": ObservedIndex(f"partials-{DAY}")}}, False),
        ({"indices": {DAY: ObservedIndex(DAY), "partials-request_data-2026-01-02": ObservedIndex("x")}}, True),
        ({"in_force": OutputState((RotationFrom(0, "day"),))}, False),
        ({"pipelines": {}}, False),
        ({"state": OutputState((RotationFrom(0, "day"),), ms("2026-01-01T12:00"))}, False),
        ({"state": OutputState((RotationFrom(0, "day"),), ms("2026-01-05T00:00"), AFTER - 60_000)}, False),
        (
            {
                "state": OutputState(
                    (RotationFrom(0, "day"),),
                    ms("2026-01-05T00:00"),
                    loads={"load": Load(((ms("2026-01-01T00:00"), ms("2026-01-02T00:00")),), "run", AFTER)},
                )
            },
            False,
        ),
    ],
    ids=[
        "closed",
        "partials left",
        "others' partials",
        "pipeline behind",
        "no pipeline",
        "open",
        "just closed",
        "load",
    ],
)
def test_what_may_go_without_a_mark(changes: dict[str, Any], goes: bool) -> None:
    """Only what nothing can make again: closed by state and pipeline, settled, and not being loaded."""
    spec = make_spec(retention=Retention(max_age_days=10))
    plan = plan_manage([spec], _closed(**changes), AFTER)
    (state,) = [action for action in plan.actions if action.kind == "put_state"]
    assert [action.target for action in state.if_blocked] == ([DAY] if goes else [])
    assert not [action for action in plan.actions if action.kind == "delete_index" and action.target == DAY]


def test_flooded_indices_are_not_force_merged() -> None:
    """Merging needs space, and the block that it ends with would be refused."""
    spec = make_spec(retention=Retention(force_merge=True))
    for flooded in (False, True):
        blocks = {"blocks": {"read_only_allow_delete": "true"}} if flooded else {}
        observed = _closed(indices={DAY: ObservedIndex(DAY, settings=blocks)})
        kinds = [action.kind for action in plan_manage([spec], observed, AFTER).actions]
        assert ("force_merge" in kinds) is not flooded
