"""``streamtally indices``: its options and its help; :mod:`streamtally.cli.indices` does the work."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.aws_options import Auth, auth_option, json_option, profile_options, yes_option
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.local.stream_names import SUMMARY


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
        from streamtally.cli.indices import Target

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
def plan_command(**options: Any) -> None:
    """Show what would be done and why; change nothing.

    Also shows what keeps documents out whatever is done: limits, blocks, other people's templates, aliases and data
    streams. Exit status 1: there is such a thing, or something conflicts or is stuck.

    Example: streamtally indices plan --opensearch http://localhost:9200
    """
    from streamtally.cli.indices import plan

    plan(**options)


@indices.command("apply")
@_shared
@yes_option
@click.option("--replace", multiple=True, metavar="INDEX", help="Replace this index by an alias of the same name.")
def apply_command(**options: Any) -> None:
    """Carry out the plan, after confirmation.

    Example: streamtally indices apply --opensearch http://localhost:9200 --yes
    """
    from streamtally.cli.indices import apply

    apply(**options)


@indices.command("status")
@_shared
def status_command(**options: Any) -> None:
    """Show the indices and what happens to them next, unsettled windows, what is stuck, and what keeps documents out.

    Exit status 1: something is stuck, conflicts or keeps documents out.

    Example: streamtally indices status --opensearch http://localhost:9200
    """
    from streamtally.cli.indices import status

    status(**options)


@indices.command("settle")
@_shared
def settle_command(**options: Any) -> None:
    """Settle now what is due, as the function does every minute.

    Example: streamtally indices settle --opensearch http://localhost:9200
    """
    from streamtally.cli.indices import settle

    settle(**options)


@indices.command("audit")
@_shared
def audit_command(**options: Any) -> None:
    """Compare all partials with the settled documents now, and settle what differs.

    Example: streamtally indices audit --opensearch http://localhost:9200
    """
    from streamtally.cli.indices import audit

    audit(**options)


@indices.command("dashboards")
@_shared
@click.option("--dashboards", "dashboards_url", help="Address of OpenSearch Dashboards to import into.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file to import manually.")
@yes_option
def dashboards_command(**options: Any) -> None:
    """Create a data view and a dashboard per output for OpenSearch Dashboards.

    With --dashboards they are imported after confirmation, and replace those of the same names.

    Example: streamtally indices dashboards --out dashboards.ndjson
    """
    from streamtally.cli.indices import dashboards

    dashboards(**options)
