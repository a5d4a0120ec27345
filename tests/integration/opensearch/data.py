"""Pipelines, log lines and partials for tests: partials are made by the project's own transform."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.manager import Manager, make_manager
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform

OUTPUT = "DESTINATION_SQL_STREAM"
STREAM = "log-summary-stream"
INBOX = f"inbox-{STREAM}"
PLAN: dict[str, Any] = json.loads((Path(__file__).parents[3] / "bench/plans/counts.json").read_text(encoding="utf-8"))
MINUTE_MS = 60_000
DAY_MS = 86_400_000
Document = dict[str, Any]


def ms(text: str) -> int:
    """``2026-03-01T10:00`` (UTC) as milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def pipeline_document(plan: Mapping[str, Any] = PLAN, **settings: Any) -> dict[str, Any]:
    """The default pipeline's document, with settings of its output changed."""
    source = {
        "format": "auto", "time_field": "datetime", "time_format": "dd/MMM/yyyy:HH:mm:ss Z", "time_zone": "UTC",
        "types": {"response": "INTEGER", "bytes": "BIGINT"},
    }  # fmt: skip
    names = {node.get("stream", node["name"]) for node in plan["outputs"]}
    return {"source": source, "outputs": {name: {"index": "request_data", **settings} for name in names}, "plan": plan}


def make_pipeline(plan: Mapping[str, Any] = PLAN, **settings: Any) -> Pipeline:
    return load_pipeline(pipeline_document(plan, **settings), ZoneInfo)


def changed_plan(**changes: Any) -> dict[str, Any]:
    """The default plan with fields of its output changed."""
    return {**PLAN, "outputs": [{**PLAN["outputs"][0], **changes}]}


def row_plan(name: str = "ROWS") -> dict[str, Any]:
    """A plan with a document a line."""
    columns = [
        {"name": "request", "type": "VARCHAR(256)", "expr": {"column": "request"}},
        {"name": "status", "type": "INTEGER", "expr": {"column": "response"}},
    ]
    return {
        "version": 1,
        "outputs": [{"name": name, "kind": "row", "time": {"time": "event"}, "where": None, "columns": columns}],
    }


def manager_of(cluster: Cluster, pipeline: Pipeline | None = None, **options: Any) -> Manager:
    return make_manager(cluster, pipeline or make_pipeline(), {"SUMMARY_STREAM": STREAM}, **options)


def forever() -> float:
    """Time left that never runs out."""
    return 3600.0


def log_line(time_ms: int, status: int = 200) -> str:
    when = datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'203.0.113.9 - - [{when}] "GET /index.html HTTP/1.1" {status} 512 "-" "curl/8.5.0"'


def make_documents(pipeline: Pipeline, name: str, lines: Sequence[tuple[int, int]], arrival_ms: int) -> list[Document]:
    """The documents of one batch, as Firehose would deliver them.

    Args:
        name: makes the batch's record identities: the same name is the same batch, called again.
        lines: (event time in ms, status).
    """
    raw = [
        {
            "recordId": f"{name}-{number}",
            "approximateArrivalTimestamp": arrival_ms,
            "data": base64.b64encode(log_line(time_ms, status).encode()).decode(),
        }
        for number, (time_ms, status) in enumerate(lines)
    ]
    outcome = transform(pipeline, decode_records(raw, arrival_ms))
    return [json.loads(line) for delivery in outcome.deliveries for line in delivery.documents]


def bulk(cluster: Cluster, documents: Iterable[Mapping[str, Any]], index: str = INBOX, **params: str) -> list[Any]:
    """Write as Firehose does: bulk `index` operations with ids of its own into one index name."""
    lines: list[bytes] = []
    for number, document in enumerate(documents):
        lines += [json.dumps({"index": {"_index": index, "_id": f"firehose-{id(document)}-{number}"}}).encode()]
        lines += [json.dumps(document).encode()]
    return list(cluster.bulk(lines, params)) if lines else []


def put_stamped(cluster: Cluster, document: Document, stamped_ms: int) -> None:
    """Write a partial where the inbox's pipeline would, stamped by a node whose clock says ``stamped_ms``."""
    tally = {**document["tally"], "ingested_at": stamped_ms}
    index = f"partials-request_data-{tally['window_start'][:10]}"
    path = f"/{index}/_doc/{tally['partial_id']}"
    cluster.request("PUT", path, {**document, "tally": tally})


def refresh(cluster: Cluster) -> None:
    cluster.request("POST", "/_all/_refresh")


def run_settle(cluster: Cluster, now_ms: int, pipeline: Pipeline | None = None) -> SettleReport:
    """One settling run of the first output, which must not fail."""
    report = manager_of(cluster, pipeline).settle(now_ms, forever)[0]
    assert report.problems == []
    assert report.finished
    return report


def settled(cluster: Cluster, alias: str = "request_data") -> list[Document]:
    """The complete documents of an alias."""
    refresh(cluster)
    body: dict[str, Any] = {"size": 10_000, "sort": ["tally.window_start"]}
    documents: list[Document] = []
    while True:
        hits = cluster.request("POST", f"/{alias}/_search", body, {"ignore_unavailable": "true"})["hits"]["hits"]
        documents += [hit["_source"] for hit in hits]
        if len(hits) < 10_000:
            return documents
        raise AssertionError("more documents than one page")


def counts(documents: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, int]]:
    """(minute, status) → count; a group that is there twice is a failure of its own."""
    counted: Counter[tuple[str, int]] = Counter()
    for document in documents:
        key = (document["datetime"], document["status"])
        assert key not in counted, f"two documents for {key}"
        counted[key] = document["statusCount"]
    return counted


def expected(lines: Iterable[tuple[int, int]]) -> Counter[tuple[str, int]]:
    """The plain counts of lines (event time in ms, status)."""
    return Counter(
        (datetime.fromtimestamp(t // MINUTE_MS * 60, UTC).strftime("%Y-%m-%dT%H:%M:%S.000"), s) for t, s in lines
    )
