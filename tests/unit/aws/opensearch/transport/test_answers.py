"""Answers of HTTP status 200 that are not whole, as OpenSearch 3.6 and its documentation have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from streamtally.aws.opensearch.cluster import Cluster, ClusterError
from streamtally.aws.opensearch.connect import connect
from streamtally.aws.opensearch.transport.answers import ask_for_all, endpoint_of, find_gap

WHOLE = {"total": 2, "successful": 2, "skipped": 1, "failed": 0}
CLAUSES = {
    "shard": 0,
    "index": "partials-request_data-2026-03-10",
    "reason": {
        "type": "query_shard_exception",
        "reason": "failed to create query",
        "caused_by": {"type": "too_many_nested_clauses", "reason": "maxClauseCount is set to 1024"},
    },
}
FAILED = {"total": 2, "successful": 1, "skipped": 0, "failed": 1, "failures": [CLAUSES]}
FOUND = {"took": 1, "timed_out": False, "_shards": WHOLE, "hits": {"hits": []}}
TAKEN = {"took": 1, "timed_out": False, "total": 3, "updated": 0, "created": 0, "deleted": 3, "failures": []}
MISSING = {"type": "index_not_found_exception", "reason": "no such index [a]"}
NO_SHARD = {"type": "no_shard_available_action_exception", "reason": "No shard available for [x]"}

GAPS: list[tuple[str, Any, str]] = [
    ("/a/_search", {**FOUND, "_shards": FAILED}, "1 of 2 shards failed (too_many_nested_clauses: maxClauseCount"),
    # A shard without any copy is not among the failed ones.
    ("/a/_search", {**FOUND, "_shards": {**WHOLE, "successful": 1}}, "1 of 2 shards answered"),
    ("/a/_search", {**FOUND, "timed_out": True}, "it timed out"),
    ("/a/_search", {"hits": {"hits": []}}, "it does not say which shards answered"),
    ("/a/_search", {**FOUND, "_clusters": {"total": 2, "successful": 1, "skipped": 1}}, "1 of 2 clusters were skipped"),
    ("/a/_search", "", "the answer is not a JSON object"),
    ("/a/_search?size=1", {**FOUND, "_shards": FAILED}, "1 of 2 shards failed"),
    ("/a/_count", {"count": 5, "_shards": FAILED}, "1 of 2 shards failed"),
    ("/a/_count", {"count": 5, "_shards": {**WHOLE, "successful": 1}}, "1 of 2 shards answered"),
    ("/a/_count", {"_shards": WHOLE}, "it does not say how many there are"),
    ("/a/_refresh", {"_shards": FAILED}, "1 of 2 shards failed"),
    ("/_all/_refresh", {"_shards": FAILED}, "1 of 2 shards failed"),
    ("/a/_stats/docs,store", {"_shards": FAILED, "indices": {}}, "1 of 2 shards failed"),
    ("/_nodes/stats/fs", {"_nodes": {"total": 3, "successful": 2, "failed": 1}}, "1 of 3 nodes failed"),
    ("/_msearch", {"responses": [FOUND, {**FOUND, "_shards": FAILED}]}, "1 of 2 shards failed"),
    ("/_msearch", {"responses": [FOUND, {"error": MISSING, "status": 404}]}, "a search failed (index_not_found_ex"),
    ("/_msearch", {}, "an answer is missing"),
    ("/a/_mget", {"docs": [{"_id": "1", "error": NO_SHARD}]}, "1 could not be read (no_shard_available_action_exc"),
    ("/a/_mget", {}, "the documents are missing"),
    ("/a/_delete_by_query", {**TAKEN, "failures": [{"cause": NO_SHARD, "status": 503}]}, "1 failures (no_shard_av"),
    ("/a/_delete_by_query", {**TAKEN, "timed_out": True}, "it timed out"),
    ("/a/_delete_by_query", {**TAKEN, "deleted": 2}, "2 of 3 documents were taken"),
    ("/_reindex", {**TAKEN, "canceled": "by user request"}, "it was cancelled: by user request"),
    ("/_reindex", {}, "it does not say how many documents there were"),
    ("/_tasks/n:1", {"completed": True, "error": NO_SHARD}, "the task failed (no_shard_available_action_exc"),
    ("/_tasks/n:1", {"completed": True, "response": {**TAKEN, "failures": [{"cause": NO_SHARD}]}}, "1 failures (no_sh"),
    ("/_tasks/n:1", {"completed": True}, "the task has no result"),
    ("/a/_settings", {"acknowledged": False}, "not all nodes acknowledged it in time"),
    ("/a", {"acknowledged": False, "shards_acknowledged": False}, "not all nodes acknowledged it in time"),
]

WHOLES: list[tuple[str, Any]] = [
    ("/a/_search", FOUND),
    ("/a/_search", {**FOUND, "terminated_early": False}),
    ("/a/_search", {**FOUND, "terminated_early": True}),  # OpenSearch 3 says so of each aggregation without hits
    ("/a/_search", {"timed_out": False, "_shards": {"total": 0, "successful": 0, "skipped": 0, "failed": 0}}),
    ("/a/_count", {"count": 0, "_shards": WHOLE}),
    # Replicas that are not assigned are counted in the total of a refresh, and did not fail.
    ("/a/_refresh", {"_shards": {"total": 4, "successful": 2, "failed": 0}}),
    ("/a/_doc/1", {"_shards": {"total": 2, "successful": 1, "failed": 1}, "result": "created"}),
    ("/a/_mget", {"docs": [{"_id": "1", "found": False}, {"_id": "2", "error": MISSING}]}),
    ("/a/_delete_by_query", TAKEN),
    ("/a/_update_by_query", {**TAKEN, "deleted": 0, "version_conflicts": 1, "noops": 1, "updated": 1}),
    ("/_reindex", {"task": "n:1"}),
    ("/_tasks/n:1", {"completed": False, "task": {}}),
    ("/_tasks/n:1", {"completed": True, "response": TAKEN}),
    ("/a/_settings", {"acknowledged": True}),
    ("/a,b", {"a": {"aliases": {}}, "b": {"aliases": {}}}),
    ("/a", True),
]


@pytest.mark.parametrize(("path", "answer", "gap"), GAPS)
def test_answers_in_part(path: str, answer: Any, gap: str) -> None:
    assert find_gap(path, answer).startswith(gap)
    assert "\n" not in find_gap(path, answer)


@pytest.mark.parametrize(("path", "answer"), WHOLES)
def test_whole_answers(path: str, answer: Any) -> None:
    assert find_gap(path, answer) == ""


@pytest.mark.parametrize(("body", "params"), [({"terminate_after": 1}, {}), (None, {"terminate_after": 1})])
@pytest.mark.parametrize("path", ["/a/_search", "/a/_count"])
def test_terminated_early(stub: Cluster, monkeypatch: pytest.MonkeyPatch, path: str, body: Any, params: Any) -> None:
    monkeypatch.setattr(Stub, "answer", json.dumps({**FOUND, "count": 1, "terminated_early": True}).encode())
    with pytest.raises(ClusterError, match="terminated early"):
        stub.request("POST", path, body, params)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/a/_search", "_search"),
        ("/_all/_refresh?x=_y", "_refresh"),
        ("/a/_doc/_search", "_doc"),
        ("/a,b-*", ""),
        ("/_reindex", "_reindex"),
    ],
)
def test_endpoint_of(path: str, endpoint: str) -> None:
    assert endpoint_of(path) == endpoint


# The check must see what filter_path would cut off; where things are only left out, nothing may be added.
def test_filter_path_keeps_what_tells() -> None:
    search = ask_for_all("/a/_search", {"filter_path": "hits.hits.sort"})
    assert search["allow_partial_search_results"] == "false"
    assert {"hits.hits.sort", "_shards", "timed_out", "terminated_early"} <= set(search["filter_path"].split(","))
    assert ask_for_all("/a/_search", {"filter_path": "-hits.hits"})["filter_path"] == "-hits.hits"
    assert ask_for_all("/a/_count", {}) == {}
    assert "allow_partial_search_results" not in ask_for_all("/_msearch", {})


class Stub(BaseHTTPRequestHandler):
    """Answers every request with ``answer``; ``seen`` has the requests' paths."""

    answer: ClassVar[bytes] = b"{}"
    kind: ClassVar[str] = "application/json"
    seen: ClassVar[list[str]] = []

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    server = HTTPServer(("127.0.0.1", 0), Stub)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setattr(Stub, "seen", [])
    yield connect(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("path", "answer", "gap"), [case for case in GAPS if isinstance(case[1], dict)])
