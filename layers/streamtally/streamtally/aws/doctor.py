"""Gathers the doctor's evidence: files of this machine, a stream's state, a cluster's."""

from __future__ import annotations

import grp
import json
import os
import pwd
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import Any

from streamtally.attach.change import FunctionSettings
from streamtally.attach.destinations import find_destination
from streamtally.aws.attach import attached_function, plan_attach, read_stream
from streamtally.aws.opensearch import Cluster, ClusterError
from streamtally.aws.session import Aws, AwsError
from streamtally.aws.status import read_status
from streamtally.doctor.agent_json import AgentJson, flows_of
from streamtally.doctor.error_log import ErrorLog
from streamtally.doctor.files import FileAccess, Node
from streamtally.doctor.opensearch import OpenSearchState
from streamtally.doctor.stream import StreamState
from streamtally.errors import SettingsError, StreamtallyError
from streamtally.local.folder import read_text
from streamtally.local.logs import read_log

AGENT_USER = "aws-kinesis-agent-user"
SAMPLE_LINES = 5_000
LOG_LINES = 20_000
SAMPLE_DOCUMENTS = 50


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


def gather_stream(aws: Aws, name: str, framing: str, opensearch_url: str | None) -> StreamState:
    """A stream's state; what cannot be read is part of it."""
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
        attach_findings=findings,
        metrics=status.metrics,
        skew_seconds=_skew(aws, now),
        counts=status.counts,
        reason=status.reason,
    )


def _skew(aws: Aws, now: datetime) -> float | None:
    """The service's clock less ours, from an answer's Date header."""
    answer = aws.call("firehose", "list_delivery_streams", Limit=1)
    text = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date")
    try:
        return (parsedate_to_datetime(text) - now).total_seconds() if text else None
    except (ValueError, TypeError):
        return None


def gather_opensearch(cluster: Cluster, index: str, domain: Mapping[str, Any] | None = None) -> OpenSearchState:
    """A cluster's state for one output's index. Args: domain: ``DomainStatus``, where AWS gave it."""
    try:
        settings = cluster.request("GET", f"/{index},{index}-*/_settings", params={"ignore_unavailable": "true"})
        nodes = cluster.request("GET", "/_nodes/stats/fs").get("nodes") or {}
        query = {"size": SAMPLE_DOCUMENTS, "query": {"exists": {"field": "tally.batch_id"}}}
        partials = cluster.request(
            "POST", f"/partials-{index}-*,inbox-*/_search", query, {"ignore_unavailable": "true"}, (404,)
        )
    except ClusterError as error:
        return OpenSearchState(cluster.name, index, str(error), error.status)
    return OpenSearchState(
        where=cluster.name,
        index=index,
        matching=sorted(settings),
        blocked=sorted(name for name, body in settings.items() if _is_blocked(body)),
        used_share=max((_used(node) for node in nodes.values()), default=None),
        hits=((partials.get("hits") or {}).get("hits")) or [],
        policy=_policy(domain),
        in_vpc=bool((domain or {}).get("VPCOptions")),
        fine_grained=bool(((domain or {}).get("AdvancedSecurityOptions") or {}).get("Enabled")),
    )


def _is_blocked(body: Mapping[str, Any]) -> bool:
    blocks = ((body.get("settings") or {}).get("index") or {}).get("blocks") or {}
    return any(str(value) == "true" for value in blocks.values())


def _used(node: Mapping[str, Any]) -> float:
    total = (node.get("fs") or {}).get("total") or {}
    size = total.get("total_in_bytes") or 0
    return 1 - (total.get("available_in_bytes") or 0) / size if size else 0.0


def _policy(domain: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    try:
        found = json.loads((domain or {}).get("AccessPolicies") or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def describe_domain(aws: Aws, stream: str) -> Mapping[str, Any] | None:
    """The ``DomainStatus`` of the domain that a stream writes to; None where there is none."""
    config = find_destination(read_stream(aws, stream)).config
    name = str(config.get("DomainARN", "")).rpartition("/")[2]
    if not name:
        return None
    found: Mapping[str, Any] = aws.call("opensearch", "describe_domain", DomainName=name)["DomainStatus"]
    return found


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
