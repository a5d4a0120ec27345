"""``streamtally sample``: realistic log lines generated from a seed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from streamtally.cli.shared.files import staged_file
from streamtally.errors import SettingsError
from streamtally.local.sample import generate

_LINES_PER_WRITE = 4096


def execute(lines: int, seed: int, format_name: str, start: str, rate: float, out: Path | None) -> None:
    """Run ``streamtally sample``. Raises: SettingsError: an option cannot be used."""
    log = generate(lines, seed, format_name, start=_parse_start(start), rate=rate)
    if out is None:
        _write(log, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with staged_file(out) as file:
            _write(log, file)


def _parse_start(text: str) -> datetime:
    """An ISO 8601 time, in UTC if it has no offset. Raises: SettingsError."""
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"--start {text!r} is not a time: write it like 2025-03-01T00:00:00Z") from None
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _write(lines: Iterator[str], file: BinaryIO) -> None:
    while chunk := list(islice(lines, _LINES_PER_WRITE)):
        file.write("\n".join([*chunk, ""]).encode())
