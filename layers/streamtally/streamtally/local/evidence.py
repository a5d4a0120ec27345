"""Gathers the doctor's evidence about an agent: its configuration, the logs that match it, who may read them."""

from __future__ import annotations

import grp
import json
import os
import pwd
import struct
from collections import deque
from itertools import islice
from pathlib import Path

from streamtally.doctor.agent_json import AgentJson, flows_of
from streamtally.doctor.error_log import ErrorLog
from streamtally.doctor.files import FileAccess, PathNode
from streamtally.errors import StreamtallyError
from streamtally.local.folder import read_text
from streamtally.local.logs import read_log

SAMPLE_LINES = 5_000
LOG_LINES = 20_000
_ACL = "system.posix_acl_access"
_LOGGED = {"errorCode", "errorMessage", "rawData", "message", "msg", "level", "log", "time", "timestamp"}
"""Keys of JSON log lines, including Firehose's error records; an agent's configuration has none of them."""


def gather_agent(path: Path, region: str, user: str) -> list[object]:
    """A configuration, and the files that its flows' patterns match. Raises: SettingsError: it cannot be read."""
    text = read_text(path)
    patterns = [pattern for flow in flows_of(text) if isinstance(pattern := flow.get("filePattern"), str) and pattern]
    accesses = [gather_access(pattern, user) for pattern in patterns]
    lines = {access.pattern: _sample(access.pattern) for access in accesses if access.exists}
    return [AgentJson(str(path), text, region, lines), *accesses]


def _sample(pattern: str) -> list[bytes]:
    """Lines of the newest matching file; empty if it cannot be read."""
    try:
        return [line.data for line in islice(read_log(str(find_newest(pattern))), SAMPLE_LINES)]
    except StreamtallyError:
        return []


def find_newest(pattern: str) -> Path | None:
    """The file that the agent follows for a ``filePattern``; ``*`` matches within the file name only."""
    path = Path(pattern).absolute()
    try:
        dated = [(file.stat().st_mtime, file) for file in path.parent.glob(path.name or "*") if file.is_file()]
    except (OSError, ValueError):
        return None
    return max(dated)[1] if dated else None


def gather_access(pattern: str, user: str) -> FileAccess:
    """Modes, owners and access control lists from the root to the newest matching file.

    An unknown user gets the rights of others.
    """
    try:
        entry = pwd.getpwnam(user)
        uid, gids = entry.pw_uid, [entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)]
    except KeyError:
        uid, gids = -1, []
    target = find_newest(pattern)
    chain, hidden = _chain(target or Path(pattern).absolute())
    if target is None and not hidden:
        unreadable = (node.path for node in chain if node.listed and not os.access(node.path, os.R_OK | os.X_OK))
        hidden = next(unreadable, "")
    return FileAccess(pattern, user, uid, gids, chain, target is not None, hidden)


def _chain(target: Path) -> tuple[list[PathNode], str]:
    """The nodes from the root to a file, including link targets; and the directory that hides the rest, if any."""
    nodes: list[PathNode] = []
    try:
        real = target.resolve()
    except (OSError, RuntimeError):
        real = target  # a circular link
    paths = dict.fromkeys((*reversed(target.parents), *reversed(real.parents), real))
    for path in paths:
        try:
            nodes.append(_node(path, path in (target.parent, real.parent)))
        except PermissionError:
            return nodes, str(path.parent)
        except OSError:
            break
    return nodes, ""


def _node(path: Path, listed: bool) -> PathNode:
    stat = path.stat()
    return PathNode(str(path), stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, path.is_dir(), _acl(path), listed)


def _acl(path: Path) -> list[tuple[int, int, int]]:
    """A file's access control list; empty if it has none, or if the system has no such lists.

    Source: Linux, include/uapi/linux/posix_acl_xattr.h: a version, then entries of kind, permissions and id.
    """
    if not hasattr(os, "getxattr"):
        return []
    try:
        data = os.getxattr(path, _ACL)
    except OSError:
        return []
    return list(struct.iter_unpack("<HHI", data[4:])) if len(data) % 8 == 4 else []


def looks_like_log(path: Path) -> bool:
    """Whether a file is a log rather than an agent's configuration."""
    return path.suffix != ".json" or _is_json_lines(path)


def _is_json_lines(path: Path) -> bool:
    first = next(iter(read_text(path).splitlines()), "")
    try:
        document = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool(_LOGGED & set(document))


def gather_log(path: Path) -> ErrorLog:
    """The last lines of a log. Raises: SettingsError: it cannot be read."""
    last = deque((line.data for line in read_log(str(path))), LOG_LINES)
    return ErrorLog(str(path), [line.decode("utf-8", "replace") for line in last])
