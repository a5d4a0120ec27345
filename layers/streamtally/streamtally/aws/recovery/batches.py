"""Which batches were counted, and since when that is known.

A batch is known by its documents in the index, and by documents that are still to be sent there: parked documents, and
those that OpenSearch rejected. A batch that is known only by the latter is counted as soon as they are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.indices.ingest import read_closed_before
from streamtally.indices.spec import IndexSpec
from streamtally.recovery.batches import Batches, FoundBatch
from streamtally.times.iso import from_iso

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
_LENIENT = {"ignore_unavailable": "true"}


class IndexedBatches:
    """Batches by the partials and rows in the index, which is refreshed once. Raises: ClusterError."""

    def __init__(self, cluster: Cluster, specs: Sequence[IndexSpec]) -> None:
        self._cluster = cluster
        self._path = f"/{','.join(sorted(_patterns(specs)))}"
        # A caller who may only read sees what the index's own refresh shows.
        cluster.request("POST", f"{self._path}/_refresh", params=_LENIENT, ignore=(403, 404))

    def find(self, first: int, last: int) -> list[FoundBatch]:
        limits = {"gte": first, "lte": last, "format": "epoch_millis"}
        composite: dict[str, Any] = {"size": PAGE, "sources": _BATCH}
        body = {
            "size": 0,
            "query": {"range": {"tally.batch_arrival": limits}},
            "aggs": {"batches": {"composite": composite, "aggs": _ABOUT_BATCH}},
        }
        batches: list[FoundBatch] = []
        while True:
            page = (self._search(body).get("aggregations") or {}).get("batches") or {}
            batches += map(_to_batch, page.get("buckets", ()))
            if len(page.get("buckets", ())) < PAGE:
                return batches
            composite["after"] = page["after_key"]

    def rows(self, batch_id: str) -> list[Mapping[str, Any]]:
        query = [{"term": {"tally.batch_id": batch_id}}, {"exists": {"field": "tally.row_id"}}]
        body: dict[str, Any] = {"size": PAGE, "query": {"bool": {"filter": query}}, "sort": ["tally.row_id"]}
        rows: list[Mapping[str, Any]] = []
        while True:
            hits = self._search(body).get("hits", {}).get("hits", [])
            rows += (hit["_source"] for hit in hits)
            if len(hits) < PAGE:
                return rows
            body["search_after"] = hits[-1]["sort"]

    def _search(self, body: Mapping[str, Any]) -> Any:
        return self._cluster.request("POST", f"{self._path}/_search", body, _LENIENT, ignore=(404,))


def _patterns(specs: Sequence[IndexSpec]) -> set[str]:
    """The indices of partials and rows, which name their batches; settled documents do not."""
    partials = {f"partials-{spec.index}-*" for spec in specs if spec.windowed}
    return partials | {f"{spec.index}-*" for spec in specs if spec.has_rows}


def _to_batch(bucket: dict[str, Any]) -> FoundBatch:
    records, first, last = (int(bucket[name]["value"]) for name in ("records", "first", "last"))
    return FoundBatch(bucket["key"]["digest"], bucket["key"]["batch_id"], records, first, last)


class WaitingBatches:
    """Batches by documents that are still to be sent: parked, or rejected by OpenSearch."""

    def __init__(self, documents: Iterable[bytes]) -> None:
        self._batches: dict[FoundBatch, None] = {}
        self._rows: dict[str, dict[str, Mapping[str, Any]]] = {}
        for document in map(orjson.loads, documents):
            tally = document.get("tally") or {}
            if "batch_arrival" not in tally:
                continue
            first, last = map(from_iso, tally["batch_arrival"])
            batch_id = str(tally["batch_id"])
            batch = FoundBatch(str(tally["batch_digest"]), batch_id, int(tally["batch_records"]), first, last)
            self._batches[batch] = None
            if "row_id" in tally:
                self._rows.setdefault(batch_id, {})[tally["row_id"]] = document

    def find(self, first: int, last: int) -> list[FoundBatch]:
        return [batch for batch in self._batches if batch.first_arrival <= last and batch.last_arrival >= first]

    def rows(self, batch_id: str) -> list[Mapping[str, Any]]:
        return list(self._rows.get(batch_id, {}).values())


class AllBatches:
    """The batches of several sources, each once."""

    def __init__(self, *sources: Batches) -> None:
        self._sources = sources

    def find(self, first: int, last: int) -> list[FoundBatch]:
        batches = {(b.digest, b.batch_id): b for source in self._sources for b in source.find(first, last)}
        return [batches[key] for key in sorted(batches)]

    def rows(self, batch_id: str) -> list[Mapping[str, Any]]:
        rows = {row["tally"]["row_id"]: row for source in self._sources for row in source.rows(batch_id)}
        return list(rows.values())


def read_closed(cluster: Cluster, specs: Sequence[IndexSpec]) -> dict[str, int]:
    """Output → ``closed_before`` of the inbox's ingest pipeline, in ms since 1970; 0: it is not set.

    Raises: ClusterError.
    """
    inboxes = ",".join(sorted({spec.inbox for spec in specs}))
    pipelines = cluster.request("GET", f"/_ingest/pipeline/{inboxes}", ignore=(404,))
    return {
        output.name: read_closed_before(pipelines.get(spec.inbox), spec.index) or 0
        for spec in specs
        for output in spec.outputs
    }
