"""The errors of the last hour in CloudWatch Logs: those of the function, and Firehose's about the stream's deliveries.

Source: CloudWatch Logs API reference, FilterLogEvents; Firehose developer guide, "Monitor with CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from streamtally.attach.destinations import find_destination
from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.streams.describe import attached_function, read_function, read_stream
from streamtally.doctor.error_log import ErrorLog
from streamtally.errors import SettingsError

HOUR = timedelta(hours=1)
MAX_PAGES = 5
"""Each page has up to 10,000 events; a log that is full of an error shows it on the first pages."""
FUNCTION_ERRORS = '?ERROR ?Error ?Exception ?"timed out" ?"Status: timeout"'
"""The filter for a function's log. Firehose logs only errors, so its log needs no filter."""


def gather_logs(aws: Aws, stream: str, now: datetime) -> list[ErrorLog]:
    """The error lines of a stream's function and of its deliveries; empty if there are no logs."""
    try:
        description = read_stream(aws, stream)
        sources = list(_sources(aws, description))
    except (AwsError, SettingsError):
        return []  # the stream's own evidence has the reason
    logs = [_read(aws, group, log_stream, pattern, now) for group, log_stream, pattern in sources]
    return [log for log in logs if log.lines or log.error]


def _sources(aws: Aws, description: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The logs: (log group, log stream or "" for all, filter pattern)."""
    arn = attached_function(description)
    if arn:
        parts = arn.removesuffix(":$LATEST").split(":")
        function = read_function(aws, ":".join(parts[:7]), ":".join(parts[7:])) or {}
        group = (function.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{parts[6]}"
        yield str(group), "", FUNCTION_ERRORS
    logging = find_destination(description).config.get("CloudWatchLoggingOptions") or {}
    if logging.get("Enabled") and logging.get("LogGroupName"):
        yield str(logging["LogGroupName"]), str(logging.get("LogStreamName") or ""), ""


def _read(aws: Aws, group: str, log_stream: str, pattern: str, now: datetime) -> ErrorLog:
    query: dict[str, Any] = {"logGroupName": group, "startTime": int((now - HOUR).timestamp() * 1000)}
    query |= {"logStreamNames": [log_stream]} if log_stream else {}
    query |= {"filterPattern": pattern} if pattern else {}
    lines: list[str] = []
    try:
        for _ in range(MAX_PAGES):
            page = aws.call("logs", "filter_log_events", **query)
            lines += [str(event.get("message", "")).rstrip("\n") for event in page.get("events") or []]
            if not page.get("nextToken"):
                break
            query["nextToken"] = page["nextToken"]
    except AwsError as error:
        # A function that was never called has no log yet.
        missing = error.code == "ResourceNotFoundException"
        return ErrorLog(group, lines, "" if missing else str(error))
    return ErrorLog(group, lines)
