"""A proxy in front of a real OpenSearch that is slow, hangs, refuses, loses an answer, or spoils a document."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

SLOW_SECONDS = 1.0
"""Longer than the client waits."""


class Proxy(ThreadingHTTPServer):
    """``faults``: what befalls the next requests, one each ("": nothing); ``struck``: what did.

    ``only``: what a request's path must have in it to be one of them, bulk requests as a rule.
    """

    daemon_threads = True
    only = "_bulk"

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = target
        self.faults: list[str] = []
        self.struck: list[str] = []
        self.over = Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = ""
        if self.server.only in self.path and self.server.faults:
            fault = self.server.faults.pop(0)
            self.server.struck += [fault] if fault else []
        if fault.startswith(("hang", "die")):
            self._lose(fault, body)
            return
        if fault in ("429", "503"):
            self._send(
                int(fault), json.dumps({"error": {"type": "fault", "reason": "no"}, "status": int(fault)}).encode()
            )
            return
        if fault == "spoil one":  # with a field of an empty name, which no mapping takes: refused with 400
            body = body.replace(b'"tally":{', b'"tally":{"a..b":1,', 1)
        refused: list[int] = []
        if fault == "some items":
            body, refused = without_items(body)
        status, answer = self._forward(body)
        if refused:
            answer = with_refusals(answer, refused)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        self._send(status, answer)

    def _lose(self, fault: str, body: bytes) -> None:
        if fault.endswith("after it"):
            self._forward(body)
        if fault.startswith("hang"):
            self.server.over.wait(30)
        self.close_connection = True

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        request = urllib.request.Request(self.server.target + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _send(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client has given up

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def without_items(body: bytes) -> tuple[bytes, list[int]]:
    """A bulk of (action, document) pairs without every third item; the positions of those."""
    lines = body.splitlines()
    refused = list(range(0, len(lines) // 2, 3))
    kept = [line for place, line in enumerate(lines) if place // 2 not in refused]
    return b"\n".join(kept) + b"\n", refused


def with_refusals(answer: bytes, refused: list[int]) -> bytes:
    """The server's answer with the items that it was not shown as throttled."""
    parsed = json.loads(answer)
    for position in refused:
        error = {"type": "opensearch_rejected_execution_exception", "reason": "the queue is full"}
        parsed["items"].insert(position, {"index": {"status": 429, "error": error}})
    return json.dumps({**parsed, "errors": True}).encode()


@contextmanager
def proxy_of(target: str) -> Iterator[Proxy]:
    """A proxy on a free port of loopback."""
    proxy = Proxy(target.rstrip("/"))
    thread = Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.shutdown()
        proxy.server_close()
