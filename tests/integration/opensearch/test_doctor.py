"""What doctor and status read of a real cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamtally.aws.evidence.opensearch import gather_opensearch
from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.manager import make_manager
from streamtally.aws.streams.status import AT_LEAST_ONCE, EXACT, inbox_counts
from streamtally.doctor import examine
from streamtally.findings import Finding
from streamtally.indices.spec import read_specs
from tests.integration.opensearch.data import bulk, forever, make_documents, make_pipeline, ms
from tests.integration.opensearch.server import Server
from tests.unit.cli.operator_runner import run

STREAM, INDEX = "log-summary-stream", "request_data"
PIPELINE = make_pipeline()
NOW = ms("2026-03-10T12:00")


def _found(cluster: Cluster) -> list[str]:
    return [finding.check for finding in examine([gather_opensearch(cluster, INDEX)])]


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
    assert [finding.check for finding in examine([state])] == ["ids-not-derived"]


def test_counts_are_exact_once_pipeline_and_template_are_in_place(cluster: Cluster) -> None:
    """Without either of them they are at least once, and the reason says which."""
    inbox = f"inbox-{STREAM}"
    assert inbox_counts(cluster, STREAM, inbox) == (
        AT_LEAST_ONCE,
        f"the ingest pipeline {inbox} does not exist: run streamtally indices apply",
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


def _managed(cluster: Cluster) -> None:
    """What a deployment's first run makes, and the index of a day."""
    manager = make_manager(cluster, PIPELINE, {"SUMMARY_STREAM": STREAM})
    assert not manager.manage(NOW, forever).failed
    cluster.request("PUT", f"/{INDEX}-2026-03-10", {})


def _with_spec(cluster: Cluster, **more: Any) -> list[Finding]:
    (spec,) = read_specs(PIPELINE.document, STREAM)
    return list(examine([gather_opensearch(cluster, INDEX, spec=spec, **more)]))


def test_what_the_manager_made_is_sound(cluster: Cluster) -> None:
    """Templates, alias and mapping: the doctor is silent, also over rows and partials under their ids."""
    _managed(cluster)
    documents = make_documents(PIPELINE, "one", [(ms("2026-03-10T11:58"), 200)], NOW)
    assert bulk(cluster, documents) == []
    cluster.request("POST", "/_refresh")
    state = gather_opensearch(cluster, INDEX, spec=read_specs(PIPELINE.document, STREAM)[0])
    assert len(state.hits) == 1
    assert list(examine([state])) == []


def test_an_alias_that_is_gone_and_a_data_view_that_matches_nothing(cluster: Cluster) -> None:
    """There are indices, but users see none; a view with a misspelt pattern beside a correct one."""
    _managed(cluster)
    views = {"a": f"{INDEX}*", "b": "request-data*", "c": "somebody-elses*"}
    for key, title in views.items():
        body = {"type": "index-pattern", "index-pattern": {"title": title}}
        mapping = {"mappings": {"properties": {"type": {"type": "keyword"}}}}
        cluster.request("PUT", "/.kibana_1", mapping, ignore=(400,))
        cluster.request("PUT", f"/.kibana_1/_doc/index-pattern:{key}", body, {"refresh": "true"})
    assert [finding.text for finding in _with_spec(cluster)] == ["the data view request-data* matches no index"]
    cluster.request("DELETE", f"/{INDEX}-2026-03-10/_alias/{INDEX}")
    (finding, _) = _with_spec(cluster)
    assert (finding.check, finding.text) == (
        "alias-empty", f"the alias {INDEX} does not exist: queries of it find none of 1 indices"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (
            {"properties": {"status": {"type": "boolean"}}},
            "status is boolean, and integer in the pipeline: documents",
        ),
        ({"dynamic": "strict", "properties": {}}, '"dynamic": "strict"'),
        ({"properties": {f"f{n}": {"type": "keyword"} for n in range(1000)}}, "limit of fields"),
    ],
    ids=["type", "strict", "full"],
)
def test_mappings_that_refuse_documents(cluster: Cluster, mapping: Any, says: str) -> None:
    """Found before a document comes; the server itself agrees that it would refuse one."""
    name = f"{INDEX}-2026-03-10"
    cluster.request("PUT", f"/{name}", {"aliases": {INDEX: {}}, "mappings": mapping})
    findings = _with_spec(cluster)
    assert [finding.check for finding in findings] == ["opensearch-mapping"]
    assert says in findings[0].text
    with pytest.raises(ClusterError, match=r"mapper_parsing|strict_dynamic|illegal_argument|limit"):
        cluster.request("POST", f"/{name}/_doc", {"status": 200, "statusCount": 1})


def test_lenient_indices_of_ours_lose_the_field_and_not_the_document(cluster: Cluster) -> None:
    """With ignore_malformed it is a warning, and the server takes the document."""
    body = {"aliases": {INDEX: {}}, "settings": {"index.mapping.ignore_malformed": True}}
    body |= {"mappings": {"properties": {"status": {"type": "ip"}}}}
    cluster.request("PUT", f"/{INDEX}-2026-03-10", body)
    assert [(finding.check, finding.level) for finding in _with_spec(cluster)] == [("opensearch-mapping", "warning")]
    cluster.request("POST", f"/{INDEX}-2026-03-10/_doc", {"status": 200})


def test_a_cluster_that_takes_no_writes_and_a_disk_past_its_watermark(cluster: Cluster) -> None:
    """The cluster's own block, and configured watermarks (free bytes, here more than there can be)."""
    _managed(cluster)
    cluster.request("PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.create_index": True}})
    assert [finding.text for finding in _with_spec(cluster)] == ["the cluster has cluster.blocks.create_index"]
    cluster.request("PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.create_index": None}})
    marks = {"low": "600000tb", "high": "500000tb", "flood_stage": "1b"}
    watermark = "cluster.routing.allocation.disk.watermark."
    cluster.request(
        "PUT", "/_cluster/settings", {"persistent": {watermark + key: value for key, value in marks.items()}}
    )
    assert [(finding.check, finding.level) for finding in _with_spec(cluster)] == [("opensearch-disk", "warning")]
    assert "past the high watermark (500000tb)" in _with_spec(cluster)[0].text


def test_an_index_that_the_flood_stage_has_blocked(cluster: Cluster) -> None:
    """read_only_allow_delete is what a full disk leaves."""
    _managed(cluster)
    block = {"index.blocks.read_only_allow_delete": True}
    cluster.request("PUT", f"/{INDEX}-2026-03-10/_settings", block)
    (finding,) = _with_spec(cluster)
    assert (finding.check, finding.text) == ("opensearch-read-only", f"{INDEX}-2026-03-10 is read-only")
    cluster.request("PUT", f"/{INDEX}-2026-03-10/_settings", {"index.blocks.read_only_allow_delete": None})


def test_the_command_on_a_cluster(cluster: Cluster, opensearch: Server, tmp_path: Path) -> None:
    """--opensearch-url alone, with a log that is fine: exit status 1 for an alias without an index, then 0."""
    log = tmp_path / "agent.log"
    log.write_text("INFO fine\n")
    assert run("doctor", str(log), "--opensearch-url", opensearch.url).status == 1
    _managed(cluster)
    ran = run("doctor", str(log), "--opensearch-url", opensearch.url)
    # The cluster has documents of one output; that the other has none yet is a note.
    assert ran.status == 0
    (note,) = [line for line in ran.stdout.splitlines() if line[:1] != " "]
    assert note.startswith(f"note    {opensearch.url}: level_data matches no index: this output has had no document")
