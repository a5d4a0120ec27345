"""One connection to the endpoint: what is read from it and answered on it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedReader
from typing import Any, NamedTuple, cast
from uuid import uuid4

import orjson

from streamtally.local.simulator.endpoint import HandledServer
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.guard import MAX_BODY_BYTES, body_length
from streamtally.local.simulator.other_services import (
    FORM,
    METRICS_TARGET,
    Xml,
    answer_form,
    error_form,
    unknown_target,
)
from streamtally.local.simulator.secure import HANDSHAKE, LEFT, PLAIN_ANSWER, SPOKE_TLS

IDLE_SECONDS = 30
BODY_SECONDS = 60
"""How long a whole body may take, so that one sent byte by byte is ended."""
MAX_HEAD_BYTES = 64 * 2**10
LINGER_SECONDS = 2
TARGET = "Firehose_20150804."
JSON_TYPE = "application/x-amz-json-1.1"

MAX_EVENT_STREAMS = 8
"""Pages that follow at the same time; each keeps a connection."""


class Events(NamedTuple):
    """Server-sent events."""

    texts: Iterator[str]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: HandledServer
    protocol_version = "HTTP/1.1"
    server_version = "streamtally-local"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            try:
                self.connection.do_handshake()
            except (ssl.SSLEOFError, ConnectionError):
                if self.connection.cipher():  # it has seen the certificate; one that only tries the port has not
                    self.server.refusals.note(LEFT)
                raise

    def handle(self) -> None:
        with contextlib.suppress(TimeoutError):
            first = cast("BufferedReader", self.rfile).peek(2)[:2]
            if first == HANDSHAKE:  # a request line would be awaited in vain
                self.server.refusals.note(SPOKE_TLS)
                self.wfile.write(PLAIN_ANSWER)
                return
            if not first and isinstance(self.connection, ssl.SSLSocket):
                self.server.refusals.note(LEFT)
            super().handle()

    def handle_one_request(self) -> None:
        super().handle_one_request()
        if not self.close_connection:
            self.server.connections.wait(self.connection)

    def do_POST(self) -> None:
        try:
            self._admit()
            body = self._body()
        except ApiError as error:  # the next bytes on this connection may be the unread body
            self.close_connection = True
            self._refuse_post(error)
            return
        self.server.connections.answer(self.connection)
        try:
            self._send(200, self._call(body))
        except ApiError as error:
            self._refuse_post(error)

    def do_GET(self) -> None:
        try:
            self._admit()
        except ApiError as error:
            self.close_connection = True
            self._refuse(error)
            return
        if self.headers.get("Content-Length", "0").strip("0 ") or self.headers.get("Transfer-Encoding"):
            self.close_connection = True  # a body that is not read must not be taken for the next request
        self.server.connections.answer(self.connection)
        try:
            content = self.server.status(self.path, "text/html" in self.headers.get("Accept", ""))
        except Exception as error:  # the cluster may be down, for example
            self._refuse(ApiError("InternalFailure", f"{type(error).__name__}: {error}"[:200], 500))
            return
        if content is None:
            self._refuse(ApiError("UnknownOperationException", "nothing is shown here", 404))
        elif isinstance(content, Events):
            self._stream(content.texts)
        else:
            self._send(200, content)

    def _stream(self, texts: Iterator[str]) -> None:
        """Send events until the browser leaves; then writing fails, and the connection ends."""
        self.close_connection = True
        if not self.server.event_streams.acquire(blocking=False):
            self._refuse(ApiError("ServiceUnavailableException", f"{MAX_EVENT_STREAMS} pages follow already", 503))
            return
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.send_header("Connection", "close")
            self.end_headers()
            for event in texts:
                self.wfile.write(event.encode("utf-8", "replace"))
                self.wfile.flush()
        finally:
            self.server.event_streams.release()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Report a malformed request or an unknown method in AWS's form as well."""
        self.close_connection = True
        if self.request_version == "HTTP/0.9":  # else the status line would be left out
            self.request_version = self.protocol_version
        self.server.refusals.note(f"a request was refused: {message or code}")
        kind = "UnknownOperationException" if code == HTTPStatus.NOT_IMPLEMENTED else "SerializationException"
        self._send(code, {"__type": kind, "message": message or HTTPStatus(code).phrase})

    def _call(self, body: bytes) -> dict[str, Any] | Xml:
        """The action's response. Raises: ApiError."""
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET):
            if self._is_form():
                return answer_form(body, time.time_ns() // 1_000_000)
            if target == METRICS_TARGET:
                return {}
            raise unknown_target(target)
        try:
            parameters = orjson.loads(body)
        except ValueError:
            raise ApiError("SerializationException", "the request is not JSON") from None
        try:
            return self.server.api.call(target[len(TARGET) :], parameters)
        except ApiError:
            raise
        except Exception as error:  # the journal's disk may be full, for example: the sender retries
            raise ApiError("InternalFailure", f"{type(error).__name__}: {error}"[:200], 500) from error

    def _admit(self) -> None:
        """Raises: ApiError: the request's origin is not accepted, or its headers are too large."""
        if sum(len(name) + len(value) for name, value in self.headers.raw_items()) > MAX_HEAD_BYTES:
            raise ApiError("RequestEntityTooLargeException", f"the headers are larger than {MAX_HEAD_BYTES} bytes", 431)
        self.server.guard.check(self.headers, self.path)

    def _body(self) -> bytes:
        length = body_length(self.headers)
        end = time.monotonic() + BODY_SECONDS
        parts: list[bytes] = []
        missing = length
        while missing and (part := self.rfile.read1(min(missing, 2**16))):
            parts.append(part)
            missing -= len(part)
            if missing and time.monotonic() > end:
                raise ApiError("RequestTimeout", f"the body did not arrive within {BODY_SECONDS} s", 408)
        if missing:
            raise ApiError("IncompleteBody", "the request ends before its Content-Length")
        return b"".join(parts)

    def _refuse_post(self, error: ApiError) -> None:
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or "a request"
        self.server.refusals.note(f"{action} was refused: {error.code}: {error}{error.advice}")
        if self._is_form():
            self._send(error.status, error_form(error))
        else:
            self._refuse(error)

    def _is_form(self) -> bool:
        """Whether it is a request of the query protocol, which STS has, for example."""
        return "X-Amz-Target" not in self.headers and self.headers.get("Content-Type", "").lower().startswith(FORM)

    def _refuse(self, error: ApiError) -> None:
        self._send(error.status, {"__type": error.code, "message": str(error)})

    def _send(self, status: int, content: Any) -> None:
        if isinstance(content, Xml):
            data, kind = content.text.encode("utf-8", "replace"), "text/xml"
        elif isinstance(content, str):
            data, kind = content.encode("utf-8", "replace"), "text/html; charset=utf-8"
        else:
            data, kind = orjson.dumps(content), JSON_TYPE
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-RequestId", str(uuid4()))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Frame-Options", "DENY")
        if status >= 400 and isinstance(content, dict):
            self.send_header("x-amzn-ErrorType", content["__type"])
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)
        if self.close_connection:
            self._linger()

    def _linger(self) -> None:
        """Read for a while what the client still sends; otherwise it sees a broken connection and no response."""
        self.wfile.flush()
        self.server.connections.wait(self.connection)  # must not keep others out
        self.connection.settimeout(LINGER_SECONDS)
        self.connection.shutdown(socket.SHUT_WR)
        received = 0
        while received < 2 * MAX_BODY_BYTES and (size := len(self.connection.recv(65_536))):
            received += size

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""
