"""The endpoint against web pages of others, unclear requests and slow ones; its state is its user's alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamtally.local.simulator import handler as handler_module
from streamtally.local.simulator.guard import Guard
from streamtally.local.simulator.journal import Journal
from tests.unit.local.simulator.test_endpoint import Endpoint, read_answer

BODY = json.dumps({"DeliveryStreamName": "log-ingestion-stream", "Record": {"Data": "eA=="}}).encode()


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path)
    yield endpoint
    endpoint.close()


def put(*headers: str, body: bytes = BODY, length: str | None = None) -> bytes:
    """A PutRecord with these headers; ``length`` in place of the Content-Length that is right."""
    lines = ["POST / HTTP/1.1", "X-Amz-Target: Firehose_20150804.PutRecord", *headers]
    if length != "":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def taken(endpoint: Endpoint) -> int:
    """How many records the stream has."""
    return sum(batch for (batch,) in endpoint.laptop.journal._database.execute("SELECT records FROM chunks"))


HOSTS_TAKEN = [
    "127.0.0.1:4573", "localhost:4573", "localhost", "LOCALHOST:80", "localhost.:4573", "[::1]:4573", "127.0.0.53:1",
    "firehose.localhost:4573", "firehose.us-east-1.localhost",
]  # fmt: skip
HOSTS_REFUSED = [
    "evil.example", "evil.example:4573", "127.0.0.1.evil.example:4573", "localhost.evil.example",
    "localhost@evil.example", "evil.example#127.0.0.1", "notlocalhost", "192.0.2.7:4573", "[2001:db8::1]:4573", "",
    "127.0.0.1:port", "127.0.0.1 evil",
    "0x7f.1", "169.254.169.254", "firehose.us-east-1.amazonaws.com", "localhost:4573, evil.example", "\u0131ocalhost",
]  # fmt: skip


# Whoever calls it by a name of loopback, with any port, is served.
@pytest.mark.parametrize("host", HOSTS_TAKEN)
def test_names_of_loopback_are_taken(endpoint: Endpoint, host: str) -> None:
    status, _, answer = endpoint.call(put(f"Host: {host}"))
    assert status == 200
    assert answer["RecordId"]


# DNS rebinding: a page's own name resolves to loopback. Neither put nor the counts are for it.
@pytest.mark.parametrize("host", HOSTS_REFUSED)
def test_other_names_are_refused(endpoint: Endpoint, host: str) -> None:
    for request in (put(f"Host: {host}"), f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()):
        status, headers, answer = endpoint.call(request)
        assert (status, headers["connection"]) == (403, "close")
        assert "--allow-host" in answer["message"]
    assert taken(endpoint) == 0


# A page of another site may send to loopback, under loopback's own name: its Origin says whose it is.
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:4573", 200),
        ("http://localhost:8080", 200),
        ("https://localhost", 200),
        ("http://[::1]:3000", 200),
        ("http://evil.example", 403),
        ("https://localhost.evil.example", 403),
        ("http://evil.example:4573", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
        ("chrome-extension://abcdefgh", 403),
    ],
)
def test_pages_of_others_are_refused(endpoint: Endpoint, origin: str, status: int) -> None:
    assert endpoint.call(put("Host: 127.0.0.1:4573", f"Origin: {origin}"))[0] == status
    got = endpoint.call(f"GET / HTTP/1.1\r\nHost: localhost:1\r\nOrigin: {origin}\r\n\r\n".encode())[0]
    assert got == status
    assert taken(endpoint) == (status == 200)


# Two Hosts, and a target with a name of its own. Without a Host it is no browser's request.
@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n", 403),
    ],
)
def test_where_a_request_goes_is_said_once(endpoint: Endpoint, request_head: str, status: int) -> None:
    assert endpoint.call(request_head.encode())[0] == status


# Bound elsewhere on purpose, it is called by addresses, a container's names, and whatever the user names.
def test_another_address_has_other_names() -> None:
    guard = Guard("172.17.0.1", ["logs.example"])
    for name in ("172.17.0.1:4573", "192.0.2.7", "[2001:db8::1]:4573", "streamtally:4573", "host.docker.internal:4573"):
        assert guard.allows(name), name
    assert guard.allows("logs.example:4573")
    assert guard.allows("LOGS.example.")
    assert not guard.allows("evil.example:4573")
    assert not guard.allows("x.logs.example")
    assert not Guard("127.0.0.1").allows("streamtally:4573")
    assert Guard("::1", ["firehose.test"]).allows("firehose.test:4573")


# The limit goes by the number, however many zeros are before it; what is no plain number is no length.
@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0000000000009000000000", 413),
        ("0" * 5000 + "9000000000", 413),
        ("9" * 5000, 413),
        (str(8 * 2**20 + 1), 413),
        ("+5", 411),
        ("-5", 411),
        ("5, 5", 411),
        ("0x5", 411),
        ("1_0", 411),
        ("5.0", 411),
        ("\u0665", 411),
        ("", 411),
        (" ", 411),
    ],
)
def test_the_length_is_a_plain_number_within_the_limit(endpoint: Endpoint, length: str, status: int) -> None:
    got, headers, answer = endpoint.call(put("Host: localhost", length=length))
    assert (got, headers["connection"]) == (status, "close")
    assert answer["__type"]
    assert taken(endpoint) == 0


def test_zeros_before_a_small_length_are_no_matter(endpoint: Endpoint) -> None:
    assert endpoint.call(put("Host: localhost", length=f"{'0' * 40}{len(BODY)}"))[0] == 200


# Two ends for one body: a proxy before it could take another one. Nothing after it on the connection is read.
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Transfer-Encoding: chunked"], 400),
        (["transfer-encoding: identity"], 400),
        (["Content-Length: 5"], 400),
        ([f"Content-Length: {len(BODY)}"], 400),
    ],
)
def test_two_ends_of_a_body_are_refused(endpoint: Endpoint, headers: list[str], status: int) -> None:
    with endpoint.connect() as connection:
        connection.sendall(put("Host: localhost", *headers) + put("Host: localhost"))
        assert read_answer(connection)[0] == status
        assert connection.recv(1) == b""
    assert taken(endpoint) == 0


def test_chunked_bodies_are_refused(endpoint: Endpoint) -> None:
    request = put("Host: localhost", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n", length="")
    status, _, answer = endpoint.call(request)
    assert (status, answer["__type"]) == (411, "MissingContentLength")


# A body behind a GET is not read, and is not taken for the next request.
@pytest.mark.parametrize("header", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_a_body_of_a_get_is_no_request(endpoint: Endpoint, header: str) -> None:
    inner = put("Host: localhost")
    head = f"GET / HTTP/1.1\r\nHost: localhost\r\n{header.format(len(inner))}\r\n\r\n".encode()
    with endpoint.connect() as connection:
        connection.sendall(head + inner)
        assert read_answer(connection)[0] == 200
        assert connection.recv(1) == b""
    assert taken(endpoint) == 0


# Lines, single headers and heads that are too long, or too many headers: an answer in AWS's shape, and the end.
@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET /" + "a" * 70_000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 70_000 + "\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: a\r\n" * 200 + "\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n" + ("X: " + "a" * 30_000 + "\r\n") * 3 + "\r\n", 431),
    ],
)
def test_heads_are_bounded(endpoint: Endpoint, request_head: str, status: int) -> None:
    got, headers, answer = endpoint.call(request_head.encode())
    assert (got, headers["connection"]) == (status, "close")
    assert answer["__type"]


# A body that comes a piece at a time has an end: the whole of it counts, not each piece.
def test_a_slow_body_is_ended(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 10_000, 25))
    monkeypatch.setattr(handler_module.time, "monotonic", lambda: next(seconds))
    with endpoint.connect() as connection:
        connection.sendall(put("Host: localhost", body=b"", length="1000"))
        for _ in range(10):
            try:
                connection.sendall(b"x")
                connection.settimeout(0.2)
                if connection.recv(1, 2):  # MSG_PEEK: it has been answered
                    break
            except TimeoutError:
                continue
        connection.settimeout(20)
        status, _, answer = read_answer(connection)
    assert (status, answer["__type"]) == (408, "RequestTimeout")


# What the page and the counts are: not another site's script, frame or picture.
def test_answers_are_not_for_other_sites(endpoint: Endpoint) -> None:
    _, headers, _ = endpoint.call(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


# The journal holds log lines: under the most open umask it is its owner's alone, also one that was there before.
def test_the_journal_is_its_users_alone(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; os.umask(0); from streamtally.local.simulator.journal import Journal;"
        "journal = Journal(sys.argv[1]); list(journal.append('s', [[b'line']], 0, {}));"
        "print(sorted(os.listdir(os.path.dirname(sys.argv[1]))));"
        "print([oct(os.stat(os.path.join(os.path.dirname(sys.argv[1]), n)).st_mode & 0o77) for n in"
        " os.listdir(os.path.dirname(sys.argv[1]))])"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script, tmp_path / "journal.db"], capture_output=True, text=True, check=True
        )
        names, rights = done.stdout.splitlines()
        assert "journal.db-wal" in names
        assert set(eval(rights)) == {"0o0"}
        (tmp_path / "journal.db").chmod(0o644)
    Journal(tmp_path / "journal.db").close()
    assert modes(tmp_path)["journal.db"] == 0o600


# A store that `streamtally local` makes is closed to others; one that was there keeps the rights that its user gave.
def test_a_new_store_is_closed(tmp_path: Path) -> None:
    from streamtally.cli.local import lock_store

    before = os.umask(0)
    try:
        lock_store(tmp_path / "new")
        (tmp_path / "own").mkdir(mode=0o750)
        lock_store(tmp_path / "own")
    finally:
        os.umask(before)
    assert modes(tmp_path) == {"new": 0o700, "own": 0o750}
    assert modes(tmp_path / "new") == {"lock": 0o600}
