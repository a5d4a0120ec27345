"""What the index knows of batches: which were counted, and from when on that can still be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamtally.aws.opensearch import Cluster
from streamtally.indices.ingest import read_closed_before
from streamtally.indices.spec import IndexSpec
from streamtally.redrive import FoundBatch

PAGE = 1_000
_BATCH = [
    {"digest": {"terms": {"field": "tally.batch_digest"}}},
    {"batch_id": {"terms": {"field": "tally.batch_id"}}},
]
_ABOUT_BATCH = {
    "records": {"max": {"field": "tally.batch_records"}},
    "first": {"min": {"field": "tally.batch_arrival"}},
    "last": {"max": {"field": "tally.batch_arrival"}},
}


def batch_finder(cluster: Cluster, specs: Sequence[IndexSpec]) -> Callable[[int, int], list[FoundBatch]]:
    """Batches by their arrivals, from the partials and the rows in the index. Raises: ClusterError."""
    path = f"/{','.join(sorted(_patterns(specs)))}/_search"

    def find(first: int, last: int) -> list[FoundBatch]:
        limits = {"gte": first, "lte": last, "format": "epoch_millis"}
        batches: dict[str, Any] = {"size": PAGE, "sources": _BATCH}
        body = {
            "size": 0,
            "query": {"range": {"tally.batch_arrival": limits}},
            "aggs": {"batches": {"composite": batches, "aggs": _ABOUT_BATCH}},
        }
        found: list[FoundBatch] = []
        while True:
            answer = cluster.request("POST", path, body, {"ignore_unavailable": "true"}, ignore=(404,))
            page = (answer.get("aggregations") or {}).get("batches") or {}
            found += map(_found, page.get("buckets", ()))
            if len(page.get("buckets", ())) < PAGE:
                return found
            batches["after"] = page["after_key"]

    return find


def _patterns(specs: Sequence[IndexSpec]) -> set[str]:
    """Partials and rows tell of batches, settled documents do not."""
    partials = {f"partials-{spec.index}-*" for spec in specs if spec.windowed}
    return partials | {f"{spec.index}-*" for spec in specs if spec.has_rows}


def _found(bucket: dict[str, Any]) -> FoundBatch:
    records, first, last = (int(bucket[name]["value"]) for name in ("records", "first", "last"))
    return FoundBatch(bucket["key"]["digest"], bucket["key"]["batch_id"], records, first, last)


def read_closed(cluster: Cluster, specs: Sequence[IndexSpec]) -> dict[str, int]:
    """Output → ``closed_before`` in ms, as the inbox's pipeline has it; 0 where it is not there.

    Raises: ClusterError.
    """
    inboxes = ",".join(sorted({spec.inbox for spec in specs}))
    pipelines = cluster.request("GET", f"/_ingest/pipeline/{inboxes}", ignore=(404,))
    return {
        output.name: read_closed_before(pipelines.get(spec.inbox), spec.index) or 0
        for spec in specs
        for output in spec.outputs
    }
