"""The names that are followed, and which files they stand for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from streamtally.local.follow.followed import FollowedLog
from streamtally.local.follow.tail import Identity, Tail


@dataclass(slots=True)
class FollowedName:
    """A name that is followed."""

    path: Path
    shown: str
    log: FollowedLog | None = None
    """What it stands for; None: there is no file."""
    former: FollowedLog | None = None
    """What it stood for before."""
    refused: tuple[Identity, int] | None = None
    """A file of this name that cannot be followed, and when it was written."""
    trouble: str = ""
    """What was last said of it."""
    vanished: float | None = None
    """When its file vanished, in s of the clock; None: it never had one."""

    def replace(self, log: FollowedLog | None) -> None:
        """Let it stand for another file."""
        if self.log is not None:
            self.former = self.log
        self.log, self.trouble, self.refused = log, "", None


def identity_of_log(log: FollowedLog) -> Identity:
    """The identity of a log's file; that of a pipe is none of a file."""
    return log.source.identity if isinstance(log.source, Tail) else (-1, -1)


def line_start(handle: BinaryIO) -> int:
    """Where the line begins that is being written at the end of a file, in bytes."""
    end = os.fstat(handle.fileno()).st_size
    block = os.pread(handle.fileno(), 2**20, max(end - 2**20, 0))
    return end - (len(block) - block.rfind(b"\n") - 1)
