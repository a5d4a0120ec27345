"""The bytes of one log as they come → lists of its whole lines."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator

from streamtally.formats.unwrapping.parts import may_have_parts
from streamtally.local.line_lists import LineList, as_list, iter_lines, make_list, split_lines
from streamtally.local.logs import MAX_LINE_BYTES, LogLine, join_log_parts

_PAUSE = LogLine("", 0, b"", 0)


class LineFeed:
    """Keeps the line that is not complete yet, and joins lines that a container's log holds in parts.

    Args: file: the log's name, as messages show it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.number = 0
        self._rest = b""
        self._is_skipping = False
        self._is_finished = False
        self._waiting: deque[LogLine] = deque()
        self._joined: Iterator[LogLine] | None = None

    def feed(self, data: bytes) -> list[LineList]:
        """Take in more bytes. Returns: the lines that they complete."""
        return self._join(self._complete(data))

    def finish(self) -> list[LineList]:
        """There are no more bytes. Returns: the last line, if it has no line end, and parts without their last."""
        rest, self._rest = self._rest, b""
        lists = [self._next_list([rest])] if rest else []
        self._is_finished = True
        return self._join(lists)

    def _complete(self, data: bytes) -> list[LineList]:
        if self._is_skipping:
            _, ended, data = data.partition(b"\n")
            self._is_skipping = not ended
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        lists = [self._next_list(split_lines(data[:end]))] if end else []
        if len(self._rest) > MAX_LINE_BYTES:
            lists.append(self._begin_skipping())
        return lists

    def _next_list(self, lines: list[bytes]) -> LineList:
        lists = make_list(self.file, self.number + 1, lines)
        self.number += len(lines)
        return lists

    def _begin_skipping(self) -> LineList:
        """The beginning of a line that is too long; the rest of it is skipped."""
        start, self._rest = self._rest[: MAX_LINE_BYTES + 1].removeprefix(codecs.BOM_UTF8), b""
        self._is_skipping = True
        self.number += 1
        return LineList(self.file, range(self.number, self.number + 1), [start], frozenset({0}))

    def _join(self, lists: list[LineList]) -> list[LineList]:
        if self._joined is None:
            if not any(may_have_parts(b"".join(lines.lines)) for lines in lists):
                return lists
            self._joined = join_log_parts(self._until_finished())
        for lines in lists:
            self._waiting.extend(iter_lines(lines))
        joined: list[LogLine] = []
        for line in self._joined:
            if line is _PAUSE:
                break
            joined.append(line)
        return [as_list(joined)] if joined else []

    def _until_finished(self) -> Iterator[LogLine]:
        """The lines, and a pause wherever there are no more for now."""
        while self._waiting or not self._is_finished:
            yield self._waiting.popleft() if self._waiting else _PAUSE
