"""``streamtally indices``: what the index manager does, from a shell."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from streamtally.aws.clients import Aws
from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.import_dashboards import import_dashboards
from streamtally.aws.opensearch.manager import Managed, Manager, make_manager
from streamtally.aws.opensearch.settling.settle_report import SettleReport
from streamtally.cli.shared.aws_options import ask, json_option, profile_options, yes_option
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.console import Console
from streamtally.cli.shared.files import write_atomically
from streamtally.config.outputs import DEFAULT_SUMMARY_STREAM
from streamtally.indices.actions import IndexPlan
from streamtally.indices.dashboards import to_saved_objects
from streamtally.indices.index_status import describe_indices, describe_loads, find_stuck
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline

TIME_LIMIT_SECONDS = 3_600
EXIT_FOUND = 1


@dataclass(frozen=True)
class Where:
    """What every command here is given: the cluster, whose signature, the pipeline and its second stream."""

    url: str | None
    folder: Path | None
    stream: str | None
    ca_certs: str | None
    aws: Aws

    def manager(self, replace: Sequence[str] = ()) -> Manager:
        """Raises: SettingsError: a file or an address cannot be used."""
        pipeline = load_pipeline(read_folder(self.folder), ZoneInfo)
        cluster = open_cluster(self.url, self.ca_certs, self.aws)
        return make_manager(cluster, pipeline, {"SUMMARY_STREAM": _stream(self.stream)}, replace)


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of :class:`Where`, handed over as ``where``, and ``--json``."""

    @click.option("--opensearch", "url", help="Address; default: OPENSEARCH_ENDPOINT.")
    @click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder.")
    @click.option("--stream", help=f"The second stream; default: SUMMARY_STREAM or {DEFAULT_SUMMARY_STREAM}.")
    @click.option("--ca-certs", type=click.Path(exists=True, dir_okay=False), help="Certificates to believe.")
    @json_option
    @profile_options
    @functools.wraps(function)
    def wrapper(
        aws: Aws, url: str | None, folder: Path | None, stream: str | None, ca_certs: str | None, **options: Any
    ) -> Any:
        return function(where=Where(url, folder, stream, ca_certs, aws), **options)

    return wrapper


@click.group("indices")
def indices() -> None:
    """Templates, rotation, retention and settled counts in OpenSearch: look, plan, apply.

    An address may hold user and password; a domain of Amazon OpenSearch Service is asked with SigV4.

    Example: streamtally indices plan --opensearch http://localhost:9200
    """


command = indices


@indices.command("plan")
@_shared
def plan_command(where: Where, as_json: bool) -> None:
    """Say what is to be done, and why; change nothing.

    Example: streamtally indices plan --opensearch http://localhost:9200
    """
    plan, _ = where.manager().plan(now_ms())
    if as_json:
        click.echo(json.dumps(plan.to_json(), default=_plain))
    else:
        _print_plan(plan)


@indices.command("apply")
@_shared
@yes_option
@click.option("--replace", multiple=True, metavar="INDEX", help="Let the alias take the place of an index of its name.")
def apply_command(where: Where, as_json: bool, yes: bool, replace: tuple[str, ...]) -> None:
    """Do what plan says, after asking.

    Example: streamtally indices apply --opensearch http://localhost:9200 --yes
    """
    manager = where.manager(replace)
    plan, observed = manager.plan(now_ms())
    if not as_json:
        _print_plan(plan)
    if plan.actions:
        ask(f"Do these {len(plan.actions)} actions?", yes)
    managed = manager.manage(now_ms(), _time_left()) if plan.actions else Managed([], plan, observed)
    _print_managed(managed, as_json)
    if managed.failed:
        sys.exit(EXIT_FOUND)


@indices.command("status")
@_shared
def status_command(where: Where, as_json: bool) -> None:
    """Show the indices, what happens to them next, unsettled windows, and what is stuck.

    Example: streamtally indices status --opensearch http://localhost:9200
    """
    manager = where.manager()
    plan, observed = manager.plan(now_ms())
    rows = describe_indices(manager.specs, observed, now_ms())
    unsettled = manager.unsettled(now_ms())
    loads = describe_loads(manager.specs, observed)
    stuck = find_stuck(manager.specs, observed)
    stuck += [f"{note.target}: {note.text}" for note in plan.notes if note.kind in ("stuck", "conflict")]
    stuck += unsettled.problems
    if as_json:
        document = {
            "indices": [row.to_json() for row in rows],
            "unsettled_windows": unsettled.windows,
            "loads": loads,
            "stuck": stuck,
        }
        click.echo(json.dumps(document))
    else:
        cells = [(r.name, r.kind, f"{r.docs:,}", _size(r.size_bytes), f"{r.age_days:.1f}", r.next) for r in rows]
        _print_table(("Index", "Kind", "Documents", "Size", "Age (days)", "Next"), cells)
        for output, count in unsettled.windows.items():
            click.echo(f"{output}: {'unknown' if count is None else count} windows to settle")
        for load in loads:
            spans = ", ".join(f"{start} to {end}" for start, end in load["spans"])
            click.echo(f"{load['index']}: old logs are being loaded since {load['since']}, or were cut short: {spans}")
            click.echo(
                "    nothing of that is closed or deleted until the load has been finished: run its command again"
            )
        for line in stuck:
            click.echo(f"stuck: {line}")
    if stuck:
        sys.exit(EXIT_FOUND)


