"""What a real server answers in part with HTTP 200 is refused where all requests pass."""

from __future__ import annotations

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError

TERMS = {"query": {"terms": {"at": [f"2026-03-10T{n // 60:02d}:{n % 60:02d}:00Z" for n in range(600)]}}}
MAPPING = {"mappings": {"properties": {"at": {"type": "date"}}}}


@pytest.fixture
def two(cluster: Cluster) -> Cluster:
    """Two indices, of which one has documents, and the other no such field: there the terms cost nothing."""
    cluster.request("PUT", "/full", MAPPING)
    cluster.request("PUT", "/other")
    cluster.request("PUT", "/full/_doc/1", {"at": "2026-03-10T00:00:00Z"}, {"refresh": "true"})
    return cluster


# One shard has too many clauses, another index of the pattern answers: HTTP 200 without the parameter.
@pytest.mark.parametrize("endpoint", ["_search", "_count"])
def test_too_many_clauses(two: Cluster, endpoint: str) -> None:
    two.request("PUT", "/_cluster/settings", {"persistent": {"indices.query.bool.max_clause_count": 512}})
    with pytest.raises(ClusterError, match=r"too_many_(nested_)?clauses"):
        two.request("POST", f"/full,other/{endpoint}", TERMS)


# An index none of whose copies is there: a count says 200, and nothing failed.
def test_index_without_shards(two: Cluster) -> None:
    nowhere = {"settings": {"index.routing.allocation.require._name": "nobody"}}
    two.request("PUT", "/nowhere", nowhere, {"wait_for_active_shards": "0"})
    with pytest.raises(ClusterError, match="1 of 2 shards answered"):
        two.request("GET", "/full,nowhere/_count")
    with pytest.raises(ClusterError, match="missing shards"):
        two.request("POST", "/full,nowhere/_search", {})
    with pytest.raises(ClusterError, match="could not be read"):
        two.request("POST", "/nowhere/_mget", {"ids": ["1"]})


def test_terminated_early(two: Cluster) -> None:
    two.request("PUT", "/full/_doc/2", {"at": "2026-03-11"}, {"refresh": "true"})
    with pytest.raises(ClusterError, match="terminated early"):
        two.request("POST", "/full/_search", {"terminate_after": 1})


# An aggregation without hits says "terminated early" on a real server (3.6), and has seen all documents.
def test_aggregation_without_hits(two: Cluster) -> None:
    two.request("PUT", "/full/_doc/2", {"at": "2026-03-11"}, {"refresh": "true"})
    days = {"composite": {"size": 10, "sources": [{"at": {"terms": {"field": "at"}}}]}}
    answer = two.request("POST", "/full/_search", {"size": 0, "aggs": {"days": days}})
    assert [bucket["doc_count"] for bucket in answer["aggregations"]["days"]["buckets"]] == [1, 1]


# A complete answer passes, also if a pattern matches nothing.
def test_whole_answers(two: Cluster) -> None:
    lenient = {"ignore_unavailable": "true", "allow_no_indices": "true", "filter_path": "hits.hits._id"}
    assert two.request("POST", "/full,other/_search", {}, lenient)["hits"]["hits"] == [{"_id": "1"}]
    assert "hits" not in two.request("POST", "/absent-*/_search", {}, lenient)
    assert two.request("GET", "/full/_count")["count"] == 1
    deleted = two.request("POST", "/full/_delete_by_query", {"query": {"match_all": {}}}, {"refresh": "true"})
    assert deleted["deleted"] == 1
