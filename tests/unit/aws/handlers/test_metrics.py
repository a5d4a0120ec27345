"""Only the metrics that something uses are published, and all of them where they are asked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from streamtally.aws.handlers.metrics import ALWAYS, add_ledger
from streamtally.aws.streams.status import METRICS
from streamtally.transform.ledger import Ledger
from tests.unit.template.cfn import load_template

TEMPLATE = load_template()
OWN = "Streamtally"


def of_alarms() -> set[str]:
    """The metrics that the template's alarms watch, alone or in an expression."""
    names = set()
    for resource in TEMPLATE["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]
            parts = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
            names |= {part["MetricName"] for part in (alarm, *parts) if part.get("Namespace") == OWN}
    return names


def of_dashboard() -> set[str]:
    """The metrics that the dashboard draws."""
    body = json.dumps(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
    return set(re.findall(rf'\[\s*\\*"{OWN}\\*",\s*\\*"(\w+)', body))


def published(capsys: pytest.CaptureFixture[str]) -> set[str]:
    metrics = Metrics(namespace=OWN, service="test")
    ledger = Ledger()
    add_ledger(metrics, Logger(service="test"), "arn", "id", ledger)
    metrics.flush_metrics()
    entries: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    groups = [group for entry in entries if "_aws" in entry for group in entry["_aws"]["CloudWatchMetrics"]]
    return {metric["Name"] for group in groups for metric in group["Metrics"]}


def test_what_is_always_published_is_what_something_uses() -> None:
    of_status = {name for namespace, name, _ in METRICS.values() if namespace == OWN}
    assert of_alarms()
    assert of_dashboard()
    assert of_alarms() | of_dashboard() | of_status == ALWAYS


def test_the_others_are_published_where_they_are_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_METRICS", "false")
    few = published(capsys)
    assert few
    assert few <= ALWAYS
    monkeypatch.setenv("ALL_METRICS", "true")
    assert published(capsys) - ALWAYS >= {"Records", "Dropped"}
