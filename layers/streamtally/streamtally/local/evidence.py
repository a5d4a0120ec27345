"""Gathers the doctor's evidence of an agent: its configuration, the logs that it matches, who may read them."""

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

AGENT_USER = "aws-kinesis-agent-user"
SAMPLE_LINES = 5_000
_ACL = "system.posix_acl_access"
_LOGGED = {"errorCode", "errorMessage", "rawData", "message", "msg", "level", "log", "time", "timestamp"}
"""Keys of a line of a log, Firehose's error records among them; an agent's configuration has none of them."""


def gather_agent(path: Path, region: str, user: str) -> list[object]:
    """A configuration, and what its flows' patterns match. Raises: SettingsError: it cannot be read."""
    text = read_text(path)
    patterns = [each for flow in flows_of(text) if isinstance(each := flow.get("filePattern"), str) and each]
    accesses = [gather_access(pattern, user) for pattern in patterns]
    lines = {access.pattern: _sample(access.pattern) for access in accesses if access.exists}
    return [AgentJson(str(path), text, region, lines), *accesses]


def _sample(pattern: str) -> list[bytes]:
    """Lines of the newest file that matches; none where it cannot be read."""
    try:
        return [line.data for line in islice(read_log(str(_newest(pattern))), SAMPLE_LINES)]
    except StreamtallyError:
        return []


def _newest(pattern: str) -> Path | None:
    """The file of a ``filePattern`` that the agent follows; its ``*`` stands in the file's name alone."""
    path = Path(pattern).absolute()
    try:
        dated = [(each.stat().st_mtime, each) for each in path.parent.glob(path.name or "*") if each.is_file()]
    except (OSError, ValueError):
        return None
    return max(dated)[1] if dated else None


def gather_access(pattern: str, user: str) -> FileAccess:
    """Modes, owners and access control lists from the root to the newest file that matches.

    An unknown user is nobody's.
    """
    try:
        entry = pwd.getpwnam(user)
        uid, gids = entry.pw_uid, [entry.pw_gid, *(each.gr_gid for each in grp.getgrall() if user in each.gr_mem)]
    except KeyError:
        uid, gids = -1, []
    target = _newest(pattern)
    chain, hidden = _chain(target or Path(pattern).absolute())
    if target is None and not hidden:
        hidden = next((each.path for each in chain if each.listed and not os.access(each.path, os.R_OK | os.X_OK)), "")
    return FileAccess(pattern, user, uid, gids, chain, target is not None, hidden)


def _chain(target: Path) -> tuple[list[PathNode], str]:
    """What there is from the root to a file, and what a link on the way leads to; a directory that hides the rest."""
    nodes: list[PathNode] = []
    try:
        real = target.resolve()
    except (OSError, RuntimeError):
        real = target  # a link that goes round
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
    found = path.stat()
    return PathNode(str(path), found.st_mode & 0o7777, found.st_uid, found.st_gid, path.is_dir(), _acl(path), listed)


def _acl(path: Path) -> list[tuple[int, int, int]]:
    """A file's access control list: none where it has none, or where the system knows none.

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
    """Whether a file is a log, not an agent's configuration."""
    return path.suffix != ".json" or _is_json_lines(path)


def _is_json_lines(path: Path) -> bool:
    first = next(iter(read_text(path).splitlines()), "")
    try:
        document = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool(_LOGGED & set(document))


LOG_LINES = 20_000


def gather_log(path: Path) -> ErrorLog:
    """The last lines of a log. Raises: SettingsError: it cannot be read."""
    last = deque((line.data for line in read_log(str(path))), LOG_LINES)
    return ErrorLog(str(path), [line.decode("utf-8", "replace") for line in last])
