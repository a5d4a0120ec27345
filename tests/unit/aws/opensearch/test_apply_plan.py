"""Carrying out a plan on a cluster that refuses writes: what still happens, and what never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from streamtally.aws.opensearch.apply_plan import LIFTS, apply_plan
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.indices.actions import Action, IndexPlan
from streamtally.indices.names import STATE_INDEX
from streamtally.indices.observed import StoredState
from streamtally.indices.state import OutputState

FLOOD = "index [streamtally-state] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];"
OLD_FLOOD = "index [streamtally-state] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"
PERSON = "index [streamtally-state] blocked by: [FORBIDDEN/8/index write (api)];"
CLUSTER = "blocked by: [FORBIDDEN/13/cluster read-only / allow delete (api)];"
LIFT = ("PUT", f"/{STATE_INDEX}/_settings")
WRITE = ("PUT", f"/{STATE_INDEX}/_doc/output-requests")


class Refusing:
    """Refuses writes of the state as long as `refuse` says so; remembers every request."""

    def __init__(self, reason: str, status: int, refuse: Callable[[int], bool], lift_status: int = 200) -> None:
        self.reason, self.status, self.refuse, self.lift_status = reason, status, refuse, lift_status
        self.sent: list[tuple[str, str]] = []

    def request(self, method: str, path: str, body: Any = None, *_: Any, **__: Any) -> Any:
        self.sent.append((method, path))
        if (method, path) == WRITE and self.refuse(self.sent.count(WRITE)):
            kind = "cluster_block_exception" if "blocked" in self.reason else ""
            raise ClusterError(f"PUT: {self.status} {self.reason}", self.status, kind)
        if (method, path) == LIFT:
            assert body == {"index.blocks.read_only_allow_delete": None}
            if self.lift_status != 200:
                raise ClusterError("no permissions", self.lift_status, "security_exception")
        return {"_seq_no": 2, "_primary_term": 1}


def run(cluster: Refusing) -> dict[str, str]:
    """Target → outcome of: the mark, the pipeline, an index whose mark is old, and one that needs none."""
    state = (OutputState(dropped_before_ms=5), StoredState(OutputState(), 1, 1))
    unmarked = Action("delete_index", "requests-2026-01-02", "old", "requests")
    plan = IndexPlan(
        (
            Action("put_state", "requests", "mark", "requests", state, if_blocked=(unmarked,)),
            Action("put_pipeline", "inbox", "mark", body={}, needs=("requests",)),
            Action("delete_index", "requests-2026-01-01", "old", "requests"),
        )
    )
    return {result.action.target: result.outcome for result in apply_plan(cast(Cluster, cluster), plan)}


@pytest.mark.parametrize(("reason", "status"), [(FLOOD, 429), (OLD_FLOOD, 403)])
def test_the_flood_block_is_lifted_for_the_mark(reason: str, status: int) -> None:
    """Then the pipeline follows, and only the index goes whose mark was there before."""
    cluster = Refusing(reason, status, lambda tried: tried == 1)
    assert run(cluster) == {"requests": "done", "inbox": "done", "requests-2026-01-01": "done"}
    assert cluster.sent[:3] == [WRITE, LIFT, WRITE]


def test_the_cluster_may_restore_the_block_in_between() -> None:
    cluster = Refusing(FLOOD, 429, lambda tried: tried <= LIFTS)
    assert run(cluster)["requests"] == "done"
    assert cluster.sent.count(LIFT) == LIFTS


@pytest.mark.parametrize(("reason", "status", "lifts"), [(PERSON, 403, 0), (CLUSTER, 403, 0), (FLOOD, 429, LIFTS)])
def test_a_state_that_cannot_be_written(reason: str, status: int, lifts: int) -> None:
    """A person's block is never lifted. What needs no mark goes; the pipeline is not ahead of the state."""
    cluster = Refusing(reason, status, lambda _: True)
    assert run(cluster) == {
        "requests": "failed",
        "requests-2026-01-02": "done",
        "inbox": "skipped",
        "requests-2026-01-01": "done",
    }
    assert cluster.sent.count(LIFT) == lifts


def test_a_block_that_may_not_be_lifted() -> None:
    """The error is the block's, not that of the permission."""
    cluster = Refusing(FLOOD, 429, lambda _: True, lift_status=403)
    assert run(cluster)["requests"] == "failed"
    assert cluster.sent.count(WRITE) == 1


def test_a_state_that_another_run_changed_stops_everything() -> None:
    """Then nobody knows what may be deleted."""

    class Outrun(Refusing):
        def request(self, method: str, path: str, body: Any = None, *rest: Any, **more: Any) -> Any:
            if (method, path) == WRITE:
                raise ClusterError("version conflict", 409, "version_conflict_engine_exception")
            return super().request(method, path, body, *rest, **more)

    outcomes = run(Outrun("", 0, lambda _: False))
    assert outcomes == {"requests": "outrun", "inbox": "skipped", "requests-2026-01-01": "skipped"}


def test_another_failure_deletes_nothing_without_a_mark() -> None:
    """A write whose answer was lost may have been done: only what an earlier mark allows goes."""
    cluster = Refusing("no answer", 503, lambda _: True)
    assert run(cluster) == {"requests": "failed", "inbox": "skipped", "requests-2026-01-01": "done"}
