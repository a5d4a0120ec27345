"""Whether the agent's user can read a log, and if not, which directory prevents it.

Root can read everything, so this is computed from modes, owners and access control lists and never tried.
Source: acl(5), "ACCESS CHECK ALGORITHM".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamtally.findings import Finding

READ, SEARCH = 4, 1
ROOT = 0
USER, OWNING_GROUP, GROUP, MASK = 0x02, 0x04, 0x08, 0x10
"""Kinds of ACL entries; the entries of the owner and of others are in the mode."""


@dataclass(frozen=True, slots=True)
class PathNode:
    """A file or directory on the way to a log.

    Attributes:
        path: its path.
        mode: the permission bits.
        uid: the owner.
        gid: the group.
        is_directory: whether it is a directory.
        acl: entries of its access control list (kind, permission bits, user or group); empty if it has no list.
        listed: whether the agent lists this directory to find its logs.
    """

    path: str
    mode: int
    uid: int
    gid: int
    is_directory: bool
    acl: Sequence[tuple[int, int, int]] = ()
    listed: bool = False

    @property
    def need(self) -> int:
        """The permission bits that the agent needs here."""
        return READ if not self.is_directory else READ | SEARCH if self.listed else SEARCH


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What a flow's pattern matches.

    Attributes:
        pattern: ``filePattern``.
        user: the agent's user.
        uid: this user's id; -1: this machine has no such user.
        gids: the ids of this user's groups.
        chain: the nodes from the root to the file, including the targets of links, as far as they exist.
        exists: whether a file matches.
        hidden: a directory that the caller may not read; "": none.
    """

    pattern: str
    user: str
    uid: int
    gids: Sequence[int]
    chain: Sequence[PathNode]
    exists: bool
    hidden: str = ""


def check_path(access: FileAccess) -> Iterator[Finding]:
    """If no file matches the pattern, the agent sends nothing and reports nothing."""
    if access.hidden:
        text = f"you may not read {access.hidden}, so it is unknown whether {access.pattern} exists"
        yield Finding("log-path", "warning", text, "run the doctor as root, or with sudo", access.pattern)
    elif not access.exists:
        last = access.chain[-1].path if access.chain else "/"
        text = f"no file matches {access.pattern} (the path exists as far as {last})"
        yield Finding(
            "log-path", "error", text, "fix filePattern; it may contain * only in the file name", access.pattern
        )


def check_readable(access: FileAccess) -> Iterator[Finding]:
    """Each directory needs x, the log's own directory also r, and the file r; the first node without it is named."""
    for node in access.chain:
        if not _may(access, node):
            kind, letters = ("directory", "rx" if node.listed else "x") if node.is_directory else ("file", "r")
            lists = " and an access control list" if node.acl else ""
            note = "" if access.uid >= 0 else " (this machine has no such user)"
            text = (
                f"the user {access.user}{note} cannot read it: the {kind} {node.path} has mode {node.mode:04o}{lists}"
            )
            fix = f"setfacl -m u:{access.user}:{letters} {node.path}"
            yield Finding("log-readable", "error", text, fix, access.pattern)
            return


def _may(access: FileAccess, node: PathNode) -> bool:
    need = node.need
    if access.uid == ROOT:
        return True
    if node.uid == access.uid:
        return node.mode >> 6 & need == need
    mask = next((bits for kind, bits, _ in node.acl if kind == MASK), 7)
    for kind, bits, user in node.acl:
        if kind == USER and user == access.uid:
            return bits & mask & need == need
    groups = [bits & mask for kind, bits, group in node.acl if kind == GROUP and group in access.gids]
    if node.gid in access.gids:
        # If there is a list, the mode's group bits are its mask.
        groups.append(next((bits & mask for kind, bits, _ in node.acl if kind == OWNING_GROUP), node.mode >> 3))
    if groups:
        return any(bits & need == need for bits in groups)
    return node.mode & need == need


CHECKS: tuple[Callable[[FileAccess], Iterable[Finding]], ...] = (check_path, check_readable)
