"""Whether the agent's user can read a log, and which directory is in the way if not.

Root reads everything, so this is computed from modes, owners and access control lists, never tried.
Source: acl(5), "ACCESS CHECK ALGORITHM".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamtally.findings import Finding

READ, SEARCH = 4, 1
ROOT = 0
USER, OWNING_GROUP, GROUP, MASK = 0x02, 0x04, 0x08, 0x10
"""Kinds of an ACL's entries; those of the owner and of others are in the mode."""


@dataclass(frozen=True, slots=True)
class Node:
    """A file or directory: its mode's permission bits, owner and group.

    Attributes: acl: entries (kind, permission bits, user or group), none where there is no list; listed: the agent
        reads this directory's names, to find its logs.
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
        """What has to be allowed here."""
        return READ if not self.is_directory else READ | SEARCH if self.listed else SEARCH


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What a flow's pattern matches.

    Attributes:
        pattern: ``filePattern``; user, uid, gids: of the agent; uid -1: there is no such user here.
        chain: from the root to the file, also by way of what a link leads to; only as far as there is something.
        found: a file matches; hidden: a directory that whoever asks may not look into.
    """

    pattern: str
    user: str
    uid: int
    gids: Sequence[int]
    chain: Sequence[Node]
    found: bool
    hidden: str = ""


def check_path(given: FileAccess) -> Iterator[Finding]:
    """A pattern without a file is silent for ever."""
    if given.hidden:
        text = f"you may not look into {given.hidden}, so whether {given.pattern} is there is not known"
        yield Finding("log-path", "warning", text, "run the doctor as root, or with sudo", given.pattern)
    elif not given.found:
        last = given.chain[-1].path if given.chain else "/"
        text = f"no file matches {given.pattern} (the path is there as far as {last})"
        yield Finding("log-path", "error", text, "mend filePattern; it takes * in the file's name alone", given.pattern)


def check_readable(given: FileAccess) -> Iterator[Finding]:
    """Every directory needs x, the log's own r too, the file r; the first that lacks it is named."""
    for node in given.chain:
        if not _may(given, node):
            kind, letters = ("directory", "rx" if node.listed else "x") if node.is_directory else ("file", "r")
            lists = " and an access control list" if node.acl else ""
            who = "" if given.uid >= 0 else " (no such user is on this machine)"
            text = f"the user {given.user}{who} cannot read it: the {kind} {node.path} has mode {node.mode:04o}{lists}"
            fix = f"setfacl -m u:{given.user}:{letters} {node.path}"
            yield Finding("log-readable", "error", text, fix, given.pattern)
            return


def _may(given: FileAccess, node: Node) -> bool:
    need = node.need
    if given.uid == ROOT:
        return True
    if node.uid == given.uid:
        return node.mode >> 6 & need == need
    mask = next((bits for kind, bits, _ in node.acl if kind == MASK), 7)
    for kind, bits, user in node.acl:
        if kind == USER and user == given.uid:
            return bits & mask & need == need
    groups = [bits & mask for kind, bits, group in node.acl if kind == GROUP and group in given.gids]
    if node.gid in given.gids:
        # With a list the mode's group bits are its mask.
        groups.append(next((bits & mask for kind, bits, _ in node.acl if kind == OWNING_GROUP), node.mode >> 3))
    if groups:
        return any(bits & need == need for bits in groups)
    return node.mode & need == need


CHECKS: tuple[Callable[[FileAccess], Iterable[Finding]], ...] = (check_path, check_readable)
