"""Stands, over HTTP, for OpenSearch (an empty cluster that keeps what it was asked) and for CloudFormation."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Stub:
    """What was asked, in order (method and path), and the answers that were put for CloudFormation."""

    requests: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False  # every request of OpenSearch is refused
    document: dict[str, Any] = field(default_factory=dict)  # what every request of OpenSearch is answered
    port: int = 0

    def reset(self) -> None:
        self.requests, self.answers, self.broken = [], [], False


def _empty(path: str, body: bytes) -> dict[str, Any]:
    """How an empty cluster answers: every document that is asked for is said to be missing, all shards answer."""
    if path.endswith("/_mget"):
        asked = json.loads(body)
        wanted = asked.get("docs") or [{"_id": name} for name in asked.get("ids", ())]
        return {"docs": [{"_id": document["_id"], "found": False} for document in wanted]}
    if path == "/":
        return {"version": {"distribution": "opensearch", "number": "3.3.0"}}
    if path.endswith(("/_search", "/_count")):
        shards = {"total": 0, "successful": 0, "skipped": 0, "failed": 0}
        return {"_shards": shards, "timed_out": False, "count": 0, "hits": {"hits": []}}
    return {}


def start(stub: Stub, host: str) -> http.server.ThreadingHTTPServer:
    """Serve on a free port of ``host``; the caller shuts it down."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/answer"):
                stub.answers.append(json.loads(body))
                self.send(200, {})
                return
            stub.requests.append(f"{self.command} {urlsplit(self.path).path}")
            if stub.broken:
                self.send(500, {"error": {"type": "stub", "reason": "the stub is told to refuse"}})
            else:
                self.send(200, {**_empty(urlsplit(self.path).path, body), **stub.document})

        def send(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer((host, 0), Handler)
    stub.port = server.server_address[1]
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True).start()
    return server
