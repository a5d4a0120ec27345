"""``streamtally reconcile``: compare counts recomputed from S3 with the settled documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from streamtally.aws.clients import Aws
from streamtally.aws.recovery.reconcile import ColumnValues, WindowDifference, compare, read_settled
from streamtally.aws.sinks.objects import open_objects
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, echo_json
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.load_options import parse_span
from streamtally.cli.shared.zone_option import echo_left_out
from streamtally.local.folder import read_folder
from streamtally.local.old_logs import Seen, believed_windows, recompute, run_old_logs
from streamtally.text import visible
from streamtally.transform.pipeline import load_pipeline

MAX_SHOWN = 50


def execute(
    aws: Aws,
    location: str,
    url: str,
    auth: Auth | None,
    folder: Path | None,
    from_text: str | None,
    to_text: str | None,
    zone: tzinfo | None,
    as_json: bool,
) -> int:
    """Run ``streamtally reconcile``. Returns: the exit status. Raises: SettingsError."""
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    between = parse_span(from_text, to_text)
    cluster = open_cluster(url, aws=aws, auth=auth)
    objects = open_objects(location, lambda: aws.client("s3"))
    seen = Seen()
    recomputed = recompute(run_old_logs(objects, pipeline, seen, between, zone or UTC), pipeline)
    believed = believed_windows(seen.hours, pipeline) if seen.lines and seen.hours else None
    differences: list[WindowDifference] = []
    for name, output in pipeline.outputs.items():
        if output.kind == "windowed":
            settled = read_settled(cluster, output.settings.index, name)
            differences += compare(recomputed, settled, name, seen.has_line_ids, between, believed)
    echo_left_out(seen.left_out)
    for problem in seen.problems:
        click.echo(f"not read: {visible(problem, 200)}", err=True)
    if as_json:
        echo_json(
            {
                "lines": seen.lines,
                "twins": seen.twins,
                "groups": len(recomputed),
                "differences": [asdict(difference) for difference in differences],
                "objects_left_out": seen.skipped,
                "other_objects": dict(seen.left_out),
                "problems": seen.problems,
            }
        )
    else:
        click.echo(f"lines in S3: {seen.lines}; duplicates skipped: {seen.twins}; windows and keys: {len(recomputed)}")
        _show(differences)
    return EXIT_FOUND if differences or seen.problems else 0


def _show(differences: list[WindowDifference]) -> None:
    if not differences:
        click.echo("no differences")
        return
    table = Table("window", "from S3", "settled", "likely reason")
    table.columns[0].no_wrap = True
    several = len({difference.output for difference in differences}) > 1
    for difference in differences[:MAX_SHOWN]:
        window = difference.window[:16] + "Z" + (f" {visible(difference.output, 40)}" if several else "")
        table.add_row(
            window,
            _to_text(difference.in_s3, difference.window),
            _to_text(difference.settled, difference.window),
            difference.reason,
        )
    Console().print(table, markup=False, highlight=False)
    click.echo(f"{len(differences)} differences" if len(differences) > 1 else "1 difference")


def _to_text(columns: ColumnValues | None, window: str) -> str:
    """Columns as one line, without a column that only repeats the window."""
    if columns is None:
        return "none"
    shown = [f"{name} {_value(value)}" for name, value in columns.items() if f"{value}Z" != window]
    return visible(", ".join(shown), 80)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
