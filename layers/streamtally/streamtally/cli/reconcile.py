"""``streamtally reconcile``: the counts of the S3 side beside the settled documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from streamtally.aws.clients import Aws
from streamtally.aws.recovery.reconcile import ColumnValues, WindowDifference, compare, read_settled
from streamtally.aws.sinks.objects import open_objects
from streamtally.cli.shared.aws_options import aws_options, echo_json, json_option
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.load_options import parse_time_option
from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.local.old_logs import Seen, believed_windows, recompute, run_old_logs
from streamtally.text import visible
from streamtally.transform.pipeline import load_pipeline

MAX_SHOWN = 50
_EVER = (-(2**62), 2**62)


@click.command("reconcile")
@click.argument("place", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--opensearch", "url", required=True, help="Where the settled documents are.")
@click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder; default: the one here.")
@click.option("--from", "from_text", help="The first window's start, ISO 8601 (UTC).")
@click.option("--to", "to_text", help="Windows that start before this.")
@json_option
@aws_options
def command(
    aws: Aws, place: str, url: str, folder: Path | None, from_text: str | None, to_text: str | None, as_json: bool
) -> int:
    """Recompute the counts from S3's lines and show the windows in which the settled documents say otherwise.

    Exit status 1 if there are any.

    Example: streamtally reconcile s3://log-bucket/ --opensearch https://domain --from 2025-03-01T00:00
    """
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    between = (parse_time_option(from_text, "--from", _EVER[0]), parse_time_option(to_text, "--to", _EVER[1]))
    if between[0] >= between[1]:
        raise SettingsError(f"--from {from_text} is not before --to {to_text}: there is no window between them")
    cluster = open_cluster(url, aws=aws)
    objects = open_objects(place, lambda: aws.client("s3"))
    seen = Seen()
    recomputed = recompute(run_old_logs(objects, pipeline, seen, between), pipeline)
    believed = believed_windows(seen.hours, pipeline) if seen.lines and seen.hours else None
    differences: list[WindowDifference] = []
    for name, output in pipeline.outputs.items():
        if output.kind == "windowed":
            settled = read_settled(cluster, output.settings.index, name)
            differences += compare(recomputed, settled, name, seen.has_line_ids, between, believed)
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
                "problems": seen.problems,
            }
        )
    else:
        click.echo(f"lines in S3: {seen.lines}; twins left out: {seen.twins}; windows and keys: {len(recomputed)}")
        _show(differences)
    return 1 if differences or seen.problems else 0


def _show(differences: list[WindowDifference]) -> None:
    if not differences:
        click.echo("no difference")
        return
    table = Table("window", "from S3", "settled", "likely reason")
    table.columns[0].no_wrap = True
    several = len({difference.output for difference in differences}) > 1
    for difference in differences[:MAX_SHOWN]:
        window = difference.window[:16] + "Z" + (f" {visible(difference.output, 40)}" if several else "")
        table.add_row(
            window,
            _said(difference.in_s3, difference.window),
            _said(difference.settled, difference.window),
            difference.reason,
        )
    Console().print(table, markup=False, highlight=False)
    click.echo(f"{len(differences)} differences" if len(differences) > 1 else "1 difference")


def _said(columns: ColumnValues | None, window: str) -> str:
    """Columns in a line, without one that only says the window again."""
    if columns is None:
        return "none"
    said = [f"{name} {_value(value)}" for name, value in columns.items() if f"{value}Z" != window]
    return visible(", ".join(said), 80)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
