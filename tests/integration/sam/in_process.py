"""Calls a handler in this process, without Docker: in_process.py FUNCTION EVENT.json ANSWER.json

The handlers read their environment on import, so each call is a process of its own.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


class Context:
    """What the handlers use of Lambda's context."""

    function_name = "in-process"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:in-process"
    aws_request_id = "in-process"
    log_group_name = "group"
    log_stream_name = "stream"

    def get_remaining_time_in_millis(self) -> int:
        return 100_000


def main(function: str, event: str, answer: str) -> None:
    app = importlib.import_module(f"functions.{function}.app")
    Path(answer).write_text(json.dumps(app.handler(json.loads(Path(event).read_text()), Context())))


if __name__ == "__main__":
    main(*sys.argv[1:])
