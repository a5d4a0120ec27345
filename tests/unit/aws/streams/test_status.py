"""status on recorded answers: the last hour's figures, and whether counts are exact or at least once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.operator_runner import run
from tests.unit.doctor.test_setups import GOOD, RecordedAws, cluster  # noqa: F401 (a fixture)

AWS = json.loads((GOOD / "aws.json").read_text())
OPENSEARCH = json.loads((GOOD / "opensearch.json").read_text())
PIPELINE = "GET /_ingest/pipeline/inbox-log-summary-stream"
TEMPLATE = "POST /_index_template/_simulate_index/inbox-log-summary-stream"
GONE = {"status": 404, "body": {}}


@pytest.mark.parametrize("stream", ["log-ingestion-stream", "log-summary-stream"])
@pytest.mark.parametrize(
    ("answers", "counts", "reason"),
    [
        ({}, "exact", "the ingest pipeline inbox-log-summary-stream is installed"),
        ({PIPELINE: GONE}, "at least once", "does not exist: run streamtally indices apply"),
        ({TEMPLATE: {"template": {}}}, "at least once", "no index template sets"),
        ({"closed": True}, "unknown", "cannot be reached"),
    ],
    ids=["exact", "no pipeline", "no template", "unreachable"],
)
def test_counts_are_exact_while_the_inboxs_pipeline_is_in_place(
    stream: str,
    answers: dict[str, Any],
    counts: str,
    reason: str,
    cluster: Any,  # noqa: F811
) -> None:
    """Told for the summary stream itself, and for the stream whose function puts to it."""
    url = cluster({**OPENSEARCH, **answers})
    ran = run("status", stream, "--opensearch-url", url, "--json", aws=RecordedAws(AWS))
    (status,) = json.loads(ran.stdout)
    assert status["counts"] == counts
    assert reason in status["reason"]
    assert status["last_hour"]["incoming_records"] == 1200
    assert status["last_hour"]["transformed_records"] == 1200
    assert status["last_hour"]["freshness_seconds"] == 70
    assert status["billed_multiple"] == 51.2  # 1,200 records of 100 bytes, each billed as 5,120
    shown = run("status", stream, "--opensearch-url", url, aws=RecordedAws(AWS)).stdout
    assert f"counts     {counts}: " in shown
    assert "billed     at least 51.2 times what was sent" in shown
    assert "fix: send many lines in a record: aggregatedRecordSizeBytes 102400" in shown
    for figure in (
        "incoming records",
        "transformed records",
        "failed records",
        "freshness seconds",
        "function throttles",
    ):
        assert figure in shown


def test_figures_that_may_not_be_asked_for_hide_nothing_else(cluster: Any) -> None:  # noqa: F811
    """CloudWatch is a right of its own: function and counts are told all the same, and why there are no figures."""
    refused = {"error": "AccessDenied", "message": "not authorized to perform: cloudwatch:GetMetricData"}
    aws = {**AWS, "cloudwatch.get_metric_data": refused}
    options = ["status", "log-ingestion-stream", "--opensearch-url", cluster(OPENSEARCH)]
    (status,) = json.loads(run(*options, "--json", aws=RecordedAws(aws)).stdout)
    assert (status["counts"], status["last_hour"]) == ("exact", {})
    assert "cloudwatch:GetMetricData" in status["unread"]
    shown = run(*options, aws=RecordedAws(aws))
    assert shown.status == 0
    assert "last hour  unknown: GetMetricData: AccessDenied" in shown.stdout


RIVAL = {"index_templates": [{"name": "everything", "index_template": {"index_patterns": ["*"], "priority": 1000}}]}
OTHERS = {
    "cluster blocked": (
        {"GET /_cluster/settings": {"persistent": {"cluster.blocks.create_index": "true"}}},
        "no index can be made",
    ),
    "template": ({"GET /_index_template": RIVAL, TEMPLATE: {"template": {}}}, "everything (*; priority 1000)"),
    "shards": (
        {"GET /_cluster/health": {"number_of_data_nodes": 1, "active_shards": 1000}},
        "1,000 of 1,000 shards",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_keeps_documents_out_is_shown_and_the_exit_status_is_1(name: str, cluster: Any) -> None:  # noqa: F811
    """Of the stream's cluster, without knowing the pipeline."""
    answers, says = OTHERS[name]
    options = ["status", "log-ingestion-stream", "--opensearch-url", cluster({**OPENSEARCH, **answers})]
    shown = run(*options, aws=RecordedAws(AWS))
    assert (shown.status, says in shown.stdout) == (1, True)
    as_json = run(*options, "--json", aws=RecordedAws(AWS))
    (status,) = json.loads(as_json.stdout)
    assert as_json.status == 1
    assert any(says in problem["text"] for problem in status["problems"])
