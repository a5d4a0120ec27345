"""``streamtally sample``: realistic log lines generated from a seed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import click

from streamtally.errors import SettingsError
from streamtally.local.sample import DEFAULT_RATE, DEFAULT_START, generate
from streamtally.local.sample_formats import FORMATS

_LINES_PER_WRITE = 4096


@click.command("sample")
@click.option("--lines", type=click.IntRange(min=0), default=1000, show_default=True, help="Number of lines.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed; the same seed gives the same bytes.")
@click.option("--format", "format_name", default="apache_combined", show_default=True,
              help=f"{' | '.join(FORMATS)}.")  # fmt: skip
@click.option(
    "--start", default=DEFAULT_START.isoformat(), show_default=True, help="Time of the first second, ISO 8601."
)
@click.option("--rate", type=float, default=DEFAULT_RATE, show_default=True, help="Mean lines per second over a day.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: standard output.")
def command(lines: int, seed: int, format_name: str, start: str, rate: float, out: Path | None) -> None:
    """Generate the access log of a web shop: daily rhythm, bots, bursts of 404 and 5xx, some broken lines.

    Example: streamtally sample --lines 200000 --seed 7 --out shop.log
    """
    log = generate(lines, seed, format_name, start=_parse_start(start), rate=rate)
    if out is None:
        _write(log, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with out.open("wb") as file:
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
