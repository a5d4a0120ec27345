"""What the inbox takes for a partial or a row: all their fields, each of its kind; everything else is kept aside."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.transform.pipeline import Pipeline, load_pipeline
from tests.integration.opensearch.data import (
    INBOX,
    PLAN,
    bulk,
    counts,
    expected,
    forever,
    make_documents,
    manager_of,
    ms,
    pipeline_document,
    refresh,
    row_plan,
    run_settle,
    settled,
)

NOW = ms("2026-03-10T12:00")
WINDOW = ms("2026-03-10T11:50")
BOTH = {"version": 1, "outputs": [*PLAN["outputs"], *row_plan()["outputs"]]}
GONE = object()

NOT_AN_ID: list[Any] = [
    GONE, None, "", "a", 7, 1.5, True, [], ["0" * 32], {}, {"a": 1}, "0" * 31, "0" * 33, "G" * 32, "A" * 32,
    " " + "0" * 31,
    "\u0660" * 32, "x" * 40_000, "0" * 31 + "\n",
]  # fmt: skip
NOT_A_TIME: list[Any] = [
    GONE, None, "", "yesterday", "2026-03-10", "2026-02-30T10:00:00.000Z", "2026-03-10T25:00:00.000Z",
    1_773_136_800_000, "1773136800000",
    "2026-03-10T10:00:00", "2026-03-10T10:00:00.000Z[Europe/Paris]", "+12026-03-10T10:00:00Z",
    "-2026-03-10T10:00:00Z",
    ["2026-03-10T10:00:00.000Z"], {"a": 1}, "2026-03-10T10:00:00.000Z" * 2_000, "2026-03-10 10:00:00.000Z", True,
    "\u0662026-03-10T10:00:00.000Z", "2026-13-01T00:00:00.000Z",
]  # fmt: skip
NOT_A_COUNT: list[Any] = [GONE, None, "1", "", -1, 1.0, 0.5, True, [1], {"a": 1}, 10**30, "x" * 40_000]
NOT_A_STATE: list[Any] = [
    GONE, None, "{}", [], 7, {}, {"key": [200]}, {"key": [200], "rows": 1}, {"key": "200", "rows": 1, "aggregates": []},
    {"key": {"0": 200}, "rows": 1, "aggregates": []}, {"key": [[200]], "rows": 1, "aggregates": []},
    {"key": [{"a": 1}], "rows": 1, "aggregates": []}, {"key": [200], "rows": "1", "aggregates": []},
    {"key": [200], "rows": 1, "aggregates": {"count": 1}}, {"key": [200], "rows": 1, "aggregates": None},
    [{"key": [200]}],
]  # fmt: skip
ARRIVAL = "2026-03-10T10:00:00.000Z"
NOT_ARRIVALS: list[Any] = [
    GONE, None, ARRIVAL, [], [ARRIVAL], [ARRIVAL] * 3, [ARRIVAL, 7], {"first": ARRIVAL}, [[ARRIVAL, ARRIVAL]],
]  # fmt: skip
EVERY = {
    "batch_id": NOT_AN_ID,
    "batch_digest": NOT_AN_ID,
    "plan_id": NOT_AN_ID,
    "batch_records": NOT_A_COUNT,
    "out_of_range": NOT_A_COUNT,
    "batch_arrival": NOT_ARRIVALS,
    "output": [GONE, None, "NOBODY", 7, [], ["DESTINATION_SQL_STREAM"], {"a": 1}, "x" * 40_000, True],
    "final": [True, "maybe"],
    "visible": [{}, "no"],
    "partials": [3, {"a": 1}],
}
PARTIAL = {
    **EVERY,
    "partial_id": NOT_AN_ID[1:],
    "group_id": NOT_AN_ID,
    "window_start": NOT_A_TIME,
    "state": NOT_A_STATE,
    "batch_partials": [*NOT_A_COUNT[2:]],
    "row_id": ["0" * 32, None, 7],
    "merge": [
        "{}",
        [],
        {},
        7,
        {"key": [200], "values": 1, "v0": 1},
        {"key": "[200]"},
        {"key": "[200]", "values": 1, "v0": "1"},
        {"key": "[200]", "values": 1, "v0": 1.5},
        {"key": "[200]", "values": "1"},
        {"key": "[200]", "values": 1, "v0": {}},
    ],
}
ROW = {**EVERY, "row_id": NOT_AN_ID[1:], "time": NOT_A_TIME, "partial_id": ["0" * 32, None, {}]}


@pytest.fixture
def managed(cluster: Cluster) -> Cluster:
    pipeline = both()
    assert not manager_of(cluster, pipeline).manage(NOW, forever).failed
    return cluster


def both() -> Pipeline:
    document = pipeline_document(BOTH)
    document["outputs"]["ROWS"] = {"index": "rows"}
    return load_pipeline(document, ZoneInfo)


def good(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A partial and a row, as the transform writes them."""
    documents = make_documents(both(), name, [(WINDOW, 200)], NOW)
    partial = next(document for document in documents if "partial_id" in document["tally"])
    row = next(document for document in documents if "row_id" in document["tally"])
    return partial, row


