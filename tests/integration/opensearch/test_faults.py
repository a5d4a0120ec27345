"""What a cluster may refuse: each is one clear line, the rest goes on, and the next run repairs what can be."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.transform.pipeline import load_pipeline
from tests.integration.opensearch.data import (
    DAY_MS,
    MINUTE_MS,
    bulk,
    changed_plan,
    counts,
    expected,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    refresh,
    row_plan,
    run_settle,
    settled,
)

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:58")
INDEX = "request_data-2026-03-10"


def unblock(cluster: Cluster, index: str, block: str) -> None:
    cluster.request("PUT", f"/{index}/_settings", {f"index.blocks.{block}": None})


# An index with a wrong mapping: said before it can hurt; documents are kept, only the field is not indexed.
def test_wrong_mapping(cluster: Cluster) -> None:
    mapping = {"properties": {"status": {"type": "ip"}, "datetime": {"type": "date", "format": "yyyy"}}}
    settings = {"index.mapping.ignore_malformed": True}
    cluster.request("PUT", f"/{INDEX}", {"mappings": mapping, "settings": settings})
    manager = manager_of(cluster)

    managed = manager.manage(NOW, forever)
    bulk(cluster, make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW))
    report = run_settle(cluster, NOW)

    conflicts = [note for note in managed.plan.notes if note.kind == "conflict"]
    assert [(note.target, note.text.partition(":")[0]) for note in conflicts] == [
        (INDEX, "field status is ip here and integer in the plan")
    ]
    assert any(note.kind == "waits" and "datetime" in note.text for note in managed.plan.notes)
    assert report.written == 1
    assert manager.plan(NOW)[0].actions == ()


# A new column reaches existing indices by a mapping update; a type that changed waits for the next rotation.
def test_changed_template(cluster: Cluster) -> None:
    old, new_columns = make_pipeline(), [dict(column) for column in changed_plan()["outputs"][0]["columns"]]
    new_columns[1]["type"] = "BIGINT"
    new_columns.append({"name": "windowEnd", "type": "TIMESTAMP", "expr": {"window": "end"}})
    new = make_pipeline(changed_plan(columns=new_columns))
    manager_of(cluster, old).manage(NOW, forever)
    bulk(cluster, make_documents(old, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW, old)

    managed = manager_of(cluster, new).manage(NOW + DAY_MS, forever)
    mapping = cluster.request("GET", f"/{INDEX}/_mapping")[INDEX]["mappings"]["properties"]

    assert not managed.failed
    assert mapping["windowEnd"]["type"] == "date"
    assert mapping["status"]["type"] == "integer"
    assert any(note.kind == "waits" and "field status" in note.text for note in managed.plan.notes)
    assert manager_of(cluster, new).plan(NOW + DAY_MS)[0].actions == ()


# A read-only output, and a disk that has reached its flood stage (read_only_allow_delete): that output's documents are
# refused in one clear line, the checkpoint stays, the other output goes on, and the next run settles everything.
@pytest.mark.parametrize("block", ["write", "read_only", "read_only_allow_delete"])
def test_blocked_index(cluster: Cluster, block: str) -> None:
    pipeline = make_pipeline()
    manager_of(cluster, pipeline).manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW)
    bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 200)], NOW))
    cluster.request("PUT", f"/{INDEX}/_settings", {f"index.blocks.{block}": True})

    blocked = manager_of(cluster, pipeline).settle(NOW + MINUTE_MS, forever)[0]
    unblock(cluster, INDEX, block)
    run_settle(cluster, NOW + 2 * MINUTE_MS)

    assert len(blocked.problems) == 1
    assert "settled documents rejected" in blocked.problems[0]
    assert "block" in blocked.problems[0]
    assert "\n" not in blocked.problems[0]
    assert not blocked.finished
    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 2)


# An index whose aliases cannot be changed (read only): a failed action each, the rest is done, the next run repairs it.
def test_blocked_alias(cluster: Cluster) -> None:
    cluster.request("PUT", f"/{INDEX}", {"settings": {"index.blocks.read_only": True}})
    manager = manager_of(cluster)

    managed = manager.manage(NOW, forever)
    unblock(cluster, INDEX, "read_only")
    again = manager.manage(NOW, forever)

    assert {result.action.kind for result in managed.failed} >= {"update_aliases"}
    assert all(result.message.count("\n") == 0 and "read-only" in result.message for result in managed.failed)
    assert "put_pipeline" in {result.action.kind for result in managed.results if result.outcome == "done"}
    assert not again.failed
    assert "request_data" in cluster.request("GET", f"/{INDEX}")[INDEX]["aliases"]


# One output fails, the other is settled all the same, and the failure names the output.
def test_one_output_never_stops_another(cluster: Cluster) -> None:
    first = changed_plan()["outputs"][0]
    second = {**first, "name": "SECOND"}
    document = {"version": 1, "outputs": [first, second]}
    pipeline = make_pipeline(document)
    settings = {name: {**pipeline.document["outputs"][name]} for name in pipeline.document["outputs"]}
    settings["SECOND"]["index"] = "second"
    pipeline = load_pipeline({**pipeline.document, "outputs": settings}, ZoneInfo)
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    cluster.request("PUT", f"/{INDEX}", {"settings": {"index.blocks.write": True}})

    reports = {report.output: report for report in manager.settle(NOW, forever)}
    refresh(cluster)

    assert reports["DESTINATION_SQL_STREAM"].problems
    assert reports["SECOND"].problems == []
    assert counts(settled(cluster, "second")) == expected([(WINDOW, 200)])


# A value that does not fit its field costs the field, not the document.
def test_bad_value_costs_its_field(cluster: Cluster) -> None:
    manager_of(cluster).manage(NOW, forever)
    partial = make_documents(make_pipeline(), "one", [(WINDOW, 200)], NOW)[0]

    refused = bulk(cluster, [{**partial, "statusCount": "many", "datetime": "yesterday", "extra": {"deep": 1}}])
    run_settle(cluster, NOW)

    assert refused == []
    assert counts(settled(cluster)) == expected([(WINDOW, 200)])


# Two manage runs at once: both end well, and nothing is left to do.
def test_two_manage_runs_at_once(cluster: Cluster) -> None:
    bulk(cluster, make_documents(make_pipeline(), "one", [(WINDOW, 200)] * 50, NOW))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(manager_of(cluster).manage(NOW, forever))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_settle(cluster, NOW)
    last = manager_of(cluster).manage(NOW + 20 * MINUTE_MS, forever)

    assert [result.failed for result in results] == [[], []]
    assert not last.failed
    assert counts(settled(cluster)) == expected([(WINDOW, 200)] * 50)


# Snapshots that retention requires: the index stays until a successful snapshot has it, then goes.
def test_required_snapshot(cluster: Cluster) -> None:
    repositories = cluster.request("GET", "/_nodes/settings", params={"filter_path": "nodes.*.settings.path.repo"})
    node = next(iter(repositories["nodes"].values()), None)
    if node is None:
        pytest.skip("the server given has no path.repo")
    location = node["settings"]["path"]["repo"]
    body = {"type": "fs", "settings": {"location": location if isinstance(location, str) else location[0]}}
    cluster.request("PUT", "/_snapshot/backup", body)
    cluster.request("PUT", "/request_data-2025-01-01")
    pipeline = make_pipeline(retention={"max_age_days": 30}, options={"require_snapshot": "backup"})
    manager = manager_of(cluster, pipeline)

    manager.manage(NOW, forever)
    waiting = manager.manage(NOW + 20 * MINUTE_MS, forever)
    there = bool(cluster.request("GET", "/request_data-2025-*"))
    snapshot = {"indices": "request_data-2025-01-01"}
    cluster.request("PUT", f"/_snapshot/backup/s{NOW}", snapshot, {"wait_for_completion": "true"})
    manager.manage(NOW + 40 * MINUTE_MS, forever)
    gone = not cluster.request("GET", "/request_data-2025-*")
    cluster.request("DELETE", f"/_snapshot/backup/s{NOW}")

    assert [note.kind for note in waiting.plan.notes] == ["stuck"]
    assert there
    assert gone


# Force-merge and read-only before the end, on the server: one segment, no more writes, and the plan is empty after it.
def test_force_merge(cluster: Cluster) -> None:
    pipeline = make_pipeline(options={"force_merge": True})
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)], NOW))
    run_settle(cluster, NOW, pipeline)
    later = NOW + 12 * DAY_MS
    manager.manage(later, forever)

    managed = manager.manage(later + 20 * MINUTE_MS, forever)

    assert [result.action.target for result in managed.results if result.action.kind == "force_merge"] == [INDEX]
    blocks = cluster.request("GET", f"/{INDEX}/_settings")[INDEX]["settings"]["index"]["blocks"]
    assert blocks == {"write": "true"}
    assert manager.plan(later + 21 * MINUTE_MS)[0].actions == ()


# Rollover on the server: rows continue in a new index, and all of them stay visible through the alias.
def test_rollover(cluster: Cluster) -> None:
    pipeline = make_pipeline(row_plan(), index="requests", rotation="rollover", options={"rollover": {"max_docs": 2}})
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "one", [(WINDOW, 200)] * 3, NOW))
    refresh(cluster)

    manager.manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "two", [(WINDOW, 404)], NOW))
    refresh(cluster)

    assert sorted(cluster.request("GET", "/requests")) == ["requests-000001", "requests-000002"]
    assert len(settled(cluster, "requests-000002")) == 1
    assert len(settled(cluster, "requests")) == 4
