"""``streamtally report``: its options and its help; :mod:`streamtally.cli.report` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import json_option
from streamtally.cli.shared.completions import complete_language
from streamtally.cli.shared.run_output import DATABASE, DEFAULT_OUT, REPORT


@click.command("report")
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_OUT / DATABASE, metavar="[FILE]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help=f"The page to write.  [default: {REPORT}]")
@click.option(
    "--lang",
    default="en",
    show_default=True,
    shell_complete=complete_language,
    help="Language of the report: en or ja.",
)
@json_option
def command(**options: Any) -> int:
    """Make the report of a run again from its DuckDB file (default: streamtally-out/log-summary.duckdb).

    Example: streamtally report result/log-summary.duckdb --json
    """
    from streamtally.cli.report import execute

    return execute(**options)
