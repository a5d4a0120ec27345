"""``streamtally redrive``: put back what lies in the error prefixes and works now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.batches import batch_finder, read_closed
from streamtally.aws.firehose import FirehoseClient
from streamtally.aws.objects import open_objects
from streamtally.aws.put_back import DataStream
from streamtally.aws.redrive import Planned, carry_out, plan_redrive
from streamtally.aws.session import Aws, AwsError
from streamtally.cli.aws_options import ask, aws_options, echo_json, json_option, yes_option
from streamtally.cli.indices import open_cluster
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.local.laptop import INGESTION, SUMMARY
from streamtally.pipeline import load_pipeline
from streamtally.report.text import visible


@click.command("redrive")
@click.argument("place", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--to", default=INGESTION, show_default=True, help="The delivery stream that takes the lines.")
@click.option("--summary", default=SUMMARY, show_default=True, help="The delivery stream that takes documents.")
@click.option("--opensearch", "url", help="The index that knows which batches were counted.")
@click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder; default: the one here.")
@click.option("--count", "count_undecided", is_flag=True, help="Count what nobody can tell was counted.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@yes_option
@json_option
@aws_options
def command(
    aws: Aws,
    place: str,
    to: str,
    summary: str,
    url: str | None,
    folder: Path | None,
    count_undecided: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Try failed records with the current pipeline and put back what works, so that each line counts once in all.

    Shows what would go back, asks, and does it. Exit status 1 if something stays, is undecided or cannot be read.

    Example: streamtally redrive s3://log-bucket/ --opensearch https://domain --dry-run
    """
    document = read_folder(folder)
    pipeline = load_pipeline(document, ZoneInfo)
    objects = open_objects(place, lambda: aws.client("s3"))
    finder, closed_before = None, {}
    if url:
        cluster, specs = open_cluster(url, aws=aws), read_specs(document, summary)
        finder, closed_before = batch_finder(cluster, specs), read_closed(cluster, specs)
    planned = plan_redrive(objects, pipeline, finder, count_undecided, closed_before)
    if not as_json:
        _show(planned)
    is_done = not dry_run and not planned.is_empty
    if is_done:
        source, name = _source(aws, to)  # what cannot be reached is said before the question
        ask(f"Put this back into {to} and {summary}?", yes)
        carry_out(objects, planned, source, name, summary, aws.client("firehose"))
    if as_json:
        echo_json(_to_json(planned, is_done))
    elif is_done:
        click.echo("put back")
    decision = planned.decision
    return 1 if decision.stays or decision.undecided or planned.problems or _left(planned) else 0


def _source(aws: Aws, stream: str) -> tuple[FirehoseClient, str]:
    """Who takes envelopes: the delivery stream, or the data stream behind it, since such a one takes no puts itself."""
    try:
        told = aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=stream)
    except AwsError as error:
        if not error.is_denied:
            raise
        return aws.client("firehose"), stream  # whoever may put need not be let look
    source = told["DeliveryStreamDescription"].get("Source") or {}
    arn = (source.get("KinesisStreamSourceDescription") or {}).get("KinesisStreamARN")
    return (DataStream(aws.client("kinesis")), arn) if arn else (aws.client("firehose"), stream)


def _left(planned: Planned) -> int:
    """How many documents stay where OpenSearch's refusal put them."""
    return sum(planned.refused.values()) - sum(len(each) for _, stream, each in planned.parked if not stream)


def _show(planned: Planned) -> None:
    decision = planned.decision
    click.echo(f"records to put back: {len(decision.put_back)}; documents: {planned.documents}")
    click.echo(f"batches that had been counted: {decision.batches_found}; undecided: {len(decision.undecided)} records")
    if decision.undecided:
        click.echo("  undecided: go to S3 alone (--count: are counted too)")
    for reason, count in decision.stays.most_common():
        click.echo(f"stays: {count} × {visible(reason, 100)}")
        for example in decision.examples[reason]:
            click.echo(f"  {visible(example, 300)}")
    for reason, count in planned.refused.items():
        click.echo(f"OpenSearch refused: {count} × {visible(reason, 200)}")
    for problem in planned.problems:
        click.echo(f"not read: {visible(problem, 200)}", err=True)


def _to_json(planned: Planned, is_done: bool) -> Mapping[str, Any]:
    decision = planned.decision
    return {
        "done": is_done,
        "records": len(decision.put_back),
        "documents": planned.documents,
        "batches_found": decision.batches_found,
        "undecided": [_plain(each) for each in decision.undecided],
        "stays": dict(decision.stays),
        "examples": decision.examples,
        "refused": planned.refused,
        "problems": planned.problems,
    }


def _plain(record: Any) -> Mapping[str, Any]:
    found = asdict(record)
    return {"key": found["key"], "line": found["line"] + 1, "code": found["code"]}
