"""The lines of all logs of a command, with their arrival and a progress bar on the terminal."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streamtally.aws.clock import now_ms
from streamtally.cli.shared.console import Console
from streamtally.ids import digest
from streamtally.local.arrival import ReadLine, arrive_when_logged, read_lines
from streamtally.local.logs import STANDARD_INPUT, is_read_once, read_log
from streamtally.text import visible
from streamtally.transform.source import Source

_IDENTITY_BYTES = 1 << 20


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


def read_all(names: list[str], source: Source, arrival: str) -> Iterator[ReadLine]:
    """The lines of all logs, in order.

    Args: arrival: ``logged``: a line arrives when it was logged; ``now``: when it is read.
    """
    sizes = {name: Path(name).stat().st_size for name in names if name != STANDARD_INPUT}
    with _progress() as bar:
        for name in names:
            task = bar.add_task(visible(Path(name).name, 40), total=sizes.get(name))
            lines = read_lines(read_log(name, partial(bar.advance, task)), source, _file_ms(name))
            if arrival == "now":
                yield from _arrive_now(lines)
            else:
                yield from arrive_when_logged(lines, _file_ms(name))


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _file_ms(name: str) -> int:
    return now_ms() if name == STANDARD_INPUT else Path(name).stat().st_mtime_ns // 1_000_000


def _arrive_now(lines: Iterator[ReadLine]) -> Iterator[ReadLine]:
    for line in lines:
        line.arrival = now_ms()
        yield line
