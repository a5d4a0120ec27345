"""manage on a real server: what it makes, and that it leaves alone what is as it should be."""

from __future__ import annotations

from streamtally.aws.opensearch import Cluster
from tests.opensearch.data import INBOX, forever, manager_of, ms

NOW = ms("2026-03-10T12:00")


# The first run makes pipeline, templates and state; the second has nothing to do, in fewer than ten requests.
def test_second_run_is_empty(cluster: Cluster) -> None:
    manager = manager_of(cluster)

    first = manager.manage(NOW, forever)
    cluster.requests = 0
    plan, _ = manager.plan(NOW)

    assert not first.failed
    assert {result.action.kind for result in first.results} >= {
        "put_pipeline",
        "put_component_template",
        "put_index_template",
    }
    assert plan.actions == ()
    assert cluster.requests < 10
    assert INBOX in cluster.request("GET", f"/_ingest/pipeline/{INBOX}")
