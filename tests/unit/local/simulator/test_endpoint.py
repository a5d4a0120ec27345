"""The endpoint over HTTP: what the Kinesis Agent sends, requests that are none, callers that are slow; its page."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.errors import SinkError
from streamtally.local.destinations import Settled
from streamtally.local.folder import read_folder
from streamtally.local.live.status import Status, status_parts
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.connections import Connections
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.report.rendering import render_parts
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import load_pipeline
from tests.system.conformance.contract import events

# As the AWS SDK for Java 1.12, with which the agent sends, writes them on its one connection, Signature v4 and all.
AGENT_HEAD = """POST / HTTP/1.1\r
Host: 127.0.0.1:4573\r
amz-sdk-invocation-id: 2f6a0c9b-d4b4-dd1f-8754-10773c4fdcc6\r
amz-sdk-request: attempt=1;max=4\r
amz-sdk-retry: 0/0/500\r
Authorization: AWS4-HMAC-SHA256 Credential=any/20250301/us-east-1/firehose/aws4_request, SignedHeaders=amz-sdk-inv\
ocation-id;amz-sdk-request;amz-sdk-retry;content-length;content-type;host;user-agent;x-amz-date;x-amz-target, Signa\
ture=fc9b69e0c1229a4746e3c192199640b0a36a6bcd69b6c028d06206fac43a5ece\r
Content-Type: application/x-amz-json-1.1\r
User-Agent: aws-kinesis-agent/2.0.13, aws-sdk-java/1.12.782 Linux/6.1 OpenJDK_64-Bit_Server_VM/17.0.15+6\r
X-Amz-Date: 20250301T000000Z\r
X-Amz-Target: Firehose_20150804.PutRecordBatch\r
Content-Length: {length}\r
Connection: Keep-Alive\r
\r
"""


class Endpoint:
    """The pipeline behind a server, moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = load_pipeline(read_folder(None), ZoneInfo)
        self.store = DuckDbStore(folder / "store.duckdb")
        self.function = InProcessFunction(self.pipeline, lambda: events.ARRIVAL_MS)
        sinks = {SUMMARY: StoreSink(self.store)}
        self.laptop = Laptop(folder, self.function, sinks, now=lambda: events.ARRIVAL_MS)
        self.server = Server(
            ("127.0.0.1", 0), self.laptop.api, lambda path, page: {"path": path} if path == "/" else None
        )
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.server.server_address[:2], timeout=60)

    def call(self, data: bytes) -> tuple[int, dict[str, str], Any]:
        with self.connect() as connection:
            connection.sendall(data)
            return read_answer(connection)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.laptop.close()
        self.store.close()


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path)
    yield endpoint
    endpoint.close()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers in lower case, and the body as JSON; exactly one answer's bytes are read."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        assert more, f"the connection ended after {data!r}"
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return int(lines[0].split()[1]), headers, json.loads(body) if body else None


def agent_request(records: list[bytes]) -> bytes:
    """What the agent sends: compact JSON, on one connection after the other."""
    made = [{"Data": base64.b64encode(record).decode()} for record in records]
    body = json.dumps({"DeliveryStreamName": INGESTION, "Records": made}, separators=(",", ":")).encode()
    return AGENT_HEAD.format(length=len(body)).encode() + body


# The agent's calls, one after the other on a connection that it keeps: a full one of 500 lines; one of 4 MiB; lines
# that end in \r\n, hold bytes that are no UTF-8, or are empty; a line cut to 1,000 KiB. Each answer has exactly one
# entry a record, or the agent drops the batch for good. It sends one again whose answer it did not see: two were sent.
def test_what_the_kinesis_agent_sends(endpoint: Endpoint) -> None:
    line = events.LINE + b"\n"
    cut = line[:-13] + b"x" * (1_024_000 - len(line) + 11) + b'"\n'
    odd = [events.LINE + b"\r\n", b"\n", b"\xff\xfe broken\n", cut]
    full = 4 * 2**20
    whole = [b"y" * 1_023_999 + b"\n"] * 4 + [b"y" * (full - 4 * 1_024_000 - 1) + b"\n"]
    assert (len(cut), sum(map(len, whole))) == (1_024_000, full)
    ids: list[str] = []
    with endpoint.connect() as connection:
        for records in ([line] * 500, odd, whole, [line] * 500):
            connection.sendall(agent_request(records))
            status, headers, answer = read_answer(connection)
            assert (status, headers["content-type"]) == (200, "application/x-amz-json-1.1")
            assert answer["FailedPutCount"] == 0
            assert [set(entry) for entry in answer["RequestResponses"]] == [{"RecordId"}] * len(records)
            ids += [entry["RecordId"] for entry in answer["RequestResponses"]]
    assert len(set(ids)) == len(ids) == 1_009
    assert endpoint.laptop.drain()
    ledger = endpoint.function.ledger
    assert (ledger.lines, ledger.rows, ledger.empty, ledger.unparsed) == (1_009, 1_002, 1, 6)


