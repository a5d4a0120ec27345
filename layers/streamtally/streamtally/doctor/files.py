"""Whether the agent's user can read a log, and which directory is in the way if not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamtally.findings import Finding

_READ, _SEARCH = 4, 1
ROOT = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A file or directory: its mode's permission bits, owner and group."""

    path: str
    mode: int
    uid: int
    gid: int
    is_directory: bool


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What a flow's pattern matches.

    Attributes:
        pattern: ``filePattern``; user, uid, gids: of the agent.
        chain: from the root to the file; only to the deepest directory that exists, where nothing matches.
        found: a file matches.
    """

    pattern: str
    user: str
    uid: int
    gids: Sequence[int]
    chain: Sequence[Node]
    found: bool


def check_path(given: FileAccess) -> Iterator[Finding]:
    """A pattern without a file is silent for ever."""
    if not given.found:
        last = given.chain[-1].path if given.chain else "/"
        text = f"no file matches {given.pattern} (the path is there as far as {last})"
        yield Finding("log-path", "error", text, "mend filePattern; it takes * in the file's name alone", given.pattern)


def check_readable(given: FileAccess) -> Iterator[Finding]:
    """Every directory needs x, the file r; the first that lacks it is named."""
    for node in given.chain:
        need = _SEARCH if node.is_directory else _READ
        if not _may(given, node, need):
            kind, letter = ("directory", "x") if node.is_directory else ("file", "r")
            text = f"the user {given.user} cannot read it: the {kind} {node.path} has mode {node.mode:04o}"
            fix = f"setfacl -m u:{given.user}:{'rx' if node.is_directory else letter} {node.path}"
            yield Finding("log-readable", "error", text, fix, given.pattern)
            return


def _may(given: FileAccess, node: Node, need: int) -> bool:
    if given.uid == ROOT:
        return True
    if node.uid == given.uid:
        return bool(node.mode >> 6 & need)
    return bool((node.mode >> 3 if node.gid in given.gids else node.mode) & need)


CHECKS: tuple[Callable[[FileAccess], Iterable[Finding]], ...] = (check_path, check_readable)
