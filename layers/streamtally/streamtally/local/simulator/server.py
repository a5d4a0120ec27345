"""The API over HTTP (AWS JSON 1.1), for agents, the AWS CLI and boto3 with ``--endpoint-url``.

Signatures are not checked: it is bound to loopback unless told otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import orjson

from streamtally.local.simulator.api import Api, ApiError

MAX_BODY_BYTES = 8 * 2**20  # 4 MiB of data in base64 and JSON, and room
MAX_CONNECTIONS = 64
IDLE_SECONDS = 30
TARGET = "Firehose_20150804."

Status = Callable[[str], Any]
"""A path → what to show there as JSON, or None."""


class Server(ThreadingHTTPServer):
    """The endpoint. Args: status: answers GET."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], api: Api, status: Status) -> None:
        self.api = api
        self.status = status
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        # More connections than this wait in the system's queue, and cost no thread.
        self._slots.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its caller's matter."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "streamtally-local"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        try:
            answer, status = self._answer(), 200
        except ApiError as error:
            answer, status = {"__type": error.code, "message": str(error)}, error.status
        except Exception as error:
            answer, status = {"__type": "InternalFailure", "message": type(error).__name__}, 500
        self._send(status, answer)

    def do_GET(self) -> None:
        found = self.server.status(self.path)
        self._send(200 if found is not None else 404, found if found is not None else {"message": "not found"})

    def _answer(self) -> dict[str, Any]:
        body = self._body()
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET):
            raise ApiError("UnknownOperationException", "X-Amz-Target names no action of Firehose")
        try:
            given = orjson.loads(body)
        except ValueError:
            raise ApiError("SerializationException", "the request is no JSON") from None
        return self.server.api.call(target[len(TARGET) :], given)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            raise ApiError("MissingContentLength", "Content-Length is missing", 411)
        if int(length[:12]) > MAX_BODY_BYTES:
            self.close_connection = True
            self._discard(min(int(length[:12]), 2 * MAX_BODY_BYTES))  # else its sender sees no answer
            raise ApiError("RequestEntityTooLargeException", f"the request is larger than {MAX_BODY_BYTES} bytes", 413)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            raise ApiError("IncompleteBody", "the request ends before its Content-Length")
        return body

    def _discard(self, size: int) -> None:
        while size > 0 and (read := len(self.rfile.read(min(size, 65_536)))):
            size -= read

    def _send(self, status: int, answer: Any) -> None:
        data = orjson.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-RequestId", str(uuid4()))
        if status >= 400 and isinstance(answer, dict):
            self.send_header("x-amzn-ErrorType", answer.get("__type", ""))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""