HEAD = b"POST / HTTP/1.1\r\nX-Amz-Target: Firehose_20150804.PutRecord\r\n"
NO_REQUESTS = {
    "another method": (b"PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 501, "UnknownOperationException"),
    "no request line": (b"GARBAGE\r\n\r\n", 400, "SerializationException"),
    "no version of HTTP": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "SerializationException"),
    "a long address": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "SerializationException"),
    "a long header": (HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n", 431, "SerializationException"),
    "many headers": (HEAD + b"X: a\r\n" * 300 + b"\r\n", 431, "SerializationException"),
    "no length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411, "MissingContentLength"),
    "a length below zero": (HEAD + b"Content-Length: -5\r\n\r\n", 411, "MissingContentLength"),
    "a length in other digits": (HEAD + "Content-Length: ²\r\n\r\n".encode("latin-1"), 411, "MissingContentLength"),
    "a length that nobody sends": (
        HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}", 413, "RequestEntityTooLargeException",
    ),
    "no target": (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, "UnknownOperationException"),
    "nothing there": (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404, "UnknownOperationException"),
}  # fmt: skip


# What is no request of Firehose gets an error in AWS's shape, its kind in header and body alike, and the next caller
# is served.
@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request(endpoint: Endpoint, name: str) -> None:
    data, status, kind = NO_REQUESTS[name]
    answer = endpoint.call(data)
    assert (answer[0], answer[1]["x-amzn-errortype"], answer[2]["__type"]) == (status, kind, kind)
    assert answer[2]["message"]
    assert endpoint.call(agent_request([events.LINE]))[0] == 200


# Callers that never finish a request keep nobody out: the one that has been awaited longest makes room.
def test_slow_callers(endpoint: Endpoint) -> None:
    endpoint.server.connections = Connections(3)
    slow = [endpoint.connect() for _ in range(8)]
    for connection in slow:
        connection.sendall(HEAD[:40])
    for _ in range(5):
        assert endpoint.call(agent_request([events.LINE]))[0] == 200
    assert [connection.recv(10) for connection in slow[:5]] == [b""] * 5
    for connection in slow:
        connection.close()


# A connection that was kept open makes room, too; one whose request is being answered does not.
def test_who_makes_room() -> None:
    connections = Connections(2)
    pairs = [socket.socketpair() for _ in range(3)]
    first, second, third = (pair[0] for pair in pairs)
    connections.enter(first)
    connections.answer(first)
    connections.enter(second)
    leaving = threading.Thread(target=lambda: (pairs[1][1].recv(1), connections.leave(second)))
    leaving.start()
    connections.enter(third)  # second's place
    leaving.join(60)
    with pytest.raises(ConnectionAbortedError):
        connections.answer(second)
    connections.wait(first)
    connections.answer(first)
    for pair in pairs:
        for connection in pair:
            connection.close()


# The journal's disk is full: the put is answered as AWS's own trouble, which callers try again; nothing of it is kept.
def test_a_full_disk(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        status, headers, answer = endpoint.call(agent_request([events.LINE]))
    assert (status, headers["x-amzn-errortype"]) == (500, "InternalFailure")
    assert answer["__type"] == "InternalFailure"
    assert endpoint.laptop.streams[INGESTION].is_idle


# What is to be shown cannot be had at the moment: said, and the connection stays.
def test_nothing_to_show_now(endpoint: Endpoint) -> None:
    def away(path: str, as_page: bool) -> None:
        raise SinkError("http://127.0.0.1:9200 cannot be reached")

    endpoint.server.status = away
    with endpoint.connect() as connection:
        for _ in range(2):
            connection.sendall(b"GET /counts HTTP/1.1\r\n\r\n")
            status, headers, answer = read_answer(connection)
            assert (status, headers["x-amzn-errortype"]) == (500, "InternalFailure")
            assert answer["message"] == "SinkError: http://127.0.0.1:9200 cannot be reached"


def made(status: Status) -> str:
    before, after = status_parts(status)
    return render_parts([*before, *after])


# The page for a browser: what came, the lines' classes with reasons, the counts; nothing of a log line acts in it.
def test_the_page() -> None:
    ledger = Ledger(rows=3, unparsed=1)
    ledger.reasons["<script>alert(1)</script>"] += 1
    documents = [
        {"datetime": "2025-03-01T00:00:00.000", 'a"><b>': "\u202e<img src=x>", "statusCount": 1234567, "n": None}
    ]
    counters = {INGESTION: {"IncomingRecords": 4}}
    status = Status(counters=counters, settled={"<b>": Settled(documents, 9)}, ledger=ledger)
    page = made(status)
    assert "&lt;script&gt;alert(1)" in page
    assert "1234567" in page
    assert "The last 1 of 9 documents" in page
    assert not any(text in page for text in ("<script", "<img", "<b>", "\u202e", ">None<"))
    assert "No counts yet" in made(Status())
