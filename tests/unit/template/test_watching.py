"""What is watched is what is published: names, dimensions and units of the real handlers, and each alarm rings."""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
from collections.abc import Iterator
from http.server import HTTPServer
from random import Random
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from scripts.make_events import make_events
from streamtally.aws import clients
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.aws.opensearch.transport import retries
from streamtally.aws.sinks.parking import Redelivered
from streamtally.errors import IndexPlanError
from tests.unit.aws.handlers.test_index_manager import Context, FakeCluster
from tests.unit.template.alarms import states
from tests.unit.template.cfn import ROOT, Deployment, load_template

TEMPLATE = load_template()
PIPELINE = str(ROOT / "layers/pipeline/pipeline/pipeline.json")
ALARMS = {
    name: resource for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"
}
SCHEDULES = {name: TEMPLATE["Parameters"][name]["AllowedValues"] for name in ("SettleSchedule", "ManageSchedule")}


class Metric(NamedTuple):
    """One metric as it was published."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str


# --- what is published -----------------------------------------------------------------------------------------------


def published(text: str) -> set[Metric]:
    """The metrics in the functions' standard output (CloudWatch's embedded metric format)."""
    metrics = set()
    for line in text.splitlines():
        if '"_aws"' not in line:
            continue
        entry = json.loads(line)
        for group in entry["_aws"]["CloudWatchMetrics"]:
            for names in group["Dimensions"]:
                dimensions = tuple((name, entry[name]) for name in names)
                for metric in group["Metrics"]:
                    assert metric["Name"] in entry
                    metrics.add(Metric(group["Namespace"], metric["Name"], dimensions, metric["Unit"]))
    return metrics


def load(monkeypatch: pytest.MonkeyPatch, function: str, module: str, **more: str) -> ModuleType:
    """A handler's module under the template's own environment of its function."""
    resource = Deployment(TEMPLATE).resources()[function]["Properties"]["Environment"]["Variables"]
    service = resource["POWERTOOLS_SERVICE_NAME"]
    for name, value in {"POWERTOOLS_SERVICE_NAME": service, "PIPELINE": PIPELINE, **more}.items():
        monkeypatch.setenv(name, value)
    logging.Logger.manager.loggerDict.pop(service, None)
    sys.modules.pop(module, None)
    return importlib.import_module(module)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), FakeCluster)
    Thread(target=server.serve_forever, daemon=True).start()
    FakeCluster.seen, FakeCluster.refuse = [], ()
    monkeypatch.setenv("OPENSEARCH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OPENSEARCH_AUTH", "none")
    monkeypatch.setenv("SUMMARY_STREAM", "log-summary-stream")
    monkeypatch.setenv("FAILED_BUCKET", "log-summary-failed")
    monkeypatch.setattr(clients, "s3_client", lambda: None)
    monkeypatch.setattr(clients, "firehose_client", lambda: None)
    monkeypatch.setattr("streamtally.aws.sinks.parking.redeliver", lambda *_: Redelivered())
    monkeypatch.delenv("DRY_RUN", raising=False)
    yield server.server_address[0]
    server.shutdown()
    server.server_close()
    sys.modules.pop("functions.index_manager.app", None)


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cluster: str) -> set[Metric]:
    """All that the real handlers can publish, over fakes: the transform, manage, and settle."""
    del cluster
    monkeypatch.setenv("ALL_METRICS", "true")
    transform = load(monkeypatch, "TransformFunction", "functions.firehose_transform.app", AWS_SAM_LOCAL="true")
    context: Any = SimpleNamespace(**{name: getattr(Context, name) for name in dir(Context) if name[0] != "_"})
    context.get_remaining_time_in_millis = lambda: 50_000
    for event in make_events().values():
        transform.handler(event, context)
    manage = load(monkeypatch, "IndexManagerFunction", "functions.index_manager.app")
    manage.handler({"task": "manage"}, context)
    settle = load(monkeypatch, "SettleFunction", "functions.index_manager.app")
    report = SettleReport("OUT", "request_data", unsettled_seconds=3.0)
    monkeypatch.setattr(settle.Manager, "settle", lambda *_: [report])
    settle.handler({"task": "settle"}, context)
    sys.modules.pop("functions.firehose_transform.app", None)
    return published(capsys.readouterr().out)


def own(namespace: str) -> bool:
    return namespace == "Streamtally"


# An alarm or a graph on a metric that nobody publishes, under another name or dimension, can never ring or show.
def test_alarms_and_dashboard_watch_what_is_published(everything: set[Metric]) -> None:
    there = {(metric.namespace, metric.name, metric.dimensions) for metric in everything}
    resources = Deployment(TEMPLATE).resources()
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and own(resource["Properties"]["Namespace"]):
            alarm = resource["Properties"]
            dimensions = tuple((dimension["Name"], dimension["Value"]) for dimension in alarm["Dimensions"])
            assert (alarm["Namespace"], alarm["MetricName"], dimensions) in there, name
            assert "Unit" not in alarm, name
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"])
    shown = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    for metric in shown:
        if own(metric[0]):
            dimensions = tuple(zip(metric[2:4:2], metric[3:5:2], strict=True))
            assert (metric[0], metric[1], dimensions) in there, metric


# The documentation names every metric, and no other; an alarm's metric is on the dashboard.
def test_docs_name_what_is_published(everything: set[Metric]) -> None:
    names = {metric.name for metric in everything}
    named = set()
    for page in ("docs/transform.md", "docs/indices.md"):
        text = (ROOT / page).read_text()
        paragraph = text[text.index("Metrics (namespace `Streamtally`") :].split("\n\n")[0]
        named |= set(re.findall(r"`([A-Z][A-Za-z]+)`", paragraph)) - {"Streamtally"}
    assert {name for name in names if not name.startswith("Action") or name == "Actions"} | {
        "ActionDeleteIndex",
        "EventsByKernel",  # only where a kernel is built
        "AnswersAsText",  # only where answers are to be handed over as text
    } == named

    resources = Deployment(TEMPLATE).resources()
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"])
    shown = {metric[1] for widget in body["widgets"] for metric in widget["properties"]["metrics"]}
    watched = {alarm["Properties"]["MetricName"] for alarm in ALARMS.values()}
    assert watched - shown <= {"PutRequests", "ProcessingFailed"}


def test_units(everything: set[Metric]) -> None:
    units = {metric.name: metric.unit for metric in everything}
    assert units.pop("OldestUnsettledSeconds") == "Seconds"
    assert units.pop("IndexBytes") == "Bytes"
    assert set(units.values()) == {"Count"}


# The age is published also where settling fails; where nobody could ask the cluster, nothing is said.
@pytest.mark.parametrize(("age", "there"), [(9_000.0, True), (None, False)])
def test_the_age_on_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cluster: str,
    age: float | None,
    there: bool,
) -> None:
    del cluster
    app = load(monkeypatch, "SettleFunction", "functions.index_manager.app")
    report = SettleReport("OUT", "request_data", unsettled_seconds=age, problems=["no"])
    monkeypatch.setattr(app.Manager, "settle", lambda *_: [report])
    with pytest.raises(IndexPlanError, match="OUT: no"):
        app.handler({"task": "settle"}, Context())
    names = {metric.name for metric in published(capsys.readouterr().out)}
    assert ("OldestUnsettledSeconds" in names) is there
    assert "Failures" in names


# A cluster that cannot be reached fails the call (which SettleErrors and ManageErrors count), and is never an age of 0.
@pytest.mark.parametrize("task", ["settle", "manage"])
def test_the_cluster_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cluster: str, task: str
) -> None:
    del cluster
    monkeypatch.setenv("OPENSEARCH_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.001)
    app = load(monkeypatch, "SettleFunction", "functions.index_manager.app")
    with pytest.raises(IndexPlanError, match="cannot be reached"):
        app.handler({"task": task}, Context())
    assert "OldestUnsettledSeconds" not in {metric.name for metric in published(capsys.readouterr().out)}


# --- each alarm rings ------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """What an alarm's metric says without and with the fault, once a run of a schedule, or so many seconds apart."""

    every: str | int
    healthy: float | None
    faulty: float | None


