"""Repairs documents written before the ingest pipeline existed, and replaces an index that has the alias's name.

A repair copies each document through the pipeline and deletes exactly what it copied (by sequence number: a document
that changed in between stays for the next run). If it is killed anywhere and run again it ends in the same state, since
the copies' ids are derived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.observe import UNSTAMPED_QUERY

PAGE_DOCUMENTS = 2_000
POLL_SECONDS = 0.5


def repair(cluster: Cluster, index: str, pipeline: str, time_left: Callable[[], float]) -> int:
    """Send an index's documents that bypassed the pipeline through it. Returns: the number of documents moved.

    Args:
        pipeline: the inbox's name; copies are written to the inbox and redirected, so the index need not exist.
    Raises: ClusterError: documents could not be copied; these are not deleted.
    """
    cluster.request("POST", f"/{index}/_refresh")
    moved = 0
    while time_left() > 15:
        body = {"size": PAGE_DOCUMENTS, "query": UNSTAMPED_QUERY, "seq_no_primary_term": True, "sort": ["_doc"]}
        hits = cluster.request("POST", f"/{index}/_search", body)["hits"]["hits"]
        if not hits:
            return moved
        copied = _copy(cluster, pipeline, hits)
        _delete(cluster, hits, copied)
        moved += len(copied)
        if len(copied) < len(hits):
            raise ClusterError(f"{index}: {len(hits) - len(copied)} documents could not be sent through {pipeline}")
        cluster.request("POST", f"/{index}/_refresh")
    raise ClusterError(f"{index}: {moved} documents were moved before the time limit; the next run continues")


def _copy(cluster: Cluster, pipeline: str, hits: list[Mapping[str, Any]]) -> list[int]:
    lines = []
    for hit in hits:
        lines += [orjson.dumps({"index": {"_index": pipeline, "_id": hit["_id"]}}), orjson.dumps(hit["_source"])]
    failed = {item.position for item in cluster.bulk(lines, {"pipeline": pipeline})}
    return [position for position in range(len(hits)) if position not in failed]


def _delete(cluster: Cluster, hits: list[Mapping[str, Any]], copied: list[int]) -> None:
    def line(hit: Mapping[str, Any]) -> bytes:
        known = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
        return orjson.dumps({"delete": {"_index": hit["_index"], "_id": hit["_id"], **known}})

    if copied:
        cluster.bulk([line(hits[position]) for position in copied])


def replace_index(
    cluster: Cluster, index: str, target: str, alias: Mapping[str, Any], time_left: Callable[[], float]
) -> None:
    """Copy an index that has the alias's name, then replace it by the alias in one call.

    There are two passes: the first while the stream keeps writing, the second over what is new, with writing blocked
    for that short time (Firehose retries for minutes). The alias's write index is the target, so the stream continues.

    Args:
        target: the index that receives the documents.
        alias: ``{"name": …, "options": {…}, "members": [indices that get the alias]}``.
    """
    _reindex(cluster, index, target, time_left)
    cluster.request("PUT", f"/{index}/_settings", {"index": {"blocks": {"write": True}}})
    try:
        _reindex(cluster, index, target, time_left)
        actions: list[dict[str, Any]] = [{"remove_index": {"index": index}}]
        options = alias["options"]
        for member in sorted({*alias["members"], target}):
            written = {"is_write_index": True} if member == target else {}
            actions.append({"add": {"index": member, "alias": alias["name"], **written, **options}})
        cluster.request("POST", "/_aliases", {"actions": actions})
    except ClusterError:
        cluster.request("PUT", f"/{index}/_settings", {"index": {"blocks": {"write": None}}})
        raise


def _reindex(cluster: Cluster, index: str, target: str, time_left: Callable[[], float]) -> None:
    cluster.request("POST", f"/{index}/_refresh")
    body = {
        "conflicts": "proceed",
        "source": {"index": index},
        # Documents that exist already stay; settled documents among them are newer than any copy.
        "dest": {"index": target, "op_type": "create", "pipeline": "_none"},
    }
    task = cluster.request("POST", "/_reindex", body, {"wait_for_completion": "false", "refresh": "true"})["task"]
    while True:
        state = cluster.request("GET", f"/_tasks/{task}")
        if state.get("completed"):
            break
        if time_left() < 20:
            cluster.request("POST", f"/_tasks/{task}/_cancel")
            raise ClusterError(f"{index}: copying to {target} did not end before the time limit")
        time.sleep(POLL_SECONDS)
    failures = state["response"].get("failures") or ([state["error"]] if state.get("error") else [])
    if failures:
        raise ClusterError(f"{index}: copying to {target}: {failures[0]}")
