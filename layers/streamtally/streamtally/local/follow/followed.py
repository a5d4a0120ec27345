"""One followed log: the lines of one file, or of one pipe, whatever its name becomes."""

from __future__ import annotations

from pathlib import Path

from streamtally.local.follow.line_feed import LineFeed
from streamtally.local.follow.opened import Pipe
from streamtally.local.follow.tail import Tail
from streamtally.local.line_lists import LineList


class FollowedLog:
    """The lines of one file or pipe.

    Args: path: where a copy of it is looked for; None: it is a pipe.
    Attributes:
        grown: when it last grew, in s of a monotonic clock.
    """

    def __init__(self, name: str, path: Path | None, source: Tail | Pipe, now: float) -> None:
        self.name, self.path, self.source = name, path, source
        self.grown = now
        self._feed = LineFeed(name)

    def read(self, limit_bytes: int, now: float) -> list[LineList] | None:
        """The lines that were completed since; None: what was read is no longer in the file."""
        data = self.source.read(limit_bytes)
        if data is None:
            return None
        if data:
            self.grown = now
        return self._feed.feed(data) if data else []

    def last_lines(self) -> list[LineList]:
        """The last line, if it has no line end, when no more can come."""
        return self._feed.finish()
