"""manage on a real server: what it makes, and that it leaves alone what is as it should be."""

from __future__ import annotations

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.config.outputs import Rotation
from streamtally.indices.ingest import to_pipeline
from streamtally.indices.state import OutputState, RotationFrom
from streamtally.times.iso import to_iso
from tests.integration.opensearch.data import INBOX, forever, make_documents, make_pipeline, manager_of, ms, row_plan

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


# The inbox's script and Python name an index alike: every rotation, turns of years, a change of rotation between.
def test_script_and_python_name_alike(cluster: Cluster) -> None:
    change = ms("2018-06-03T00:00")
    times = [ms("2015-12-20T22:30") + step * 13 * 3_600_000 for step in range(2600)]
    changes: list[tuple[Rotation, Rotation]] = [("week", "hour"), ("month", "day"), ("day", "week")]
    for first, second in changes:
        state = OutputState(
            rotations=(RotationFrom(0, first), RotationFrom(change, second)), closed_before_ms=times[20]
        )
        spec = manager_of(cluster, make_pipeline(row_plan(), index="requests")).specs[0]
        row = make_documents(make_pipeline(row_plan(), index="requests"), "one", [(NOW, 200)], NOW)[0]["tally"]
        tallies = [{**row, "time": to_iso(time)} for time in times]
        docs = [{"_index": "inbox", "_source": {"tally": tally}} for tally in tallies]

        body = {"pipeline": to_pipeline([spec], {"requests": state}), "docs": docs}
        answer = cluster.request("POST", "/_ingest/pipeline/_simulate", body)

        names = [entry["doc"]["_index"] for entry in answer["docs"]]
        assert all(name.startswith("late-requests-2") for name in names[:20])
        assert names[20:] == [state.output_name("requests", t) for t in times[20:]]


# Documents without a partial's or row's id pass the pipeline unmodified: the same stream may carry others.
def test_foreign_documents_pass(cluster: Cluster) -> None:
    manager = manager_of(cluster)
    manager.manage(NOW, forever)
    foreign = [{"a": 1}, {"tally": "none"}, {"tally": {"a": 1}}, {"tally": None}]
    docs = [{"_index": "elsewhere", "_id": "1", "_source": source} for source in foreign]

    answer = cluster.request("POST", f"/_ingest/pipeline/{INBOX}/_simulate", {"docs": docs})

    assert [entry["doc"]["_source"] for entry in answer["docs"]] == foreign
    assert {(entry["doc"]["_index"], entry["doc"]["_id"]) for entry in answer["docs"]} == {("elsewhere", "1")}
