"""``streamtally sample``: its options and its help; :mod:`streamtally.cli.sample` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.completions import complete_among
from streamtally.local.sample import DEFAULT_RATE, DEFAULT_START
from streamtally.local.sample_formats import FORMATS


@click.command("sample")
@click.option("--lines", type=click.IntRange(min=0), default=1000, show_default=True, help="Number of lines.")
@click.option("--seed", type=int, default=1, show_default=True, help="Random seed; the same seed gives the same bytes.")
@click.option("--format", "format_name", default="apache_combined", show_default=True,
              shell_complete=complete_among(FORMATS), help=f"{' | '.join(FORMATS)}.")  # fmt: skip
@click.option(
    "--start", default=DEFAULT_START.isoformat(), show_default=True, help="Time of the first second, ISO 8601."
)
@click.option("--rate", type=float, default=DEFAULT_RATE, show_default=True, help="Mean lines per second over a day.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: standard output.")
def command(**options: Any) -> None:
    """Generate the access log of a web shop: daily rhythm, bots, bursts of 404 and 5xx, some broken lines.

    Example: streamtally sample --lines 200000 --seed 7 --out shop.log
    """
    from streamtally.cli.sample import execute

    execute(**options)