def changed(document: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    tally = {**document["tally"], field: value}
    if value is GONE:
        del tally[field]
    return {**document, "tally": tally}


def unplaced(cluster: Cluster) -> list[dict[str, Any]]:
    refresh(cluster)
    body = {"size": 10_000}
    answer = cluster.request("POST", "/late-unknown/_search", body, {"ignore_unavailable": "true"})
    return [hit["_source"] for hit in answer["hits"]["hits"]]


# One field at a time is missing or of another kind: nothing is refused, nothing is counted, each is kept with a reason
# that names the field, and the good ones beside it settle.
@pytest.mark.parametrize("kind", ["partial", "row"])
def test_each_field_of_each_wrong_kind(managed: Cluster, kind: str) -> None:
    partial, row = good("one")
    document, wrong = (partial, PARTIAL) if kind == "partial" else (row, ROW)
    junk = [(field, changed(document, field, value)) for field, values in wrong.items() for value in values]

    refused = bulk(managed, [*(document for _, document in junk), partial, row])
    kept = unplaced(managed)

    assert refused == []
    assert len(kept) == len(junk)
    reasons = [document["streamtally_failure"] for document in kept]
    by_opensearch = sum(value == 10**30 for values in wrong.values() for value in values)  # it takes no such integer
    assert sum("not a document of ours" in reason for reason in reasons) == len(junk) - by_opensearch
    assert all(len(reason) < 300 for reason in reasons)
    named = wrong.keys() - {"row_id" if kind == "partial" else "partial_id"}  # with both it is neither
    assert {f"tally.{field}" for field in named} <= {reason.split()[0] for reason in reasons}
    run_settle(managed, NOW, both())
    assert counts(settled(managed)) == expected([(WINDOW, 200)])
    assert [document["status"] for document in settled(managed, "rows")] == [200]


# Complete documents of other shapes; those without a ``tally`` pass as before.
def test_other_shapes(managed: Cluster) -> None:
    partial, row = good("one")
    junk: list[Any] = [
        {"tally": "none"}, {"tally": 7}, {"tally": True}, {"tally": []}, {"tally": [partial["tally"]]}, {"tally": [[]]},
        {"tally": {"partial_id": "0" * 32, "output": "DESTINATION_SQL_STREAM", "window_start": ARRIVAL}},
        {"tally": {"partial_id": None}}, {"tally": {"row_id": {"partial_id": {}}}},
        {"tally": {**partial["tally"], "output": "ROWS"}},
        {"tally": {**row["tally"], "output": "DESTINATION_SQL_STREAM"}},
        {**partial, "statusCount": {"a": 1}}, {**partial, "statusCount": [[1]]}, {**partial, "datetime": [{"a": 1}]},
        {**row, "status": {"deep": {"er": []}}},
        {**partial, "tally": {**partial["tally"], "partial_id": "x" * 600}, "streamtally_failure": {"mine": 1}},
    ]  # fmt: skip
    assert bulk(managed, [*junk, partial, row]) == []
    assert len(unplaced(managed)) == len(junk)
    run_settle(managed, NOW, both())
    assert counts(settled(managed)) == expected([(WINDOW, 200)])
    assert not managed.request("GET", f"/{INBOX}", ignore=(404,)).get(INBOX)


# Genuine documents pass: fields of a later version, numbers of any size that the state may hold, no batch_partials.
def test_what_is_ours(managed: Cluster) -> None:
    partial, row = good("one")
    state = {**partial["tally"]["state"], "rows": 2**40, "new": {"deep": [{}]}}
    ours = [
        changed(partial, "batch_partials", GONE),
        changed(partial, "merge", GONE),
        changed(partial, "merge", {**partial["tally"]["merge"], "newer": {"a": 1}}),
        changed(partial, "state", state),
        {**partial, "statusCount": "many", "datetime": "yesterday", "extra": {"deep": 1}},
        changed(partial, "window_start", "2026-03-10T11:50:00Z"),
        changed(partial, "window_start", "2026-03-10T12:50:00.000+01:00"),
        changed(row, "newer", {"a": 1}),
    ]
    assert bulk(managed, ours) == []
    assert unplaced(managed) == []
