"""A broken set-up for each check, and silence on the good one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamtally.doctor import CHECKS, examine
from streamtally.doctor.agent_json import AgentJson
from streamtally.doctor.error_log import KNOWN, ErrorLog
from streamtally.doctor.files import FileAccess, PathNode
from streamtally.doctor.opensearch import Disk, FieldConflict, OpenSearchState
from streamtally.doctor.stream import StreamState
from streamtally.findings import Finding
from tests.unit.cli.operator_runner import run

GOOD_LINE = b'198.51.100.7 - - [08/Sep/2017:08:47:01 +0000] "GET / HTTP/1.1" 200 512\n'
IPV6_LINE = b'2001:db8::1 - - [08/Sep/2017:08:47:01 +0000] "GET / HTTP/1.1" 200 512\n'
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:t"
GOOD_METRICS = {"incoming_records": 10.0, "transform_success_share": 1.0, "throttled_records": 0.0}


def _agent(**flow: Any) -> str:
    return json.dumps({"flows": [{"filePattern": "/var/log/a.log", "deliveryStream": "s", **flow}]})


LOGTOJSON = [{"optionName": "LOGTOJSON", "logFormat": "COMMONAPACHELOG"}]
ROOT, LOGS = PathNode("/", 0o755, 0, 0, True), PathNode("/var/log/httpd", 0o700, 0, 0, True)
LOG = PathNode("/var/log/httpd/a.log", 0o644, 0, 0, False)


def _access(*chain: PathNode, exists: bool = True) -> FileAccess:
    return FileAccess("/var/log/httpd/a.log", "aws-kinesis-agent-user", 995, [993], chain, exists)


def _search(**more: Any) -> OpenSearchState:
    return OpenSearchState("https://192.0.2.1", "request_data", **{"matching": ["request_data-2026-01-01"], **more})


OPEN = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:*", "Resource": "*"}]}
TWIN = {"_id": "aaa", "_source": {"tally": {"partial_id": "bbb"}}}

BROKEN: list[tuple[str, object]] = [
    ("agent-json", AgentJson("agent.json", '{"flows": [}')),
    ("agent-json", AgentJson("agent.json", "{}")),
    ("agent-keys", AgentJson("agent.json", _agent(initialPostion="START_OF_FILE"))),
    (
        "agent-keys",
        AgentJson("agent.json", _agent(dataProcessingOptions=[{**LOGTOJSON[0], "initialPosition": "END_OF_FILE"}])),
    ),
    ("agent-flow", AgentJson("agent.json", '{"flows": [{"filePattern": "/var/log/a.log"}]}')),
    ("agent-flow", AgentJson("agent.json", _agent(initialPosition="start_of_file"))),
    ("agent-flow", AgentJson("agent.json", _agent(dataProcessingOptions=[{"optionName": "LOGTOJSON"}]))),
    ("agent-region", AgentJson("agent.json", _agent(), "eu-west-1")),
    ("agent-secrets", AgentJson("agent.json", '{"awsSecretAccessKey": "x", ' + _agent()[1:])),
    (
        "agent-drops",
        AgentJson(
            "agent.json",
            _agent(dataProcessingOptions=LOGTOJSON),
            lines={"/var/log/a.log": [GOOD_LINE, IPV6_LINE, GOOD_LINE, GOOD_LINE]},
        ),
    ),
    ("log-path", _access(ROOT, exists=False)),
    ("log-readable", _access(ROOT, LOGS, LOG)),
    ("log-readable", _access(ROOT, PathNode("/var/log/httpd/a.log", 0o640, 0, 0, False))),
    ("permission", StreamState("s", function="f", unread=["GetMetricData: AccessDenied"])),
    ("stream-missing", StreamState("s", "there is no delivery stream 's'", "ResourceNotFoundException")),
    ("credentials-expired", StreamState("s", "expired", "ExpiredTokenException")),
    ("credentials-absent", StreamState("s", "no AWS credentials: pass --profile")),
    ("region-absent", StreamState("s", "no region: pass --region, or set AWS_REGION; no AWS credentials: pass …")),
    ("permission", StreamState("s", "not authorized", "AccessDeniedException")),
    ("unreachable", StreamState("s", "Could not connect to the endpoint URL")),
    ("clock-skew", StreamState("s", function=FUNCTION, skew_seconds=900)),
    ("not-attached", StreamState("s")),
    ("time limit", StreamState("s", function=FUNCTION, attach_findings=[Finding("time limit", "error", "3 s", "60")])),
    ("nothing-incoming", StreamState("s", function=FUNCTION, metrics={**GOOD_METRICS, "incoming_records": None})),
    ("transform-failed", StreamState("s", function=FUNCTION, metrics={**GOOD_METRICS, "transform_success_share": 0.5})),
    ("throttled", StreamState("s", function=FUNCTION, metrics={**GOOD_METRICS, "throttled_records": 3.0})),
    ("ids-not-derived", StreamState("s", function=FUNCTION, counts="at least once", reason="no pipeline")),
    ("opensearch-permission", _search(error="GET /: 403 security_exception", status=403)),
    ("opensearch-unreachable", _search(error="cannot be reached")),
    ("opensearch-read-only", _search(blocked=["request_data-2026-01-01"])),
    ("opensearch-disk", _search(used_share=0.97)),
    ("alias-empty", _search(matching=[])),
    ("ids-not-derived", _search(hits=[TWIN])),
    ("opensearch-mapping", _search(refused=["mapper_parsing_exception: failed to parse field [status]"])),
    ("open-access", _search(policy=OPEN)),
    ("opensearch-permission", _search(role="arn:aws:iam::123456789012:role/s", mapped=False)),
    ("opensearch-permission", _search(denied=["GET /_nodes/stats/fs: 403"])),
    ("opensearch-read-only", _search(cluster_blocks=["cluster.blocks.create_index"])),
    ("opensearch-disk", _search(disks=[Disk(100e9, 8e9)])),
    ("opensearch-mapping", _search(fields=[FieldConflict("request_data-2026-01-01", "status", "date", "integer")])),
    ("opensearch-mapping", _search(strict=["request_data-2026-01-01"])),
    ("opensearch-mapping", _search(full=["request_data-2026-01-01"])),
    ("alias-empty", _search(alias="request_data", aliased=[])),
    ("alias-empty", _search(empty_views=["request-data*"])),
    ("clock-skew", StreamState("s", "Signature expired: 20260310T115000Z", "InvalidSignatureException")),
    (
        "shard-limit",
        OpenSearchState(
            "search",
            "requests",
            matching=["requests-1"],
            obstacles=[Finding("shard-limit", "error", "1,000 of 1,000 shards are open", "delete indices", "search")],
        ),
    ),
]

GOOD: list[object] = [
    AgentJson("agent.json", "// raw lines\n" + _agent(), "us-east-1", {"/var/log/a.log": [GOOD_LINE, IPV6_LINE]}),
    AgentJson("agent.json", _agent(dataProcessingOptions=LOGTOJSON), lines={"/var/log/a.log": [GOOD_LINE]}),
    _access(ROOT, PathNode("/var/log/httpd", 0o755, 0, 0, True), LOG),
    _access(
        ROOT, PathNode("/var/log/httpd", 0o750, 0, 993, True), PathNode("/var/log/httpd/a.log", 0o640, 0, 993, False)
    ),
    StreamState("s", function=FUNCTION, metrics=GOOD_METRICS, skew_seconds=2),
    _search(used_share=0.4, hits=[{"_id": "bbb", "_source": {"tally": {"partial_id": "bbb"}}}]),
    _search(policy=OPEN, in_vpc=True),
    ErrorLog("agent.log", ["INFO Progress: 100 records parsed, 100 records sent successfully"]),
]


@pytest.mark.parametrize(("check", "evidence"), BROKEN, ids=[f"{name}-{at}" for at, (name, _) in enumerate(BROKEN)])
def test_a_broken_set_up_is_named_alone_and_with_its_fix(check: str, evidence: object) -> None:
    """One thing is broken, one thing is wrong; text and fix are one line each."""
    wrong = [finding for finding in examine([evidence]) if finding.is_wrong]
    assert [finding.check for finding in wrong] == [check]
    assert wrong[0].fix
    assert "\n" not in wrong[0].text + wrong[0].fix


@pytest.mark.parametrize("evidence", GOOD, ids=[str(at) for at in range(len(GOOD))])
def test_the_doctor_is_silent_on_what_is_right(evidence: object) -> None:
    """No finding at all."""
    assert list(examine([evidence])) == []


@pytest.mark.parametrize(
    ("sent", "needs_function", "says"),
    [(2_000.0, True, "at least 25.6 times"), (51_200.0, True, ""), (40_000.0, True, ""), (2_000.0, False, "")],
)
def test_small_records_are_a_note(sent: float, needs_function: bool, says: str) -> None:
    """Ten records of 200 bytes are billed as 50 KiB; the documents of a summary stream are no lines of an agent."""
    state = StreamState(
        "s", function=FUNCTION, metrics={**GOOD_METRICS, "incoming_bytes": sent}, needs_function=needs_function
    )
    notes = list(examine([state]))
    assert [(note.check, note.level) for note in notes] == ([("small-records", "note")] if says else [])
    for note in notes:
        assert says in note.text
        assert "aggregatedRecordSizeBytes" in note.fix


LOG_LINES = {
    "stream-missing": "ERROR Status Code: 404; Error Code: ResourceNotFoundException",
    "credentials-expired": "ERROR The security token included in the request is expired (ExpiredTokenException)",
    "credentials-absent": "ERROR Unable to load AWS credentials from any provider in the chain",
    "clock-skew": "ERROR Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
    "opensearch-read-only": '{"errorCode":"403","errorMessage":"cluster_block_exception FORBIDDEN/12/index read-only"}',
    "opensearch-disk": '{"errorCode":"429","errorMessage":"disk usage exceeded flood-stage watermark"}',
    "opensearch-mapping": '{"errorCode":"400","errorMessage":"mapper_parsing_exception: failed to parse [status]"}',
    "opensearch-permission": '{"errorCode":"403","errorMessage":"security_exception: no permissions for [indices:x]"}',
    "permission": "ERROR AccessDeniedException: is not authorized to perform: firehose:PutRecordBatch",
    "throttled": "WARN ServiceUnavailableException: Slow down.",
    "log-readable": "ERROR java.io.FileNotFoundException: /var/log/httpd/access_log (Permission denied)",
    "transform-timeout": "2026-03-10T12:00:00.000Z 52fdfc07 Task timed out after 120.00 seconds",
    "transform-memory": "RequestId: 52fdfc07 Error: Runtime exited with error: signal: killed",
    "transform-settings": "[ERROR] SettingsError: PIPELINE: /opt/pipeline/pipeline.json: no such file",
    "summary-stream": "[ERROR] PartialWriteError: delivery stream s: 3 documents could not be sent in time",
    "ledger": '{"level":"ERROR","message":"ledger out of balance: lines 3 != 2"}',
    "transform-failed": '{"errorCode":"Lambda.FunctionError","errorMessage":"The Lambda function returned an error"}',
    "unparsed": '{"errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"ProcessingFailed status set for record"}',
    "agent-memory": "ERROR java.lang.StackOverflowError",
}


def test_each_known_error_has_a_line_here() -> None:
    """A reason that is added is tested."""
    assert set(LOG_LINES) == {kind.check for kind in KNOWN}


@pytest.mark.parametrize("check", LOG_LINES)
def test_a_log_full_of_a_known_error_gives_the_reason_once(check: str) -> None:
    """However often the line is there, it is one finding with its count."""
    (finding,) = examine([ErrorLog("agent.log", ["INFO fine"] + [LOG_LINES[check]] * 50)])
    assert finding.check == check
    assert "50 of 51 lines" in finding.text


def test_errors_that_nobody_knows_are_a_note_with_an_example() -> None:
    """Not wrong by themselves; lines that only mention a number of errors are none."""
    lines = ["INFO 401 records, 0 errors", "ERROR java.lang.IllegalStateException: new", "WARN slow"]
    (finding,) = examine([ErrorLog("agent.log", lines)])
    assert (finding.check, finding.level) == ("unknown-error", "note")
    assert "1 of 3 lines" in finding.text
    assert "IllegalStateException: new" in finding.text


@pytest.mark.parametrize(
    ("watermark", "past"),
    [("90%", True), ("93%", False), ("0.9", True), ("0.93", False), ("10gb", True), ("5gb", False), ("what", False)],
)
def test_watermarks_as_shares_or_as_bytes_that_are_free(watermark: str, past: bool) -> None:
    """92 of 100 GB used."""
    assert Disk(100 * 2**30, 8 * 2**30).is_past(watermark) is past


def test_every_check_is_found_by_some_broken_set_up() -> None:
    """The register holds no check that is never tried."""
    tried = {type(evidence) for _, evidence in BROKEN} | {ErrorLog}
    assert tried == set(CHECKS)
    silent = [
        check.__name__
        for kind, checks in CHECKS.items()
        for check in checks
        if kind is not ErrorLog and not any(list(check(evidence)) for _, evidence in BROKEN if type(evidence) is kind)
    ]
    assert silent == []


def test_the_share_of_dropped_lines_is_measured_on_the_log(tmp_path: Path) -> None:
    """From the command: files on disk in, exit status 1 and the figure out; mended, it is silent."""
    log = tmp_path / "access.log"
    log.write_bytes(GOOD_LINE * 3 + IPV6_LINE)
    config = tmp_path / "agent.json"
    options = ["--user", "root", "--region", "us-east-1"]
    config.write_text(_agent(filePattern=str(log), dataProcessingOptions=LOGTOJSON))
    ran = run("doctor", str(config), "--json", *options)
    assert ran.status == 1
    (finding,) = json.loads(ran.stdout)["findings"]
    assert finding["check"] == "agent-drops"
    assert "1 of 4 lines (25.0%)" in finding["text"]
    assert (
        run(
            "agent-config", "--log", str(log), "--stream", "s", "--region", "us-east-1", "--out", str(config), "--yes"
        ).status
        == 0
    )
    mended = run("doctor", str(config), *options)
    assert (mended.status, mended.stdout) == (0, "No problems found.\n")


def test_a_log_is_taken_by_the_command(tmp_path: Path) -> None:
    """Give the agent's log, get the reason."""
    log = tmp_path / "aws-kinesis-agent.log"
    log.write_text(LOG_LINES["stream-missing"] + "\n")
    ran = run("doctor", str(log))
    assert ran.status == 1
    assert "the stream is not in the region" in ran.stdout
    assert "fix: fix deliveryStream" in ran.stdout


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    """Exit status 2, one line."""
    ran = run("doctor", str(tmp_path / "agent.json"))
    assert ran.status == 2
    assert "cannot be read" in ran.error