def test_the_door_refuses(
    stub: Cluster, monkeypatch: pytest.MonkeyPatch, path: str, answer: dict[str, Any], gap: str
) -> None:
    monkeypatch.setattr(Stub, "answer", json.dumps(answer).encode())
    with pytest.raises(ClusterError) as caught:
        stub.request("POST", path, {}, ignore=(404,))
    assert f"answered in part: {gap}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_door_asks_for_all(stub: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stub, "answer", json.dumps(FOUND).encode())
    stub.request("POST", "/a/_search", {}, {"filter_path": "hits.hits"})
    asked = parse_qs(urlsplit(Stub.seen[0]).query)
    assert asked["allow_partial_search_results"] == ["false"]
    assert "_shards" in asked["filter_path"][0]


# A proxy's page, or an answer that was cut off on its way: one line, never a traceback of the JSON reader.
@pytest.mark.parametrize(
    ("kind", "answer"),
    [("application/json", b'{"took": 1, "hits": {"hi'), ("text/html", b"<html>"), ("text/plain", b"ok")],
)
def test_the_door_wants_json(stub: Cluster, monkeypatch: pytest.MonkeyPatch, kind: str, answer: bytes) -> None:
    monkeypatch.setattr(Stub, "answer", answer)
    monkeypatch.setattr(Stub, "kind", kind)
    with pytest.raises(ClusterError, match="the answer is not"):
        stub.request("POST", "/a/_search", {})


# A bulk answer has an item for each document, and an item is read whatever the flag before it says.
def test_bulk_items_are_counted(stub: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    put, remove = b'{"index":{"_index":"a","_id":"1"}}', b'{"delete":{"_index":"a","_id":"2"}}'
    good = {"index": {"status": 201}}
    bad = {"delete": {"status": 409, "error": {"type": "conflict", "reason": "newer"}}}
    lines = [put, b'{"delete": "a document"}', remove]
    monkeypatch.setattr(Stub, "answer", json.dumps({"errors": False, "items": [good, bad]}).encode())
    assert [(item.position, item.status) for item in stub.bulk(lines)] == [(1, 409)]

    monkeypatch.setattr(Stub, "answer", json.dumps({"errors": False, "items": [good]}).encode())
    with pytest.raises(ClusterError, match="1 of 2 items"):
        stub.bulk(lines)
