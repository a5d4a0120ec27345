"""Removes what was counted in some spans, so that only the load's documents count there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.settling.partials import LENIENT
from streamtally.indices.load_entries import Span
from streamtally.indices.names import parse_index_name
from streamtally.indices.spec import IndexSpec
from streamtally.indices.state import OutputState

PAGE = 2_000
TIME_LIMIT_SECONDS = 3_600.0
BLOCK = "*.settings.index.blocks.write"


def unblock(cluster: Cluster, spec: IndexSpec, spans: Sequence[Span]) -> None:
    """Make the indices of opened spans writable again: closing and force-merging block them."""
    for path in (f"/partials-{spec.index}-2*", f"/{spec.index}-2*"):
        answer = cluster.request("GET", f"{path}/_settings", params={**LENIENT, "filter_path": BLOCK}, ignore=(404,))
        for name, body in answer.items():
            parsed = parse_index_name(name, spec.index)
            if not parsed or not parsed.period or body["settings"]["index"]["blocks"]["write"] != "true":
                continue
            if any(start < parsed.period.end_ms and parsed.period.start_ms < end for start, end in spans):
                cluster.request("PUT", f"/{name}/_settings", {"index": {"blocks": {"write": None}}})


def clear_spans(cluster: Cluster, spec: IndexSpec, state: OutputState, spans: Sequence[Span]) -> None:
    """Remove partials, rows and settled counts. Settled documents are hidden, never deleted.

    Args:
        state: determines versions that win over those of every older settling run.
    Raises: ClusterError: part of it was rejected.
    """
    for span in spans:
        _delete(cluster, f"/partials-{spec.index}-2*", _between("tally.window_start", span))
        if spec.has_rows:
            path = f"/{spec.index}-2*,{spec.index}-0*"
            _delete(cluster, path, [*_between("tally.time", span), {"exists": {"field": "tally.row_id"}}])
        _hide(cluster, spec, state, span)


def _between(field: str, span: Span) -> list[dict[str, Any]]:
    return [{"range": {field: {"gte": span[0], "lt": span[1], "format": "epoch_millis"}}}]


def _delete(cluster: Cluster, path: str, filters: list[dict[str, Any]]) -> None:
    cluster.request("POST", f"{path}/_refresh", params=LENIENT)
    body = {"query": {"bool": {"filter": filters}}}
    params = {**LENIENT, "refresh": "true"}
    answer = cluster.request("POST", f"{path}/_delete_by_query", body, params, timeout_seconds=TIME_LIMIT_SECONDS)
    if answer.get("failures") or answer.get("version_conflicts") or answer.get("timed_out"):
        raise ClusterError(f"{path}: not all documents of a span could be deleted: run the same command again")


def _hide(cluster: Cluster, spec: IndexSpec, state: OutputState, span: Span) -> None:
    """Replace settled documents by hidden ones without counts, of a version that only later settling can overwrite."""
    for hits in _pages(cluster, f"/{spec.index}-2*", span):
        lines: list[bytes] = []
        for hit in hits:
            version = state.version_base(hit["sort"][0])
            head = {"_index": hit["_index"], "_id": hit["_id"], "version": version, "version_type": "external_gte"}
            tally = {**hit["_source"]["tally"], "partials": 0, "final": True, "visible": False}
            lines += [orjson.dumps({"index": head}), orjson.dumps({**hit["_source"], "tally": tally})]
        failed = cluster.bulk(lines, {"pipeline": "_none"})
        refused = [item for item in failed if item.status != 409]  # 409: hidden or settled again in the meantime
        if refused:
            first = refused[0]
            text = f"{len(refused)} settled documents rejected: {first.status} {first.kind} {first.reason}"
            raise ClusterError(f"{spec.index}: {text}", first.status, first.kind)
    cluster.request("POST", f"/{spec.index}-2*/_refresh", params=LENIENT)


def _pages(cluster: Cluster, path: str, span: Span) -> Iterator[list[Any]]:
    """The settled documents of a span that still count, at one point in time."""
    counts = [{"exists": {"field": "tally.group_id"}}, *_between("tally.window_start", span)]
    rows = [{"exists": {"field": "tally.row_id"}}]
    body = {
        "size": PAGE,
        "query": {"bool": {"filter": counts, "must_not": rows}},
        "sort": ["tally.window_start"],
    }
    answer = cluster.request("POST", f"{path}/_search", body, {**LENIENT, "scroll": "5m"})
    scroll = answer.get("_scroll_id")
    while answer["hits"]["hits"]:
        yield answer["hits"]["hits"]
        answer = cluster.request("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": scroll})
        scroll = answer.get("_scroll_id", scroll)
    if scroll:
        cluster.request("DELETE", "/_search/scroll", {"scroll_id": [scroll]}, ignore=(404,))
