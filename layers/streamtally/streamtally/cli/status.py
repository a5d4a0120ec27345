"""``streamtally status``: what is attached, and how it has performed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from streamtally.aws.clients import Aws
from streamtally.aws.streams.describe import list_streams
from streamtally.aws.streams.status import StreamStatus, attached_streams, read_status
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import (
    Auth,
    echo_findings,
    echo_json,
)
from streamtally.cost.steps import FIX_SMALL_RECORDS, NOTABLE_MULTIPLE
from streamtally.findings import errors

if TYPE_CHECKING:
    from streamtally.aws.opensearch.cluster import Cluster


def execute(aws: Aws, stream: str | None, opensearch_url: str | None, auth: Auth | None, as_json: bool) -> int:
    """Run ``streamtally status``. Returns: the exit status. Raises: SettingsError."""
    cluster = _open(opensearch_url, aws, auth)
    names = [stream] if stream else attached_streams(aws, list_streams(aws))
    now = datetime.now(UTC)
    statuses = [read_status(aws, name, now, cluster) for name in names]
    if as_json:
        echo_json([status.to_json() for status in statuses])
    elif not statuses:
        click.echo(f"No delivery stream in {aws.region} has a function attached.")
    for status in () if as_json else statuses:
        _show(status)
    return EXIT_FOUND if any(errors(status.problems) for status in statuses) else 0


def _open(url: str | None, aws: Aws, auth: Auth | None) -> Cluster | None:
    if not url:
        return None
    from streamtally.cli.shared.cluster_options import open_given  # half of what the command imports

    return open_given(url, aws, auth)


def _show(status: StreamStatus) -> None:
    click.echo(f"{status.stream}  {status.destination}, {status.state}")
    click.echo(f"  function   {status.function or 'none: streamtally attach ' + status.stream}")
    if status.unread:
        click.echo(f"  last hour  unknown: {status.unread}")
    for name, value in status.metrics.items():
        shown = "no data" if value is None else f"{value:,.0%}" if name.endswith("share") else f"{value:,.0f}"
        click.echo(f"  {name.replace('_', ' '):24} {shown:>14}")
    multiple = status.billed_multiple
    if multiple is not None:
        click.echo(f"  billed     at least {multiple:.1f} times what was sent (records in steps of 5 KB)")
        if multiple >= NOTABLE_MULTIPLE:
            click.echo(f"        fix: {FIX_SMALL_RECORDS}")
    click.echo(f"  counts     {status.counts}: {status.reason}")
    echo_findings(status.problems)
