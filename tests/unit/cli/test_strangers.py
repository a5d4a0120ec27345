"""Every command that takes an address of OpenSearch, at an address where something else answers: one line, status 2."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.operator_runner import Ran, run

PAGE, JSON = "text/html; charset=utf-8", "application/json"
ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "page": (200, PAGE, b"<!DOCTYPE html><html><title>Welcome</title></html>"),
    "dashboards": (200, PAGE, b"<!DOCTYPE html><html><osd-csp></osd-csp><title>OpenSearch Dashboards</title></html>"),
    "latin-1": (200, "text/html; charset=iso-8859-1", b"<html><title>\xdcbersicht</title></html>"),
    "page-404": (404, PAGE, b"<html><title>404 Not Found</title></html>"),
    "list": (200, JSON, b"[]"),
    "object": (200, JSON, b'{"message": "hello"}'),
    "object-404": (404, JSON, b'{"message": "no Route matched with those values"}'),
    "like-opensearch-404": (404, JSON, b'{"error": {"type": "x", "reason": "y", "root_cause": []}, "status": 404}'),
    "serverless": (404, JSON, b""),
    "redirect": (302, PAGE, b""),
    "elasticsearch": (200, JSON, b'{"version": {"number": "7.10.2"}, "tagline": "You Know, for Search"}'),
    "nothing": (204, "", b""),
}
KINDS = pytest.mark.parametrize("kind", ANSWERS)


class Stranger(BaseHTTPRequestHandler):
    """Gives the answer that the first part of the path names, to every request."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        status, kind, body = ANSWERS[self.path.split("/")[1]]
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), "location": "/app/login"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def strangers() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def check(ran: Ran) -> None:
    assert ran.status == 2
    assert ran.error.startswith("http://127.0.0.1:")
    assert "\n" not in ran.error
    assert "not OpenSearch" in ran.error or "not supported" in ran.error
    assert len(ran.error) < 400


# Each answer, for the commands that read and that write.
@KINDS
def test_plan(strangers: str, kind: str) -> None:
    check(run("indices", "plan", "--opensearch", f"{strangers}/{kind}"))


@KINDS
def test_settle(strangers: str, kind: str) -> None:
    check(run("indices", "settle", "--opensearch", f"{strangers}/{kind}/"))


# Each command, for an answer of each sort.
@pytest.mark.parametrize("kind", ["page", "object", "serverless"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["indices", "apply", "--yes", "--opensearch"],
        ["indices", "status", "--opensearch"],
        ["indices", "audit", "--opensearch"],
        ["reconcile", "LOGS", "--opensearch"],
        ["backfill", "LOGS", "--yes", "--opensearch"],
        ["run", "LOGS/access.log", "--out", "OUT", "--opensearch"],
        ["local", "--port", "0", "--store", "OUT", "--opensearch"],
        ["doctor", "LOGS/agent.json", "--opensearch-url"],
        ["status", "--opensearch-url"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]) if isinstance(arguments, list) else str(arguments),
)
def test_every_command(strangers: str, kind: str, arguments: list[str], tmp_path: Path) -> None:
    line = '192.0.2.1 - - [10/Mar/2026:11:58:00 +0000] "GET / HTTP/1.1" 200 5\n'
    (tmp_path / "access.log").write_text(line)
    (tmp_path / "agent.json").write_text("{}")
    places = [word.replace("LOGS", str(tmp_path)).replace("OUT", str(tmp_path / "out")) for word in arguments]

    check(run(*places, f"{strangers}/{kind}"))
