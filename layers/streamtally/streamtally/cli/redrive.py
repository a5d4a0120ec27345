"""``streamtally redrive``: put back what lies in the error prefixes and works now."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import boto3
import click
from rich.console import Console
from rich.table import Table

from streamtally.aws.objects import open_objects
from streamtally.aws.redrive import Redriven, batch_finder, redrive
from streamtally.cli.indices import open_cluster
from streamtally.local.folder import read_folder
from streamtally.local.laptop import INGESTION, SUMMARY
from streamtally.pipeline import load_pipeline
from streamtally.report.text import visible


@click.command("redrive")
@click.argument("place", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--to", default=INGESTION, show_default=True, help="The delivery stream that takes the lines.")
@click.option("--summary", default=SUMMARY, show_default=True, help="The delivery stream that takes documents.")
@click.option("--opensearch", "url", help="The index that knows which batches were counted.")
@click.option("--pipeline", "folder", type=click.Path(), help="A pipeline folder; default: the one here.")
@click.option("--endpoint-url", help="Of Firehose: such as http://127.0.0.1:4573 for streamtally local.")
@click.option("--count", "count_undecided", is_flag=True, help="Count what nobody can tell was counted.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def command(
    place: str,
    to: str,
    summary: str,
    url: str | None,
    folder: str | None,
    endpoint_url: str | None,
    count_undecided: bool,
    dry_run: bool,
) -> None:
    """Try failed records with the current pipeline and put back what works, so that each line counts once in all.

    Exit status 1 if something stays or is undecided.

    Example: streamtally redrive s3://log-bucket/ --opensearch https://domain --dry-run
    """
    from pathlib import Path

    pipeline = load_pipeline(read_folder(Path(folder) if folder else None), ZoneInfo)
    objects = open_objects(place)
    finder = batch_finder(open_cluster(url)) if url else None
    client = boto3.client("firehose", endpoint_url=endpoint_url)
    done = redrive(objects, pipeline, client, to, summary, finder, dry_run, count_undecided)
    _show(done, dry_run)
    raise SystemExit(1 if done.decision.stays or done.decision.undecided else 0)


def _show(done: Redriven, dry_run: bool) -> None:
    decision = done.decision
    would = "would be put back" if dry_run else "put back"
    click.echo(f"records {would}: {len(decision.put_back)}; documents: {done.documents + len(decision.documents)}")
    click.echo(f"batches that had been counted: {decision.batches_found}; undecided: {len(decision.undecided)} records")
    if decision.stays:
        table = Table("why it stays", "records", "for example")
        for reason, count in decision.stays.most_common():
            table.add_row(visible(reason, 60), str(count), visible(decision.examples[reason][0], 90))
        Console().print(table)
