"""A cluster balanced over three zones, as Multi-AZ with Standby is: it takes multiples of three copies alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from tests.integration.opensearch.data import forever, make_pipeline, manager_of, ms

NOW = ms("2026-03-10T12:00")


def balance(cluster: Cluster, zones: str = "a,b,c") -> None:
    attributes = cluster.request("GET", "/_nodes", params={"filter_path": "nodes.*.attributes.zone"})
    if not attributes:  # no shard would find a place
        pytest.skip("the node has no attribute zone: start it with -Enode.attr.zone=a")
    awareness = "cluster.routing.allocation.awareness"
    settings = {
        f"{awareness}.attributes": "zone",
        f"{awareness}.force.zone.values": zones,
        f"{awareness}.balance": True,
    }
    cluster.request("PUT", "/_cluster/settings", {"persistent": settings})


def replicas(cluster: Cluster) -> dict[str, Any]:
    """Index → its setting; also of the hidden ones."""
    answer = cluster.request("GET", "/_all/_settings", params={"expand_wildcards": "all"})
    return {name: body["settings"]["index"].get("auto_expand_replicas") for name, body in answer.items()}


# Everything is made with copies that such a domain takes: templates, the state's index, and indices of each kind.
def test_a_balanced_cluster_takes_the_defaults(cluster: Cluster) -> None:
    balance(cluster)
    manager = manager_of(cluster)

    run = manager.manage(NOW, forever)

    assert not run.failed, run
    plan, _ = manager.plan(NOW)
    assert plan.actions == ()
    # OpenSearch checks a request that creates an index without its template: the cluster's default must fit as well.
    (note,) = [note.text for note in plan.notes if note.target == "cluster"]
    request = json.loads(note.partition("PUT _cluster/settings ")[2])
    with pytest.raises(ClusterError, match="multiple of total awareness attributes"):
        cluster.request("PUT", "/request_data-2026-03-10/_doc/1", {"status": 200})
    cluster.request("PUT", "/_cluster/settings", request)
    assert not [note for note in manager.plan(NOW)[0].notes if note.target == "cluster"]
    for index in ("partials-request_data-2026-03-10", "late-request_data-2026-03-10", "late-unknown"):
        cluster.request("PUT", f"/{index}")
    cluster.request("PUT", "/request_data-2026-03-10/_doc/1", {"status": 200}, {"pipeline": "_none"})
    assert len(replicas(cluster)) == 5
    assert set(replicas(cluster).values()) == {"0-2"}


# Balanced over two zones, and not balanced at all: one replica, as before.
@pytest.mark.parametrize("zones", ["a,b", ""])
def test_other_clusters_keep_one_replica(cluster: Cluster, zones: str) -> None:
    if zones:
        balance(cluster, zones)
    assert not manager_of(cluster).manage(NOW, forever).failed
    cluster.request("PUT", "/request_data-2026-03-10")
    assert set(replicas(cluster).values()) == {"0-1"}


# A number of the pipeline's own is refused by the cluster, and the plan says before which setting it was.
def test_a_number_that_does_not_fit_is_named(cluster: Cluster) -> None:
    balance(cluster)
    plan, _ = manager_of(cluster, make_pipeline(replicas=1)).plan(NOW)
    assert [note.text for note in plan.notes if "set replicas = 2" in note.text]
    assert not manager_of(cluster, make_pipeline(shards=2, auto_expand_replicas="0-all")).manage(NOW, forever).failed
