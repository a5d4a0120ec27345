"""The logs of a command, with a progress bar on the terminal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streamtally.aws.clock import now_ms
from streamtally.cli.shared.console import Console
from streamtally.ids import digest
from streamtally.local.line_lists import LineList, read_line_lists
from streamtally.local.logs import STANDARD_INPUT, is_read_once
from streamtally.local.raw_batches import RawLog
from streamtally.text import visible

_IDENTITY_BYTES = 1 << 20
SHOWN_SECONDS = 0.5
"""How often the lines a second are shown anew."""


def identify_logs(names: list[str]) -> str:
    """An id that is the same for the same logs, so that loading them twice counts once (never for standard input)."""
    parts: list[Any] = []
    for name in names:
        if is_read_once(name):
            parts.append(time.time_ns())
            continue
        with Path(name).open("rb") as log:
            parts.append([Path(name).stat().st_size, hashlib.sha256(log.read(_IDENTITY_BYTES)).hexdigest()])
    return digest(parts)


def iter_raw_logs(names: list[str], arrival: str) -> Iterator[RawLog]:
    """All logs, in order, with a bar on the terminal while they are read.

    Args: arrival: ``logged``: a line arrives when it was logged; ``now``: when it is read.
    """
    sizes = {name: Path(name).stat().st_size for name in names if name != STANDARD_INPUT}
    with _progress() as bar:
        for name in names:
            task = bar.add_task(visible(Path(name).name, 40), total=sizes.get(name), lines="")
            lists = _counted(read_line_lists(name, partial(bar.advance, task)), bar, task)
            yield RawLog(lists, _file_ms(name), now_ms if arrival == "now" else None)


def _counted(lists: Iterator[LineList], bar: Progress, task: TaskID) -> Iterator[LineList]:
    start, lines, shown = time.monotonic(), 0, 0.0
    for read in lists:
        lines += len(read.lines)
        taken = time.monotonic() - start
        if taken - shown > SHOWN_SECONDS:
            shown = taken
            bar.update(task, lines=f"{lines / taken:,.0f} lines/s")
        yield read


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[lines]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _file_ms(name: str) -> int:
    return now_ms() if name == STANDARD_INPUT else Path(name).stat().st_mtime_ns // 1_000_000
