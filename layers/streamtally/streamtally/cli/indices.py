"""``streamtally indices``: the index manager's work, from a shell."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.clients import Aws
from streamtally.aws.clock import now_ms
from streamtally.aws.opensearch.cluster import ClusterError
from streamtally.aws.opensearch.import_dashboards import import_dashboards
from streamtally.aws.opensearch.manager import Managed, Manager, make_manager
from streamtally.aws.opensearch.observe_surroundings import read_obstacles
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import (
    Auth,
    ask,
    echo_findings,
)
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.files import write_atomically
from streamtally.cli.shared.index_output import (
    find_conflicts,
    print_indices,
    print_loads,
    print_managed,
    print_plan,
    print_reports,
)
from streamtally.errors import SettingsError
from streamtally.findings import errors
from streamtally.indices.actions import IndexPlan
from streamtally.indices.dashboards import to_saved_objects
from streamtally.indices.index_status import describe_indices, describe_loads, find_stuck
from streamtally.indices.observed import Observed
from streamtally.local.folder import read_folder
from streamtally.local.stream_names import SUMMARY
from streamtally.transform.pipeline import load_pipeline

TIME_LIMIT_SECONDS = 3_600


@dataclass(frozen=True)
class Target:
    """What every subcommand works on."""

    url: str | None
    """The cluster's address; None: of the environment."""
    folder: Path | None
    """The pipeline folder; None: the bundled one."""
    stream: str | None
    """The summary stream; None: of the environment, or the default."""
    ca_certs: str | None
    aws: Aws
    """The profile and region that sign requests."""
    auth: Auth | None
    """How to authenticate; None: by the address."""

    def manager(self, replace: Sequence[str] = ()) -> Manager:
        """The index manager. Raises: SettingsError: a file or an address cannot be used."""
        pipeline = load_pipeline(read_folder(self.folder), ZoneInfo)
        cluster = open_cluster(self.url, self.ca_certs, self.aws, self.auth)
        return make_manager(cluster, pipeline, {"SUMMARY_STREAM": _stream(self.stream)}, replace)


def plan(target: Target, as_json: bool) -> None:
    """Show what would be done and why; change nothing."""
    manager = target.manager()
    plan, observed = _observe(manager, as_json)
    obstacles = manager.obstacles(now_ms(), observed)
    print_plan(plan, as_json, obstacles)
    if find_conflicts(plan) or errors(obstacles):
        sys.exit(EXIT_FOUND)


def apply(target: Target, as_json: bool, yes: bool, replace: tuple[str, ...]) -> None:
    """Carry out the plan, after confirmation."""
    manager = target.manager(replace)
    plan, observed = _observe(manager, as_json)
    obstacles = manager.obstacles(now_ms(), observed)
    if not as_json:
        print_plan(plan, as_json, obstacles)
    if plan.actions:
        ask(f"Carry out these {len(plan.actions)} actions?", yes)
    managed = manager.manage(now_ms(), _time_left()) if plan.actions else Managed([], plan, observed)
    if managed.results:
        obstacles = manager.obstacles(now_ms(), managed.observed)
    print_managed(managed, as_json, obstacles)
    if managed.failed or find_conflicts(managed.plan) or errors(obstacles):
        sys.exit(EXIT_FOUND)


def status(target: Target, as_json: bool) -> None:
    """Show the indices and their next steps, unsettled windows, what is stuck, and what keeps documents out."""
    manager = target.manager()
    plan, observed = _observe(manager, as_json)
    rows = describe_indices(manager.specs, observed, now_ms())
    unsettled = manager.unsettled(now_ms())
    loads = describe_loads(manager.specs, observed)
    stuck = find_stuck(manager.specs, observed)
    stuck += find_conflicts(plan)
    stuck += unsettled.problems
    obstacles = manager.obstacles(now_ms(), observed)
    if as_json:
        document = {
            "indices": [row.to_json() for row in rows],
            "unsettled_windows": unsettled.windows,
            "loads": loads,
            "stuck": stuck,
            "obstacles": [finding.to_json() for finding in obstacles],
        }
        click.echo(json.dumps(document))
    else:
        print_indices(rows)
        for output, count in unsettled.windows.items():
            click.echo(f"{output}: {'unknown' if count is None else count} windows to settle")
        print_loads(loads)
        for line in stuck:
            click.echo(f"stuck: {line}")
        echo_findings(obstacles)
    if stuck or errors(obstacles):
        sys.exit(EXIT_FOUND)


def settle(target: Target, as_json: bool) -> None:
    """Settle now what is due, as the function does every minute."""
    print_reports(_check_reachable(target.manager()).settle(now_ms(), _time_left()), as_json)


def audit(target: Target, as_json: bool) -> None:
    """Compare all partials with the settled documents now, and settle what differs."""
    reports = _check_reachable(target.manager()).settle(now_ms(), _time_left(), audit=True)
    print_reports(reports, as_json)
    if any(report.audit_differences for report in reports):
        sys.exit(EXIT_FOUND)


def dashboards(
    target: Target,
    as_json: bool,
    dashboards_url: str | None,
    out: Path | None,
    yes: bool,
) -> None:
    """Create a data view and a dashboard per output for OpenSearch Dashboards."""
    if target.url or target.auth:
        option = "--opensearch" if target.url else "--auth"
        raise SettingsError(
            f"{option} is not used here, since OpenSearch Dashboards imports dashboards, not the cluster: pass "
            "--dashboards URL (of an Amazon domain: https://…/_dashboards), or --out FILE to import by hand"
        )
    specs = _specs(target.folder, target.stream)
    text = "".join(json.dumps(saved) + "\n" for saved in to_saved_objects(specs))
    if dashboards_url:
        ask(f"Import into {dashboards_url.rpartition('@')[2]}?", yes)
        click.echo(json.dumps(import_dashboards(dashboards_url, text, target.ca_certs)))
    elif out:
        write_atomically(out, text)
        click.echo(f"{out}", err=True)
    else:
        click.echo(text, nl=False)


def _observe(manager: Manager, as_json: bool) -> tuple[IndexPlan, Observed]:
    """The plan and what it is made from; if the cluster answers in part, what keeps it from answering, exit status 1.

    Raises: ClusterError: it cannot be reached, or nothing explains its answer.
    """
    try:
        return manager.plan(now_ms())
    except ClusterError as error:
        if not error.status:
            raise
        try:
            obstacles = read_obstacles(manager.cluster, manager.specs, now_ms())
        except ClusterError:
            raise error from None
        if not errors(obstacles):
            raise
        if as_json:
            document = {"problem": str(error), "obstacles": [finding.to_json() for finding in obstacles]}
            click.echo(json.dumps(document))
        else:
            click.echo(f"stuck: {error}")
            echo_findings(obstacles)
        sys.exit(EXIT_FOUND)


def _check_reachable(manager: Manager) -> Manager:
    """The same manager. Settling goes on past failures, so that is checked first. Raises: ClusterError: no answer."""
    manager.cluster.request("GET", "/", ignore=(401, 403))
    return manager


def _specs(folder: Path | None, stream: str | None) -> Any:
    from streamtally.indices.spec import read_specs

    return read_specs(read_folder(folder), _stream(stream))


def _stream(stream: str | None) -> str:
    return stream or os.environ.get("SUMMARY_STREAM") or SUMMARY


def _time_left() -> Callable[[], float]:
    end = time.monotonic() + TIME_LIMIT_SECONDS
    return lambda: end - time.monotonic()
