"""``streamtally status``: its options and its help; :mod:`streamtally.cli.status` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, aws_options, json_option


@click.command("status")
@click.argument("stream", required=False)
@click.option(
    "--opensearch-url", envvar="OPENSEARCH_ENDPOINT", metavar="URL", help="Reach the stream's cluster at this address."
)
@auth_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Show STREAM's function, the last hour's figures, and whether counts are exact or at-least-once.

    Without STREAM: every stream in the region that has a function attached. Exit status 1: something keeps documents
    out of the cluster that the counts go to.

    Example: streamtally status log-ingestion-stream
    """
    from streamtally.cli.status import execute

    return execute(**options)
