"""``streamtally backfill``: its options and its help; :mod:`streamtally.cli.backfill` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, aws_options, json_option, yes_option
from streamtally.cli.shared.load_options import load_options
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.reference_options import reference_option
from streamtally.cli.shared.zone_option import zone_option


@click.command("backfill")
@click.argument("location", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--opensearch", "url", required=True, help="Cluster to load into.")
@auth_option
@pipeline_option
@load_options
@reference_option
@click.option("--workers", type=click.IntRange(min=1), metavar="N",
              help="Processes that read objects; the counts do not depend on it.  [default: the cores]")  # fmt: skip
@zone_option
@yes_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Load old logs (plain or compressed, raw or JSON lines) into an index through the same transform.

    Ids are derived from an object's full address and the line, so a second run counts nothing twice, even if a log has
    grown since; after an interruption, run the command again. Do not load windows that a stream has already counted:
    these lines would be counted in addition to the stream's. Where such windows are closed, nothing is written unless
    --replace-span recomputes them from the logs. Exit status 1: no row could be counted, or an object or a window has
    a problem; why is on standard error.

    Example: streamtally backfill s3://old-logs/2024/ --opensearch https://domain
    """
    from streamtally.cli.backfill import execute

    return execute(**options)