CASES = {
    "TransformErrors": Case(60, 0, 1),
    "TransformThrottles": Case(60, 0, 1),
    "BatchesFailed": Case(60, 1, 0),
    "RecordsProcessingFailed": Case(60, 0, 1),
    "ProcessingFailedArriving": Case(60, None, 1),
    "LogDeliveryLate": Case(60, 900, 4_000),
    "SummaryDeliveryLate": Case(60, 900, 4_000),
    "DocumentsRefused": Case(60, 1, 0.5),
    "LedgerOutOfBalance": Case(60, 0, 1),
    "UnsettledWindows": Case("SettleSchedule", 0, 8_000),
    "SettleErrors": Case("SettleSchedule", 0, 1),
    "SettleStopped": Case("SettleSchedule", 1, None),
    "AuditDifferences": Case("SettleSchedule", 0, 1),
    "ParkedDocuments": Case("SettleSchedule", 0, 2),
    "ManageErrors": Case("ManageSchedule", 0, 1),
    "ManageStopped": Case("ManageSchedule", 1, None),
    "DomainRed": Case(60, 0, 1),
    "DomainYellow": Case(60, 0, 1),
    "DomainDiskLow": Case(60, 15_000, 4_000),
    "DomainWritesBlocked": Case(60, 0, 1),
    "DomainMemoryPressure": Case(60, 70, 97),
}
HOURS = 3_600
SETTLED_AFTER = 8 * HOURS  # of a healthy deployment, for states that begin without data
FAULT_AT = 20 * HOURS
END = 46 * HOURS


def test_every_alarm_has_a_case() -> None:
    assert set(CASES) == set(ALARMS)


def seconds_of(schedule: str) -> int:
    match = re.fullmatch(r"rate\((\d+) (minutes?|hours?)\)", schedule)
    assert match is not None
    return int(match[1]) * (60 if match[2].startswith("minute") else HOURS)


