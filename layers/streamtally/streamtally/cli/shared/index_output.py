"""What ``streamtally indices`` prints: plans, results, reports and tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from streamtally.aws.opensearch.manager import Managed
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import echo_findings
from streamtally.cli.shared.console import Console
from streamtally.findings import Finding, errors
from streamtally.indices.actions import IndexPlan
from streamtally.indices.index_status import IndexStatus


def _to_plain(value: Any) -> Any:
    """States in plans, as JSON values."""
    return value.to_document() if hasattr(value, "to_document") else asdict(value)


def find_conflicts(plan: IndexPlan) -> list[str]:
    """What does not resolve itself, one line each."""
    return [f"{note.target}: {note.text}" for note in plan.notes if note.kind in ("stuck", "conflict")]


def print_plan(plan: IndexPlan, as_json: bool, obstacles: Sequence[Finding] = ()) -> None:
    """Print what is to be done and why, and what keeps documents out whatever is done."""
    if as_json:
        document = {**plan.to_json(), "obstacles": [finding.to_json() for finding in obstacles]}
        click.echo(json.dumps(document, default=_to_plain))
        return
    if plan.actions:
        print_table(
            ("Action", "Target", "Why"), [(action.kind, action.target, action.reason) for action in plan.actions]
        )
    elif errors(obstacles) or find_conflicts(plan):
        click.echo("Nothing to do here: what follows needs somebody.")
    else:
        click.echo("Nothing to do: everything is as the pipeline requires.")
    for note in plan.notes:
        click.echo(f"{note.kind}: {note.target}: {note.text}")
    echo_findings(obstacles)


def print_managed(managed: Managed, as_json: bool, obstacles: Sequence[Finding] = ()) -> None:
    """Print what was done, on standard error what was not, and what keeps documents out."""
    if as_json:
        done = [
            {
                "kind": result.action.kind,
                "target": result.action.target,
                "outcome": result.outcome,
                "message": result.message,
            }
            for result in managed.results
        ]
        click.echo(json.dumps({"actions": done, "obstacles": [finding.to_json() for finding in obstacles]}))
        return
    for result in managed.results:
        if result.outcome != "done":
            click.echo(f"{result.outcome}: {result.action.kind} {result.action.target}: {result.message}", err=True)
    click.echo(f"{sum(result.outcome == 'done' for result in managed.results)} actions done.")
    echo_findings(obstacles if managed.results else ())  # without a result they were printed with the plan


def print_reports(reports: Sequence[SettleReport], as_json: bool) -> None:
    """Print what was settled; exit with 1 if that failed or is not finished."""
    if as_json:
        click.echo(json.dumps({"outputs": [asdict(report) for report in reports]}))
    else:
        cells = [
            (
                report.output,
                f"{report.windows:,}",
                f"{report.partials:,}",
                f"{report.written:,}",
                str(report.late),
                str(report.audit_differences),
            )
            for report in reports
        ]
        print_table(("Output", "Windows", "Partials", "Written", "Late", "Differed"), cells)
    problems = [f"{report.output}: {problem}" for report in reports for problem in report.problems]
    for problem in problems:
        click.echo(f"failed: {problem}", err=True)
    if problems or not all(report.finished for report in reports):
        sys.exit(EXIT_FOUND)


def print_indices(rows: Iterable[IndexStatus]) -> None:
    """Print a table of indices."""
    cells = [
        (row.name, row.kind, f"{row.docs:,}", _size(row.size_bytes), f"{row.age_days:.1f}", row.next) for row in rows
    ]
    print_table(("Index", "Kind", "Documents", "Size", "Age (days)", "Next"), cells)


def print_loads(loads: Iterable[Mapping[str, Any]]) -> None:
    """Print the loads of old logs that are not finished."""
    for load in loads:
        spans = ", ".join(f"{start} to {end}" for start, end in load["spans"])
        click.echo(f"{load['index']}: a load of old logs is running since {load['since']}, or was interrupted: {spans}")
        click.echo("    nothing in these spans is closed or deleted until it has finished: run its command again")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with columns as wide as their cells, on any terminal: names are there to be copied."""
    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    widths = [max(len(row[column]) for row in [head, *rows]) + 2 for column in range(len(head))]
    Console(width=sum(widths)).print(table, markup=False, highlight=False)


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
