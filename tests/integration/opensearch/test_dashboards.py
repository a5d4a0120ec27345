"""The visualizations' queries, run on a real server over settled documents: what a person will see."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.opensearch.import_dashboards import import_dashboards
from streamtally.errors import IndexPlanError
from streamtally.indices.dashboards import to_queries, to_saved_objects
from tests.integration.opensearch.data import (
    MINUTE_MS,
    bulk,
    changed_plan,
    forever,
    make_documents,
    make_pipeline,
    manager_of,
    ms,
    refresh,
    run_settle,
)

NOW = ms("2026-03-10T12:00")
LINES = [(NOW, 200)] * 6 + [(NOW, 500)] * 2 + [(NOW + MINUTE_MS, 404)] * 4


def wide_plan() -> dict[str, Any]:
    """Counts and bytes by status and request: every visualization has its columns."""
    keys = [
        {"name": "status", "type": "INTEGER", "expr": {"column": "response"}},
        {"name": "request", "type": "VARCHAR(256)", "expr": {"column": "request"}},
    ]
    aggregates = [
        {"name": "statusCount", "function": "count", "argument": None},
        {"name": "bytes", "function": "sum", "argument": {"column": "bytes"}},
    ]
    columns = changed_plan()["outputs"][0]["columns"]
    columns = [
        *columns,
        {"name": "request", "type": "VARCHAR(256)", "expr": {"key": "request"}},
        {"name": "bytes", "type": "BIGINT", "expr": {"aggregate": "bytes"}},
    ]
    return changed_plan(keys=keys, aggregates=aggregates, columns=columns)


# All four visualizations of a plan that has the columns, by their own queries through the alias.
def test_each_query_on_the_server(cluster: Cluster) -> None:
    pipeline = make_pipeline(wide_plan())
    manager = manager_of(cluster, pipeline)
    manager.manage(NOW, forever)
    bulk(cluster, make_documents(pipeline, "one", LINES, NOW))
    run_settle(cluster, NOW, pipeline)
    refresh(cluster)

    def search(title: str) -> Any:
        body = to_queries(manager.specs[0])[title]
        return cluster.request("POST", "/request_data/_search", body)["aggregations"]

    minutes = search("Status per minute")["minutes"]["buckets"]
    assert [(b["key"], {s["key"]: s["total"]["value"] for s in b["status"]["buckets"]}) for b in minutes] == [
        (NOW, {200: 6, 500: 2}),
        (NOW + MINUTE_MS, {404: 4}),
    ]
    shares = search("Error share")["minutes"]["buckets"]
    assert [b["errors"]["total"]["value"] / b["total"]["value"] for b in shares] == [0.25, 0]
    top = search("Top requests")["requests"]["buckets"]
    assert [(b["key"], b["total"]["value"]) for b in top] == [("GET /index.html HTTP/1.1", 12)]
    assert sum(b["bytes"]["value"] for b in search("Bytes")["minutes"]["buckets"]) == 12 * 512
    assert set(to_queries(manager.specs[0])) == {"Status per minute", "Error share", "Top requests", "Bytes"}


# The default plan has neither requests nor bytes: it gets the two visualizations it has columns for, and names fit.
def test_default_plan_has_two(cluster: Cluster) -> None:
    spec = manager_of(cluster).specs[0]

    objects = to_saved_objects([spec])
    titles = [saved["attributes"]["title"] for saved in objects if saved["type"] == "visualization"]

    assert titles == ["request_data: Status per minute", "request_data: Error share"]
    assert set(to_queries(spec)) == {"Status per minute", "Error share"}
    assert objects[0]["attributes"] == {"title": "request_data", "timeFieldName": "datetime"}


class Dashboards(BaseHTTPRequestHandler):
    """Answers as the import API does, and keeps what it was sent."""

    answer: ClassVar[dict[str, Any]] = {"success": True, "successCount": 4}
    seen: ClassVar[list[tuple[str, str | None, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["osd-xsrf"], body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answer).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def dashboards() -> Any:
    server = HTTPServer(("127.0.0.1", 0), Dashboards)
    Thread(target=server.serve_forever, daemon=True).start()
    Dashboards.seen = []
    yield server
    server.shutdown()


# The import is one upload of a file with the header that Dashboards asks of writes; a refusal is one clear line.
def test_import(dashboards: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{dashboards.server_port}"

    answer = import_dashboards(url, '{"type":"index-pattern"}\n')
    monkeypatch.setattr(Dashboards, "answer", {"success": False, "errors": [{"id": "x"}]})
    with pytest.raises(IndexPlanError, match="rejected the import"):
        import_dashboards(url, "{}\n")

    path, header, body = Dashboards.seen[0]
    assert answer["success"] is True
    assert path == "/_dashboards/api/saved_objects/_import?overwrite=true"
    assert header == "true"
    assert b'filename="streamtally.ndjson"' in body
    assert b'{"type":"index-pattern"}' in body
