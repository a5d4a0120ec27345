"""``streamtally reconcile``: its options and its help; :mod:`streamtally.cli.reconcile` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, aws_options, json_option
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.zone_option import zone_option


@click.command("reconcile")
@click.argument("location", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--opensearch", "url", required=True, help="Cluster with the settled documents.")
@auth_option
@pipeline_option
@click.option("--from", "from_text", help="Only windows that start at or after this time, ISO 8601 (UTC).")
@click.option("--to", "to_text", help="Only windows that start before this time.")
@zone_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Recompute the counts from the lines in S3 and show the windows where the settled documents differ.

    Exit status 1: some windows differ, or some objects cannot be read.

    Example: streamtally reconcile s3://log-bucket/ --opensearch https://domain --from 2025-03-01T00:00
    """
    from streamtally.cli.reconcile import execute

    return execute(**options)
