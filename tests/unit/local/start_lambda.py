"""The function's own handler behind HTTP as ``sam local start-lambda`` serves it, without Docker: start_lambda.py PORT

Its first invocation fails, as the runtime tells it: status 200 and an ``errorMessage``.
"""

from __future__ import annotations

import http.server
import json
import sys

from functions.firehose_transform import app
from tests.system.conformance.contract.target import Context

PATH = "/2015-03-31/functions/TransformFunction/invocations"


class Handler(http.server.BaseHTTPRequestHandler):
    calls = 0

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != PATH:
            self.send(404, {"Type": "User", "Message": "Function not found"})
            return
        Handler.calls += 1
        if Handler.calls == 1:
            self.send(200, {"errorMessage": "out of luck", "errorType": "RuntimeError", "stackTrace": []})
        else:
            self.send(200, app.handler(event, Context()))

    def send(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
