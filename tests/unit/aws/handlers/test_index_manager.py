"""The index manager's handler: its tasks, the dry run, CloudFormation, and one error naming each failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from streamtally.errors import IndexPlanError, SettingsError
from streamtally.local.folder import read_folder


class FakeCluster(BaseHTTPRequestHandler):
    """Answers as an empty cluster does, and refuses the paths of `refuse` with 403."""

    seen: ClassVar[list[tuple[str, str]]] = []
    refuse: ClassVar[tuple[str, ...]] = ()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.seen.append((self.command, self.path))
        path = self.path.partition("?")[0]
        status, body = self._look_up(path)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _look_up(self, path: str) -> tuple[int, dict[str, Any]]:
        if any(part in path for part in self.refuse):
            reason = {"type": "security_exception", "reason": "no permissions"}
            return 403, {"error": {"root_cause": [reason], **reason}, "status": 403}
        if path == "/":
            return 200, {"version": {"distribution": "opensearch", "number": "3.3.0"}}
        if self.command == "PUT" and "/_doc/" in path:
            return 201, {"_seq_no": 0, "_primary_term": 1}
        if self.command == "PUT":
            return 200, {"acknowledged": True}
        nothing = {"timed_out": False, "_shards": {"total": 0, "successful": 0, "skipped": 0, "failed": 0}}
        return (200, nothing) if path.endswith("/_search") else (404, {})

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Context:
    """What the handler uses of Lambda's context."""

    function_name = "index-manager"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:index-manager"
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    log_group_name = "/aws/lambda/index-manager"
    log_stream_name = "2026/03/10/[1]0"

    def get_remaining_time_in_millis(self) -> int:
        return 50_000


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[FakeCluster]]:
    server = HTTPServer(("127.0.0.1", 0), FakeCluster)
    Thread(target=server.serve_forever, daemon=True).start()
    FakeCluster.seen, FakeCluster.refuse = [], ()
    pipeline = tmp_path / "pipeline.json"
    pipeline.write_text(json.dumps(read_folder(None)))
    monkeypatch.setenv("PIPELINE", str(pipeline))
    monkeypatch.setenv("OPENSEARCH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OPENSEARCH_AUTH", "none")
    monkeypatch.setenv("SUMMARY_STREAM", "log-summary-stream")
    monkeypatch.delenv("DRY_RUN", raising=False)
    yield FakeCluster
    server.shutdown()


def call(event: dict[str, Any]) -> Any:
    from functions.index_manager import app

    return app.handler(event, Context())


def emitted(text: str) -> dict[str, Any]:
    """The metrics of an invocation, from its standard output."""
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    return {name: value for line in lines for name, value in line.items() if not name.startswith("_")}


def written(cluster: type[FakeCluster]) -> list[str]:
    return [path for method, path in cluster.seen if method in ("PUT", "DELETE")]


# manage puts what is missing, in this order: state, pipeline, templates; and says so in metrics.
def test_manage(
    cluster: type[FakeCluster], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_METRICS", "true")
    answer = call({"task": "manage"})
    metrics = emitted(capsys.readouterr().out)

    paths = written(cluster)
    order = [
        "streamtally-state/_doc/output-request_data",
        "_ingest/pipeline/inbox-",
        "_index_template/streamtally-inbox",
    ]
    positions = [next(i for i, path in enumerate(paths) if part in path) for part in order]
    assert answer["task"] == "manage"
    assert positions == sorted(positions)
    assert metrics["Failures"] == [0]
    assert metrics["ActionPutPipeline"][0] >= 1


# The dry-run setting: everything is looked at, nothing is changed.
def test_dry_run(cluster: type[FakeCluster], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRY_RUN", "true")

    answer = call({"task": "manage"})
    call({"task": "settle"})

    assert answer == {"task": "manage", "actions": "0", "dry_run": "true"}
    assert written(cluster) == []


# A refusal of one thing never stops the rest, and one error at the end names each.
def test_failures_end_in_one_error(cluster: type[FakeCluster], capsys: pytest.CaptureFixture[str]) -> None:
    cluster.refuse = ("_component_template/streamtally-request_data", "_index_template/streamtally-late-unknown")

    with pytest.raises(IndexPlanError) as error:
        call({"task": "manage"})

    text = str(error.value)
    assert "put_component_template streamtally-request_data" in text
    assert "put_index_template streamtally-late-unknown" in text
    assert "\n" not in text
    assert any("_ingest/pipeline/inbox-" in path for path in written(cluster))
    assert emitted(capsys.readouterr().out)["Failures"] == [2]


# settle before the first manage is one error that says what to do.
def test_settle_without_manage(cluster: type[FakeCluster], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IndexPlanError, match="manage has not run yet"):
        call({"task": "settle"})
    metrics = emitted(capsys.readouterr().out)

    assert metrics["Failures"] == [2], "one for each output of the default pipeline"
    assert {"LatePartials", "AuditDifferences"} <= set(metrics)
    assert "OldestUnsettledSeconds" not in metrics, "nobody could ask: 0 would say that all is well"


# An event of no task is refused by name.
def test_unknown_task(cluster: type[FakeCluster]) -> None:
    with pytest.raises(SettingsError, match="manage or settle"):
        call({"task": "delete"})


class Answers(BaseHTTPRequestHandler):
    """CloudFormation's end of a custom resource."""

    got: ClassVar[list[dict[str, Any]]] = []

    def do_PUT(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


# CloudFormation's Create is answered SUCCESS after manage, and FAILED with the reason if a cluster refuses.
@pytest.mark.parametrize(("refuse", "status"), [((), "SUCCESS"), (("_ingest/pipeline",), "FAILED")])
def test_custom_resource(cluster: type[FakeCluster], refuse: tuple[str, ...], status: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    Answers.got = []
    cluster.refuse = refuse

    call(
        {
            "RequestType": "Create",
            "ResponseURL": f"http://127.0.0.1:{server.server_port}/answer",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/logs/1",
            "RequestId": "r1",
            "LogicalResourceId": "IndexSetup",
        }
    )
    server.shutdown()

    assert [answer["Status"] for answer in Answers.got] == [status]
    assert (status == "SUCCESS") == bool(written(cluster))
