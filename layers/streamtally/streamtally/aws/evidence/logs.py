"""The last hour's errors in CloudWatch Logs: the function's own, and what Firehose says of the stream's deliveries.

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
"""Of up to 10,000 events each; a log full of an error says so on its first pages."""
FUNCTION_ERRORS = '?ERROR ?Error ?Exception ?"timed out" ?"Status: timeout"'
"""What is worth reading of a function's log; Firehose writes errors alone."""


def gather_logs(aws: Aws, stream: str, now: datetime) -> list[ErrorLog]:
    """The error lines of a stream's function and of its deliveries; nothing where there are no logs."""
    try:
        description = read_stream(aws, stream)
        places = list(_places(aws, description))
    except (AwsError, SettingsError):
        return []  # the stream's own evidence says why
    found = [_read(aws, group, log_stream, pattern, now) for group, log_stream, pattern in places]
    return [each for each in found if each.lines or each.error]


def _places(aws: Aws, description: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(log group, log stream or "" for all, what to look for)."""
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
    asked: dict[str, Any] = {"logGroupName": group, "startTime": int((now - HOUR).timestamp() * 1000)}
    asked |= {"logStreamNames": [log_stream]} if log_stream else {}
    asked |= {"filterPattern": pattern} if pattern else {}
    lines: list[str] = []
    try:
        for _ in range(MAX_PAGES):
            page = aws.call("logs", "filter_log_events", **asked)
            lines += [str(event.get("message", "")).rstrip("\n") for event in page.get("events") or []]
            if not page.get("nextToken"):
                break
            asked["nextToken"] = page["nextToken"]
    except AwsError as error:
        # A function that was never called has no log yet.
        missing = error.code == "ResourceNotFoundException"
        return ErrorLog(group, lines, "" if missing else str(error))
    return ErrorLog(group, lines)
