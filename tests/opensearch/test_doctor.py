"""What doctor and status read of a real cluster."""

from __future__ import annotations

from streamtally.aws.doctor import gather_opensearch
from streamtally.aws.opensearch import Cluster
from streamtally.aws.status import AT_LEAST_ONCE, EXACT, inbox_counts
from streamtally.doctor import examine

STREAM, INDEX = "log-summary-stream", "request_data"


def _found(cluster: Cluster) -> list[str]:
    return [each.check for each in examine([gather_opensearch(cluster, INDEX)])]


def test_an_alias_that_matches_nothing_then_a_sound_index_then_a_blocked_one(cluster: Cluster) -> None:
    """Each state of a real server gives its finding alone."""
    assert _found(cluster) == ["alias-empty"]
    cluster.request("PUT", f"/{INDEX}-2026-01-01", {"aliases": {INDEX: {}}})
    assert _found(cluster) == []
    cluster.request("PUT", f"/{INDEX}-2026-01-01/_settings", {"index.blocks.write": True})
    assert _found(cluster) == ["opensearch-read-only"]


def test_documents_under_other_ids_are_found(cluster: Cluster) -> None:
    """One under its derived id, one not."""
    cluster.request("PUT", f"/{INDEX}-2026-01-01", {"aliases": {INDEX: {}}})
    for wrong in ("aaa", "ccc"):
        tally = {"partial_id": "aaa", "batch_id": "b"}
        path = f"/partials-{INDEX}-2026-01-01/_doc/{wrong}"
        cluster.request("PUT", path, {"tally": tally}, {"refresh": "true"})
    state = gather_opensearch(cluster, INDEX)
    assert len(state.hits) == 2
    assert [each.check for each in examine([state])] == ["ids-not-derived"]


def test_counts_are_exact_once_pipeline_and_template_are_in_place(cluster: Cluster) -> None:
    """Without either of them they are at least once, and the reason says which."""
    inbox = f"inbox-{STREAM}"
    assert inbox_counts(cluster, STREAM, inbox) == (
        AT_LEAST_ONCE,
        f"there is no ingest pipeline {inbox}: streamtally indices apply",
    )
    cluster.request("PUT", f"/_ingest/pipeline/{inbox}", {"processors": []})
    assert inbox_counts(cluster, STREAM, inbox)[0] == AT_LEAST_ONCE
    template = {"index_patterns": [inbox], "template": {"settings": {"index.default_pipeline": inbox}}}
    cluster.request("PUT", "/_index_template/streamtally-inbox", template)
    assert inbox_counts(cluster, STREAM, inbox)[0] == EXACT
    cluster.request("PUT", "/old-index", {})
    assert inbox_counts(cluster, STREAM, "old-index")[0] == AT_LEAST_ONCE
    cluster.request("PUT", "/old-index/_settings", {"index.default_pipeline": inbox})
    assert inbox_counts(cluster, STREAM, "old-index")[0] == EXACT