@indices.command("settle")
@_shared
def settle_command(where: Where, as_json: bool) -> None:
    """Settle what is to be settled now, as the function does each minute.

    Example: streamtally indices settle --opensearch http://localhost:9200
    """
    _print_reports(_reached(where.manager()).settle(now_ms(), _time_left()), as_json)


@indices.command("audit")
@_shared
def audit_command(where: Where, as_json: bool) -> None:
    """Compare all partials with what the settled documents say, and settle what differs: now, not once a day.

    Example: streamtally indices audit --opensearch http://localhost:9200
    """
    reports = _reached(where.manager()).settle(now_ms(), _time_left(), audit=True)
    _print_reports(reports, as_json)
    if any(report.audit_differences for report in reports):
        sys.exit(EXIT_FOUND)


@indices.command("dashboards")
@_shared
@click.option("--dashboards", "dashboards_url", help="Address of OpenSearch Dashboards: import there.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file to import by hand.")
@yes_option
def dashboards_command(
    where: Where,
    as_json: bool,
    dashboards_url: str | None,
    out: Path | None,
    yes: bool,
) -> None:
    """Make a data view and four visualizations an output, for OpenSearch Dashboards.

    With --dashboards they are imported, after asking, in place of those of the same names.

    Example: streamtally indices dashboards --out dashboards.ndjson
    """
    specs = _specs(where.folder, where.stream)
    text = "".join(json.dumps(each) + "\n" for each in to_saved_objects(specs))
    if dashboards_url:
        ask(f"Import into {dashboards_url.rpartition('@')[2]}?", yes)
        click.echo(json.dumps(import_dashboards(dashboards_url, text, where.ca_certs)))
    elif out:
        write_atomically(out, text)
        click.echo(f"{out}", err=True)
    else:
        click.echo(text, nl=False)


def _reached(manager: Manager) -> Manager:
    """The same, if anybody answers: settling goes on past what fails. Raises: ClusterError: nobody does."""
    manager.cluster.request("GET", "/", ignore=(401, 403))
    return manager


def _specs(folder: Path | None, stream: str | None) -> Any:
    from streamtally.indices.spec import read_specs

    return read_specs(read_folder(folder), _stream(stream))


def _stream(stream: str | None) -> str:
    return stream or os.environ.get("SUMMARY_STREAM") or DEFAULT_SUMMARY_STREAM


def _time_left() -> Callable[[], float]:
    end = time.monotonic() + TIME_LIMIT_SECONDS
    return lambda: end - time.monotonic()


def _plain(value: Any) -> Any:
    """What plans carry besides JSON: states."""
    return value.to_document() if hasattr(value, "to_document") else asdict(value)


def _print_plan(plan: IndexPlan) -> None:
    if plan.actions:
        _print_table(
            ("Action", "Target", "Why"), [(action.kind, action.target, action.reason) for action in plan.actions]
        )
    else:
        click.echo("Nothing to do: everything is as the pipeline asks.")
    for note in plan.notes:
        click.echo(f"{note.kind}: {note.target}: {note.text}")


def _print_managed(managed: Managed, as_json: bool) -> None:
    if as_json:
        done = [
            {"kind": r.action.kind, "target": r.action.target, "outcome": r.outcome, "message": r.message}
            for r in managed.results
        ]
        click.echo(json.dumps({"actions": done}))
        return
    for result in managed.results:
        if result.outcome != "done":
            click.echo(f"{result.outcome}: {result.action.kind} {result.action.target}: {result.message}", err=True)
    click.echo(f"{sum(result.outcome == 'done' for result in managed.results)} actions done.")


def _print_reports(reports: Sequence[SettleReport], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"outputs": [asdict(report) for report in reports]}))
    else:
        cells = [
            (r.output, f"{r.windows:,}", f"{r.partials:,}", f"{r.written:,}", str(r.late), str(r.audit_differences))
            for r in reports
        ]
        _print_table(("Output", "Windows", "Partials", "Written", "Late", "Differed"), cells)
    problems = [f"{report.output}: {problem}" for report in reports for problem in report.problems]
    for problem in problems:
        click.echo(f"failed: {problem}", err=True)
    if problems or not all(report.finished for report in reports):
        sys.exit(EXIT_FOUND)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # Names are to be copied: a line is as long as it needs, on whatever terminal.
    widths = [max(len(row[place]) for row in [head, *rows]) + 2 for place in range(len(head))]
    Console(width=sum(widths)).print(table, markup=False, highlight=False)


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
