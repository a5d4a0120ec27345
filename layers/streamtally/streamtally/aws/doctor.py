"""Gathers the doctor's evidence: files of this machine, a stream's state, a cluster's."""

from __future__ import annotations

import grp
import json
import os
import pwd
from collections import deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Any

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import find_destination
from streamtally.aws.attach import plan_attach
from streamtally.aws.session import Aws, AwsError
from streamtally.aws.status import read_status
from streamtally.aws.streams import attached_function, read_stream
from streamtally.doctor.agent_json import AgentJson, flows_of
from streamtally.doctor.error_log import ErrorLog
from streamtally.doctor.files import FileAccess, Node
from streamtally.doctor.stream import StreamState
from streamtally.errors import SettingsError, StreamtallyError
from streamtally.indices.names import inbox_name
from streamtally.local.folder import read_text
from streamtally.local.logs import read_log

AGENT_USER = "aws-kinesis-agent-user"
SAMPLE_LINES = 5_000
LOG_LINES = 20_000


def gather_agent(path: Path, region: str, user: str) -> list[object]:
    """A configuration, and what its flows' patterns match. Raises: SettingsError: it cannot be read."""
    text = read_text(path)
    flows = flows_of(text)
    patterns = [str(flow["filePattern"]) for flow in flows if flow.get("filePattern")]
    lines = {pattern: _sample(pattern) for pattern in patterns}
    return [AgentJson(str(path), text, region, lines), *(gather_access(pattern, user) for pattern in patterns)]


def _sample(pattern: str) -> list[bytes]:
    """Lines of the newest file that matches; none where it cannot be read."""
    files = sorted(_matches(pattern), key=lambda each: each.stat().st_mtime)
    try:
        return [line.data for line in islice(read_log(str(files[-1])), SAMPLE_LINES)] if files else []
    except StreamtallyError:
        return []


def _matches(pattern: str) -> list[Path]:
    """The files of a ``filePattern``, whose ``*`` stands in the file's name alone."""
    path = Path(pattern).absolute()
    try:
        return sorted(path.parent.glob(path.name or "*"))
    except (OSError, ValueError):
        return []


def gather_access(pattern: str, user: str) -> FileAccess:
    """Modes and owners from the root to the first file that matches. An unknown user is nobody's."""
    try:
        entry = pwd.getpwnam(user)
        uid, gids = entry.pw_uid, [entry.pw_gid, *(each.gr_gid for each in grp.getgrall() if user in each.gr_mem)]
    except KeyError:
        uid, gids = -1, []
    files = _matches(pattern)
    target = files[0] if files else Path(pattern).absolute()
    chain = [_node(each) for each in (*reversed(target.parents), target) if each.exists()]
    return FileAccess(pattern, user, uid, gids, chain, bool(files))


def _node(path: Path) -> Node:
    found = path.stat()
    return Node(str(path), found.st_mode & 0o7777, found.st_uid, found.st_gid, path.is_dir())


def gather_log(path: Path) -> ErrorLog:
    """The last lines of a log. Raises: SettingsError: it cannot be read."""
    last = deque((line.data for line in read_log(str(path))), LOG_LINES)
    return ErrorLog(str(path), [line.decode("utf-8", "replace") for line in last])


def gather_stream(
    aws: Aws, name: str, framing: str, opensearch_url: str | None, indices: Collection[str] = ()
) -> StreamState:
    """A stream's state; what cannot be read is part of it.

    Args: indices: of the pipeline's outputs: a stream that writes there takes documents, and needs no function.
    """
    now = datetime.now(UTC)
    try:
        description = read_stream(aws, name)
    except AwsError as error:
        return StreamState(name, str(error), error.code)
    try:
        function = attached_function(description)
        findings = plan_attach(aws, name, FunctionSettings(function), framing).findings if function else ()
        status = read_status(aws, name, now, opensearch_url)
    except AwsError as error:
        return StreamState(name, str(error), error.code)
    return StreamState(
        name=name,
        function=function,
        needs_function=not _takes_documents(description, indices),
        attach_findings=findings,
        metrics=status.metrics,
        skew_seconds=_skew(aws),
        counts=status.counts,
        reason=status.reason,
    )


def _takes_documents(description: Mapping[str, Any], indices: Collection[str]) -> bool:
    index = str(find_destination(description).config.get("IndexName") or "")
    return bool(index) and (index == inbox_name(str(description["DeliveryStreamName"])) or index in indices)


def _skew(aws: Aws) -> float | None:
    """The service's clock less ours, from an answer's Date header."""
    now = datetime.now(UTC)
    answer = aws.call("firehose", "list_delivery_streams", Limit=1)
    text = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date")
    try:
        return (parsedate_to_datetime(text) - now).total_seconds() if text else None
    except (ValueError, TypeError):
        return None


def looks_like_log(path: Path) -> bool:
    """Whether a file is a log, not an agent's configuration."""
    return path.suffix != ".json" or _is_json_lines(path)


def _is_json_lines(path: Path) -> bool:
    first = next(iter(read_text(path).splitlines()), "")
    try:
        return "flows" not in json.loads(first)
    except (ValueError, TypeError):
        return False


def check_exists(path: Path) -> None:
    """Raises: SettingsError: nothing to read."""
    if not os.path.lexists(path):
        raise SettingsError(f"{path}: cannot be read: there is no such file")
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{path}: cannot be read by you: run it as root, or with sudo")
