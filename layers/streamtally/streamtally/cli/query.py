"""``streamtally query``: SQL over the DuckDB file of a run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from streamtally.cli.shared.aws_options import echo_json
from streamtally.cli.shared.console import Console
from streamtally.local.saved_run import SavedRun, to_plain
from streamtally.report.chart import counts_table


def execute(sql: str, file: Path, limit: int, as_json: bool) -> int:
    """Run ``streamtally query``. Returns: the exit status. Raises: SettingsError."""
    with closing(SavedRun(file)) as saved:
        answer = saved.query(sql, None if as_json else limit)
    rows = [[to_plain(value) for value in row] for row in answer.rows]
    if as_json:
        echo_json([dict(zip(answer.columns, row, strict=True)) for row in rows])
        return 0
    console = Console()
    ascii_only = not console.encoding.lower().startswith("utf")
    console.print(counts_table("", answer.columns, rows, max_rows=limit, ascii_only=ascii_only))
    if answer.is_cut:
        click.echo(f"note: the first {limit:,} rows; --limit N shows more, and --json all", err=True)
    return 0
