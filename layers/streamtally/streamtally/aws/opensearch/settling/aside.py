"""Partials that cannot be settled: copied to ``late-unknown`` before their index is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streamtally.aws.opensearch.cluster import ClusterError
from streamtally.aws.opensearch.settling.queries import Query, to_chunks
from streamtally.aws.opensearch.settling.settle_run import SettleRun
from streamtally.indices.ingest import FAILURE_FIELD
from streamtally.indices.names import LATE_UNKNOWN
from streamtally.indices.settling.settled import Aside

PAGE = 500
MOST = 10_000  # index.max_result_window; a page of ids stays far below it, even with duplicates


def put_aside(run: SettleRun, index: str, aside: Sequence[Aside]) -> None:
    """Copy what settling set aside of an index, with the reason, under the same document ids.

    Raises: ClusterError: something was not copied; the index must stay.
    """
    reasons = {partial.partial_id: partial.reason for partial in aside}
    for chunk in to_chunks(sorted(reasons), PAGE):
        without_id: list[Query] = [{"bool": {"must_not": [{"exists": {"field": "tally.partial_id"}}]}}]
        query: list[Query] = [{"terms": {"tally.partial_id": [name for name in chunk if name]}}]
        should = {"bool": {"should": query + (without_id if "" in chunk else []), "minimum_should_match": 1}}
        body = {"size": MOST, "query": run.partials.query([should]), "track_total_hits": False}
        hits = run.cluster.request("POST", f"/{index}/_search", body)["hits"]["hits"]
        if len(hits) == MOST:
            raise ClusterError(f"{index} is kept: more than {MOST} of its documents cannot be settled", 0)
        for part in to_chunks(hits, PAGE):
            _copy(run, part, reasons)


def _copy(run: SettleRun, hits: Sequence[Mapping[str, Any]], reasons: Mapping[str, str]) -> None:
    lines: list[bytes] = []
    for hit in hits:
        tally = hit["_source"].get("tally")
        partial_id = tally.get("partial_id") if isinstance(tally, dict) else None
        reason = reasons.get(str(partial_id or ""), "it cannot be settled")
        lines += [orjson.dumps({"index": {"_index": LATE_UNKNOWN, "_id": hit["_id"]}})]
        lines += [orjson.dumps({**hit["_source"], FAILURE_FIELD: reason})]
    failed = run.cluster.bulk(lines, {"pipeline": "_none"})
    if failed:
        text = f"{len(failed)} partials could not be copied to {LATE_UNKNOWN}: {failed[0].kind} {failed[0].reason}"
        raise ClusterError(text, failed[0].status, failed[0].kind)
