"""The endpoint with a certificate, for Fluent Bit, which always speaks TLS; and what is said when one end does not."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamtally.errors import SettingsError
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.refusals import MAX_SAID, Refusals
from streamtally.local.simulator.secure import load_certificate
from streamtally.local.simulator.server import Server
from tests.unit.local.simulator.test_endpoint import read_answer

# As Fluent Bit's output kinesis_firehose with `simple_aggregation On` writes a request (plugins/out_kinesis_firehose,
# src/aws): its own order of headers, the host of `endpoint` without the port, several JSON lines in a record.
LINES = [b'{"log":"192.0.2.1 - - [01/Mar/2025:12:00:00 +0000] \\"GET / HTTP/1.1\\" 200 5"}\n', b'{"log":"x"}\n']
FLUENT_BIT_HEAD = """POST / HTTP/1.1\r
Host: localhost\r
Content-Length: {length}\r
User-Agent: aws-fluent-bit-plugin\r
Content-Type: application/x-amz-json-1.1\r
X-Amz-Target: Firehose_20150804.PutRecordBatch\r
x-amz-date: 20250301T120000Z\r
Authorization: AWS4-HMAC-SHA256 Credential=any/20250301/eu-west-1/firehose/aws4_request, SignedHeaders=host;x-amz-date\
;x-amz-target, Signature=00\r
\r
"""


class Taken:
    """Takes records, as the API does."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def call(self, action: str, parameters: Any) -> dict[str, Any]:
        if action != "PutRecordBatch":
            raise ApiError("UnknownOperationException", f"unknown operation {action!r}", advice=" (advice)")
        data = [base64.b64decode(record["Data"]) for record in parameters["Records"]]
        self.records += data
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"} for _ in data]}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate for localhost, made by the command of docs/local.md."""
    folder = tmp_path_factory.mktemp("pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


Started = tuple[Server, Taken, list[str]]


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    servers: list[Server] = []

    def start(tls: ssl.SSLContext | None = None) -> Started:
        taken, said = Taken(), list[str]()
        server = Server(("127.0.0.1", 0), taken, lambda _path, _page: {"shown": 1}, tls=tls, say=said.append)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server, taken, said

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def connect(server: Server, context: ssl.SSLContext | None = None) -> socket.socket:
    connection = socket.create_connection(server.server_address[:2], timeout=20)
    return context.wrap_socket(connection, server_hostname="localhost") if context else connection


def fluent_bit(records: list[bytes]) -> bytes:
    made = ",".join(f'{{"Data":"{base64.b64encode(data).decode()}"}}' for data in records)
    body = f'{{"DeliveryStreamName":"logs","Records":[{made}]}}'.encode()
    return FLUENT_BIT_HEAD.format(length=len(body)).encode() + body


def waits_for(said: list[str], part: str) -> str:
    for _ in range(200):
        if matching := [text for text in said if part in text]:
            return matching[0]
        threading.Event().wait(0.02)
    raise AssertionError(f"{part!r} is not in {said}")


def test_fluent_bit_over_tls(start: Callable[..., Started], pem: Path) -> None:
    """Two requests on a connection that is kept, verified by the certificate, as with tls.ca_file; ALPN is HTTP/1.1."""
    server, taken, said = start(load_certificate(pem / "cert.pem", pem / "key.pem"))
    context = ssl.create_default_context(cafile=pem / "cert.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(server, context) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.selected_alpn_protocol() == "http/1.1"
        for _ in range(2):
            connection.sendall(fluent_bit([b"".join(LINES), LINES[1]]))
            status, _, answer = read_answer(connection)
            assert (status, answer["FailedPutCount"], len(answer["RequestResponses"])) == (200, 0, 2)
    assert taken.records == [b"".join(LINES), LINES[1]] * 2
    assert said == []


def test_a_full_batch_over_tls(start: Callable[..., Started], pem: Path) -> None:
    """500 records of 4 MiB in all, which need many TLS records."""
    server, taken, _ = start(load_certificate(pem / "cert.pem", pem / "key.pem"))
    records = [b"x" * 8_388] * 500
    with connect(server, ssl.create_default_context(cafile=pem / "cert.pem")) as connection:
        connection.sendall(fluent_bit(records))
        assert read_answer(connection)[0] == 200
    assert taken.records == records


def test_one_file_with_certificate_and_key(pem: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text((pem / "key.pem").read_text() + (pem / "cert.pem").read_text())
    assert load_certificate(both, None) is not None
    assert load_certificate(None, None) is None


def test_a_client_that_does_not_trust_the_certificate(start: Callable[..., Started], pem: Path) -> None:
    server, _, said = start(load_certificate(pem / "cert.pem", pem / "key.pem"))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server, ssl.create_default_context())
    assert "does not accept the certificate" in waits_for(said, "certificate")


def test_plain_http_to_a_tls_endpoint(start: Callable[..., Started], pem: Path) -> None:
    server, _, said = start(load_certificate(pem / "cert.pem", pem / "key.pem"))
    with connect(server) as connection:
        connection.sendall(fluent_bit(LINES))
        with pytest.raises((AssertionError, ConnectionError)):
            read_answer(connection)
    assert "speaks plain HTTP, but this endpoint is https://" in waits_for(said, "HTTP")


def test_a_handshake_that_never_ends_keeps_nobody_out(start: Callable[..., Started], pem: Path) -> None:
    server, _, _ = start(load_certificate(pem / "cert.pem", pem / "key.pem"))
    silent = [connect(server) for _ in range(70)]  # more than there are slots
    with connect(server, ssl.create_default_context(cafile=pem / "cert.pem")) as connection:
        connection.sendall(fluent_bit(LINES))
        assert read_answer(connection)[0] == 200
    for one in silent:
        one.close()


def test_tls_to_a_plain_endpoint(start: Callable[..., Started]) -> None:
    """It is answered at once (a client that waits for a handshake would time out), and said once for all its tries."""
    server, _, said = start()
    for _ in range(3):
        with pytest.raises(ssl.SSLError):
            connect(server, ssl.create_default_context())
    assert waits_for(said, "TLS") == "a client speaks TLS, but this endpoint is http:// (see --tls-certificate)"
    assert len(said) == 1


@pytest.mark.parametrize(
    ("certificate", "key", "says"),
    [
        (None, "key.pem", "--tls-key needs --tls-certificate"),
        ("none.pem", "key.pem", "--tls-certificate .*none.pem: cannot be read: No such file"),
        ("cert.pem", "none.pem", "--tls-key .*none.pem: cannot be read: No such file"),
        (".", None, "cannot be read: Is a directory"),
        ("cert.pem", None, "no certificate with its unencrypted private key"),
        ("key.pem", "cert.pem", "no certificate with its unencrypted private key"),
        ("cert.pem", "other.pem", "does not belong to the certificate"),
        ("cert.pem", "locked.pem", "no certificate with its unencrypted private key"),
    ],
)
def test_files_that_cannot_be_used(pem: Path, certificate: str | None, key: str | None, says: str) -> None:
    for name, options in (("other.pem", ()), ("locked.pem", ("-aes256", "-passout", "pass:secret"))):
        if name == key:
            command = ["openssl", "genrsa", *options, "-out", name, "2048"]
            subprocess.run(command, cwd=pem, check=True, capture_output=True)
    with pytest.raises(SettingsError, match=says) as caught:
        load_certificate(pem / certificate if certificate else None, pem / key if key else None)
    assert "\n" not in str(caught.value)


# What was refused is said with advice that the answer does not hold; a path and a slash after the host are no matter.
def test_refusals_are_said(start: Callable[..., Started]) -> None:
    server, taken, said = start()
    for head, action in (("POST / ", "PutRecordBatch"), ("POST /a/path/ ", "PutRecordBatch"), ("POST / ", "Put\x1b")):
        with connect(server) as connection:
            request = fluent_bit(LINES).replace(b"POST / ", head.encode(), 1)
            connection.sendall(request.replace(b"PutRecordBatch", action.encode(), 1))
            status, _, answer = read_answer(connection)
            assert (status == 200) == (action == "PutRecordBatch")
    assert taken.records == LINES * 2
    assert "advice" not in json.dumps(answer)
    assert said == [r"Put\x1b was refused: UnknownOperationException: unknown operation 'Put\x1b' (advice)"]


def test_refusals_do_not_flood() -> None:
    said: list[str] = []
    refusals = Refusals(said.append)
    for number in range(100):
        refusals.note(f"reason {number % 50}")
    assert len(said) == MAX_SAID + 1
    assert "not shown" in said[-1]