def schedules() -> Iterator[Any]:
    """Each alarm under each value of the schedule that it hangs on."""
    for name, case in CASES.items():
        for value in SCHEDULES[case.every] if isinstance(case.every, str) else [""]:
            yield pytest.param(name, value, id=f"{name} {value}".strip())


def series(every: int, start: int, end: int, value: float | None, random: Random) -> list[tuple[float, float]]:
    """A value a run; EventBridge calls up to a minute after the time that the rate names."""
    return [] if value is None else [(at + random.uniform(0, 59), value) for at in range(start, end, every)]


def alarm_of(name: str, schedule: str) -> dict[str, Any]:
    every = CASES[name].every
    chosen = {every: schedule} if isinstance(every, str) else {}
    properties: dict[str, Any] = Deployment(TEMPLATE, **chosen).resources()[name]["Properties"]
    return properties


# It is silent on a day of runs without the fault, rings when the fault lasts, goes on ringing, and falls silent after.
@pytest.mark.parametrize(("name", "schedule"), list(schedules()))
def test_it_rings(name: str, schedule: str) -> None:
    case, alarm, random = CASES[name], alarm_of(name, schedule), Random(1)
    every = seconds_of(schedule) if schedule else int(case.every)
    over = END - 8 * HOURS
    points = series(every, 0, FAULT_AT, case.healthy, random)
    points += series(every, FAULT_AT, over, case.faulty, random)
    points += series(every, over, END + 14 * HOURS, case.healthy, random)
    points.sort()

    seen = states(alarm, points, 0, END + 14 * HOURS)
    assert set(seen[SETTLED_AFTER // 60 : FAULT_AT // 60]) == {"OK"}
    faulty = seen[FAULT_AT // 60 : over // 60]
    assert "ALARM" in faulty
    rung = faulty.index("ALARM")
    assert set(faulty[rung:]) == {"ALARM"}, "it flaps"
    assert rung * 60 <= max(8 * HOURS, 2 * every)
    assert seen[-1] == "OK"


# One difference of the daily audit rings under each schedule; one failed settling run, which the next makes good, not.
@pytest.mark.parametrize("schedule", SCHEDULES["SettleSchedule"])
@pytest.mark.parametrize(("name", "rings"), [("AuditDifferences", True), ("SettleErrors", False)])
def test_once(name: str, rings: bool, schedule: str) -> None:
    points = series(seconds_of(schedule), 0, FAULT_AT, 0, Random(2))
    points[len(points) // 2] = (points[len(points) // 2][0], 1)
    assert ("ALARM" in states(alarm_of(name, schedule), points, SETTLED_AFTER, FAULT_AT)) is rings


# CloudWatch takes no other periods, and no more than a day of them.
@pytest.mark.parametrize("name", ALARMS)
def test_periods(name: str) -> None:
    alarm = ALARMS[name]["Properties"]
    assert alarm["Period"] % 60 == 0
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400
    assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"]
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching", "ignore")


# The domain's metrics are of AWS/ES, by the domain's name and the account's number, of a new or an existing domain.
@pytest.mark.parametrize(
    ("parameters", "domain"),
    [
        ({}, "<AWS::StackName>"),
        ({"DomainName": "logs"}, "logs"),
        ({"Domain": "existing", "DomainName": "search", "DomainEndpoint": "https://search.example"}, "search"),
    ],
)
def test_the_domain_is_watched(parameters: dict[str, str], domain: str) -> None:
    resources = Deployment(TEMPLATE, **parameters).resources()
    watched = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"]["Namespace"] == "AWS/ES":
            alarm = resource["Properties"]
            watched[alarm["MetricName"]] = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    wanted = ("ClusterStatus.red", "ClusterStatus.yellow", "FreeStorageSpace", "ClusterIndexWritesBlocked")
    dimensions = {"DomainName": domain, "ClientId": "<AWS::AccountId>"}
    assert set(watched) == {*wanted, "JVMMemoryPressure"}
    assert all(watched_dimensions == dimensions for watched_dimensions in watched.values())


# The evaluator itself, by CloudWatch's documented examples of missing data (3 periods, "-" is missing, X breaches).
@pytest.mark.parametrize(
    ("data", "missing", "state"),
    [
        ("0 0 0", "ignore", "OK"), ("X X X", "ignore", "ALARM"), ("- - X", "breaching", "ALARM"),
        ("- - -", "breaching", "ALARM"), ("- - -", "notBreaching", "OK"), ("0 - -", "notBreaching", "OK"),
        ("X X -", "notBreaching", "OK"), ("X X -", "breaching", "ALARM"), ("- - -", "ignore", "INSUFFICIENT_DATA"),
    ],
)  # fmt: skip
def test_the_evaluator(data: str, missing: str, state: str) -> None:
    alarm = {
        "Period": 60, "EvaluationPeriods": 3, "Threshold": 1, "Statistic": "Sum",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": missing,
    }  # fmt: skip
    points = [(place * 60.0, float(part == "X")) for place, part in enumerate(data.split()) if part != "-"]
    assert states(alarm, points, 180, 240) == [state]
