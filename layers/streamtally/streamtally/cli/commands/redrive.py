"""``streamtally redrive``: its options and its help; :mod:`streamtally.cli.redrive` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import auth_option, aws_options, json_option, yes_option
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.zone_option import zone_option
from streamtally.local.stream_names import INGESTION, SUMMARY


@click.command("redrive")
@click.argument("location", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--to", default=INGESTION, show_default=True, help="Delivery stream that receives the lines.")
@click.option("--summary", default=SUMMARY, show_default=True, help="Delivery stream that receives the documents.")
@click.option("--opensearch", "url", help="Cluster that knows which batches were counted.")
@auth_option
@click.option(
    "--failed",
    "failed_location",
    metavar="s3://BUCKET|DIR",
    help="Location of parked and rejected documents; default: the bucket of the summary stream.",
)
@pipeline_option
@click.option(
    "--secret",
    envvar="ENVELOPE_SECRET",
    metavar="NAME|ARN|none",
    help="Secret that signs re-ingested records; default: the one of the stream's function.",
)
@click.option("--trust-envelopes", is_flag=True, help="Trust re-ingested records with any signature or none.")
@click.option(
    "--count", "count_undecided", is_flag=True, help="Also count records whose status is unknown (may double-count)."
)
@zone_option
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@yes_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Run failed records through the current pipeline and re-ingest those that succeed, counting each line once.

    Shows what would be sent, asks for confirmation and sends it. Exit status 1: some records stay where they are, are
    undecided or cannot be read.

    Example: streamtally redrive s3://log-bucket/ --opensearch https://domain --dry-run
    """
    from streamtally.cli.redrive import execute

    return execute(**options)
