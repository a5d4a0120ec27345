"""The terminal's view of followed logs, and its one plain line where there is no terminal.

Log lines are hostile: every text passes through ``visible``, so that none reaches the terminal as a control sequence,
and through ``Text``, so that none is read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamtally.local.live.snapshot import Snapshot
from streamtally.report.data import UnparsedLine
from streamtally.report.steps import CLASSES
from streamtally.text import visible

_STYLES: Final = {"2xx": "green", "info": "green", "3xx": "cyan", "debug": "cyan"} | {
    "4xx": "yellow",
    "warning": "yellow",
    "5xx": "red",
    "error": "red",
}
_LEAST_ROWS: Final = 3
_MOST_TEXT: Final = 400
_MAX_NOTICES: Final = 2
_SPARE_ROWS: Final = 2  # the cursor's, and one that the terminal scrolls by


def plain_line(snapshot: Snapshot) -> str:
    """The counts in one line, for a log file or a pipe."""
    classes = "".join(f" {kind} {count:,}" for kind, count in _in_order(snapshot))
    counts = f"{snapshot.lines:,} lines, {snapshot.rows:,} rows, {snapshot.unparsed:,} not parsed"
    return f"{counts}; {_rate(snapshot.rate)};{classes}".rstrip(";")


def terminal_view(snapshot: Snapshot, width: int, height: int, *, ascii_only: bool = False) -> RenderableType:
    """The view, of at most ``height`` rows. Args: width: of the terminal, in columns; 40 are enough."""
    shown = _Shown(width, ascii_only)
    head = [shown.line(", ".join(snapshot.logs), "bold")]
    head.append(shown.line(f"{snapshot.lines:,} lines, {_rate(snapshot.rate)}"))
    head.append(shown.line(f"{snapshot.rows:,} rows, {snapshot.unparsed:,} not parsed"))
    head += [shown.line(notice, "yellow") for notice in snapshot.notices[-_MAX_NOTICES:]]
    bars = shown.bars(_in_order(snapshot))
    foot = [shown.line("Ctrl-C ends and shows the counts", "dim")]
    left = height - _SPARE_ROWS - len(head) - len(bars) - len(foot)
    unread = shown.unread(snapshot.newest, max(min(left // 3, len(snapshot.newest) + 1), 0))
    paths = shown.tops(snapshot.paths, max(left - len(unread), 0))
    return Group(*(head + bars + paths + unread + foot)[: max(height - 1, 1)])


class _Shown:
    """Makes rows of one width."""

    def __init__(self, width: int, ascii_only: bool) -> None:
        self._width = max(width, 20)
        self._ascii_only = ascii_only

    def line(self, text: str, style: str = "") -> Text:
        """A row."""
        limit = min(self._width, _MOST_TEXT)
        shown = visible(text, limit, ascii_only=self._ascii_only)
        row = Text(shown, style=style, no_wrap=True, overflow="crop")
        row.truncate(self._width)  # some characters are two columns wide
        return row

    def bars(self, classes: Sequence[tuple[str, int]]) -> list[RenderableType]:
        """A bar for each class."""
        greatest = max([count for _, count in classes], default=1)
        total = sum(count for _, count in classes)
        digits = max([len(f"{count:,}") for _, count in classes], default=1)
        room = max(self._width - digits - len("warning ") - len(" 100.0 %") - 1, 1)
        block = "#" if self._ascii_only else "█"
        rows: list[RenderableType] = []
        for kind, count in classes:
            row = Text(f"{kind:<8}", no_wrap=True, overflow="crop")
            row.append(f"{block * max(round(room * count / greatest), 1):<{room}}", _STYLES.get(kind, ""))
            row.append(f" {count:>{digits},} {100 * count / total:5.1f} %")
            rows.append(row)
        return rows

    def tops(self, entries: Sequence[tuple[str, int]], rows: int) -> list[RenderableType]:
        """The most frequent paths under a heading, in at most so many rows."""
        if rows < _LEAST_ROWS or not entries:
            return []
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="crop")
        digits = max(len(f"{count:,}") for _, count in entries)
        for text, count in entries[: rows - 1]:
            table.add_row(f"{count:,}", _Shown(self._width - digits - 1, self._ascii_only).line(text))
        return [self.line("top paths", "bold"), table]

    def unread(self, lines: Sequence[UnparsedLine], rows: int) -> list[RenderableType]:
        """The newest lines that did not parse, the newest first."""
        if rows < 2:
            return []
        texts: Iterable[UnparsedLine] = list(lines)[:-rows:-1]
        return [self.line("newest lines that did not parse", "bold"), *(self.line(line.text, "dim") for line in texts)]


def _in_order(snapshot: Snapshot) -> list[tuple[str, int]]:
    return [(kind, snapshot.classes[kind]) for kind in CLASSES if snapshot.classes.get(kind)]


def _rate(rate: float) -> str:
    return f"{rate:,.0f} lines/s"
