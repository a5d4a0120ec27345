"""``streamtally indices``: the index manager's work, from a shell."""

from __future__ import annotations

import functools
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
    auth_option,
    echo_findings,
    json_option,
    profile_options,
    yes_option,
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
from streamtally.cli.shared.pipeline_option import pipeline_option
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


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :class:`Target`, passed to the command as ``target``, and ``--json``."""

    @click.option("--opensearch", "url", help="Address of the cluster; default: OPENSEARCH_ENDPOINT.")
    @auth_option
    @pipeline_option
    @click.option("--stream", help=f"Summary stream; default: SUMMARY_STREAM or {SUMMARY}.")
    @click.option("--ca-certs", type=click.Path(exists=True, dir_okay=False), help="CA certificates to trust (PEM).")
    @json_option
    @profile_options
    @functools.wraps(function)
    def wrapper(
        aws: Aws,
        url: str | None,
        auth: Auth | None,
        folder: Path | None,
        stream: str | None,
        ca_certs: str | None,
        **options: Any,
    ) -> Any:
        return function(target=Target(url, folder, stream, ca_certs, aws, auth), **options)

    return wrapper


@click.group("indices")
def indices() -> None:
    """Manage templates, rotation, retention and settled counts in OpenSearch.

    Requests to an Amazon OpenSearch Service domain are signed with SigV4; for a custom endpoint, pass --auth sigv4.

    Example: streamtally indices plan --opensearch http://localhost:9200
    """


command = indices


@indices.command("plan")
@_shared
def plan_command(target: Target, as_json: bool) -> None:
    """Show what would be done and why; change nothing.

    Also shows what keeps documents out whatever is done: limits, blocks, other people's templates, aliases and data
    streams. Exit status 1: there is such a thing, or something conflicts or is stuck.

    Example: streamtally indices plan --opensearch http://localhost:9200
    """
    manager = target.manager()
    plan, observed = _observe(manager, as_json)
    obstacles = manager.obstacles(now_ms(), observed)
    print_plan(plan, as_json, obstacles)
    if find_conflicts(plan) or errors(obstacles):
        sys.exit(EXIT_FOUND)


@indices.command("apply")
@_shared
@yes_option
@click.option("--replace", multiple=True, metavar="INDEX", help="Replace this index by an alias of the same name.")
def apply_command(target: Target, as_json: bool, yes: bool, replace: tuple[str, ...]) -> None:
    """Carry out the plan, after confirmation.

    Example: streamtally indices apply --opensearch http://localhost:9200 --yes
    """
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


@indices.command("status")
@_shared
def status_command(target: Target, as_json: bool) -> None:
    """Show the indices and what happens to them next, unsettled windows, what is stuck, and what keeps documents out.

    Exit status 1: something is stuck, conflicts or keeps documents out.

    Example: streamtally indices status --opensearch http://localhost:9200
    """
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


@indices.command("settle")
@_shared
def settle_command(target: Target, as_json: bool) -> None:
    """Settle now what is due, as the function does every minute.

    Example: streamtally indices settle --opensearch http://localhost:9200
    """
    print_reports(_check_reachable(target.manager()).settle(now_ms(), _time_left()), as_json)


@indices.command("audit")
@_shared
def audit_command(target: Target, as_json: bool) -> None:
    """Compare all partials with the settled documents now, and settle what differs.

    Example: streamtally indices audit --opensearch http://localhost:9200
    """
    reports = _check_reachable(target.manager()).settle(now_ms(), _time_left(), audit=True)
    print_reports(reports, as_json)
    if any(report.audit_differences for report in reports):
        sys.exit(EXIT_FOUND)


@indices.command("dashboards")
@_shared
@click.option("--dashboards", "dashboards_url", help="Address of OpenSearch Dashboards to import into.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file to import manually.")
@yes_option
def dashboards_command(
    target: Target,
    as_json: bool,
    dashboards_url: str | None,
    out: Path | None,
    yes: bool,
) -> None:
    """Create a data view and a dashboard per output for OpenSearch Dashboards.

    With --dashboards they are imported after confirmation, and replace those of the same names.

    Example: streamtally indices dashboards --out dashboards.ndjson
    """
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
