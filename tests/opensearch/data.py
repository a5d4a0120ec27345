"""Pipelines and partials for tests, made by the project's own transform."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.index_manager import Manager, make_manager
from streamtally.aws.opensearch import Cluster
from streamtally.pipeline import Pipeline, load_pipeline

OUTPUT = "DESTINATION_SQL_STREAM"
STREAM = "log-summary-stream"
INBOX = f"inbox-{STREAM}"
PLAN = json.loads((Path(__file__).parents[2] / "layers/pipeline/pipeline/plan.json").read_text())
MINUTE_MS = 60_000
DAY_MS = 86_400_000


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


def manager_of(cluster: Cluster, pipeline: Pipeline | None = None, **options: Any) -> Manager:
    return make_manager(cluster, pipeline or make_pipeline(), {"SUMMARY_STREAM": STREAM}, **options)


def forever() -> float:
    """Time left that never runs out."""
    return 3600.0


def bulk(cluster: Cluster, documents: Iterable[Mapping[str, Any]], index: str = INBOX) -> list[Any]:
    """Write as Firehose does: bulk `index` operations with ids of its own into one index name."""
    lines: list[bytes] = []
    for number, document in enumerate(documents):
        lines += [json.dumps({"index": {"_index": index, "_id": f"firehose-{id(document)}-{number}"}}).encode()]
        lines += [json.dumps(document).encode()]
    return list(cluster.bulk(lines)) if lines else []


def refresh(cluster: Cluster) -> None:
    cluster.request("POST", "/_all/_refresh")


def settled(cluster: Cluster, alias: str = "request_data") -> list[dict[str, Any]]:
    """The documents behind an alias, whole."""
    refresh(cluster)
    body = {"size": 10_000, "query": {"match_all": {}}}
    hits = cluster.request("POST", f"/{alias}/_search", body)["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def counts(documents: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, int]]:
    """(minute, status) → count; a group that is there twice is a failure of its own."""
    found: Counter[tuple[str, int]] = Counter()
    for document in documents:
        key = (document["datetime"], document["status"])
        assert key not in found, f"two documents for {key}"
        found[key] = document["statusCount"]
    return found
