"""``streamtally redrive``: put back what lies in the error prefixes and works now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.clock import now_ms
from streamtally.aws.handlers.envelope_secret import EnvelopeSecret
from streamtally.aws.opensearch.observe import read_plan
from streamtally.aws.recovery.batches import IndexedBatches, read_closed
from streamtally.aws.recovery.redrive import Planned, carry_out, plan_redrive
from streamtally.aws.recovery.streams import find_in_flight, find_secret, find_source
from streamtally.aws.sinks.objects import Bucket, ObjectStore, open_objects
from streamtally.cli.shared.aws_options import ask, aws_options, echo_json, json_option, yes_option
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.errors import SettingsError, SinkError
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import INGESTION, SUMMARY
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import Rules
from streamtally.recovery.outcomes import NO_FAILED, in_order
from streamtally.text import visible
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.pipeline import Pipeline, load_pipeline

NONE = "none"
WAY_MS = 3_600_000
"""How long what goes back may be on its way, and still be counted."""


@click.command("redrive")
@click.argument("place", metavar="s3://BUCKET/PREFIX|DIR")
@click.option("--to", default=INGESTION, show_default=True, help="The delivery stream that takes the lines.")
@click.option("--summary", default=SUMMARY, show_default=True, help="The delivery stream that takes documents.")
@click.option("--opensearch", "url", help="The index that knows which batches were counted.")
@click.option(
    "--failed",
    "failed_place",
    metavar="s3://BUCKET|DIR",
    help="Where parked and refused documents lie; default: the bucket that the summary stream names.",
)
@click.option("--pipeline", "folder", type=click.Path(path_type=Path), help="A pipeline folder; default: the one here.")
@click.option(
    "--secret",
    envvar="ENVELOPE_SECRET",
    metavar="NAME|ARN|none",
    help="The secret that signs what goes back; default: the one that the stream's function names.",
)
@click.option("--trust-envelopes", is_flag=True, help="Believe parts that went round, whoever signed them or nobody.")
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
    failed_place: str | None,
    folder: Path | None,
    secret: str | None,
    trust_envelopes: bool,
    count_undecided: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Try failed records with the current pipeline and put back what works, so that each line counts once in all.

    Shows what would go back, asks, and does it. Exit status 1 if something stays, is undecided or cannot be read.

    Example: streamtally redrive s3://log-bucket/ --opensearch https://domain --dry-run
    """
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    objects = open_objects(place, lambda: aws.client("s3"))
    rules, failed = Rules(pipeline, count_undecided=count_undecided), None
    if url:
        rules, failed = _rules(aws, url, pipeline, summary, failed_place, count_undecided)
    countable_from = max(0, now_ms() - pipeline.max_age_ms + WAY_MS)
    rules = replace(rules, seal=_seal(aws, to, secret, trust_envelopes, dry_run), countable_from=countable_from)
    planned = plan_redrive(objects, rules, failed)
    if not as_json:
        _show(planned)
    is_done = not dry_run and not planned.is_empty
    if is_done:
        source, name = find_source(aws, to)  # what cannot be reached is said before the question
        ask(f"Put this back into {to} and {summary}?", yes)
        carry_out(objects, planned, source, name, summary, aws.client("firehose"))
    if as_json:
        echo_json(_to_json(planned, is_done))
    elif is_done:
        click.echo("put back")
    return 0 if planned.is_whole else 1


def _seal(aws: Aws, to: str, secret: str | None, trust_envelopes: bool, dry_run: bool) -> Seal:
    """What signs what goes back. Raises: SettingsError: that cannot be told; it says what to give."""
    if secret == NONE:
        return replace(UNSEALED, believes_all=trust_envelopes)
    try:
        name = secret or find_secret(aws, to)
        seal = EnvelopeSecret(lambda: aws.client("secretsmanager"), name)() if name else UNSEALED
    except (AwsError, SinkError) as error:
        if isinstance(error, AwsError) and error.code == "ResourceNotFoundException" and not dry_run:
            raise
        advice = "give --secret, a name or an ARN that you may read, or none if the function signs nothing"
        if not dry_run:
            raise SettingsError(f"the secret that signs what goes back: {error}: {advice}") from None
        click.echo(f"signatures are not checked: {error}: {advice}", err=True)
        seal = UNSEALED
    return replace(seal, believes_all=trust_envelopes)


def _rules(
    aws: Aws, url: str, pipeline: Pipeline, summary: str, failed_place: str | None, count_undecided: bool
) -> tuple[Rules, ObjectStore | None]:
    """What the index knows, until when, and where documents lie that never came to it."""
    specs = read_specs(pipeline.document, summary)
    in_flight = find_in_flight(aws, summary)
    failed: ObjectStore | None = None
    if failed_place:
        failed = open_objects(failed_place, lambda: aws.client("s3"))
    elif in_flight.bucket:
        failed = Bucket(aws.client("s3"), in_flight.bucket)
    cluster = open_cluster(url, aws=aws)
    if read_plan(cluster, pipeline.plan_id) is None:  # nobody would settle its partials
        raise SettingsError(f"{cluster.name} does not know this pipeline: --pipeline names the folder that is deployed")
    rules = Rules(
        pipeline,
        IndexedBatches(cluster, specs),
        count_undecided,
        read_closed(cluster, specs),
        now_ms() - in_flight.seconds * 1000,
        "" if failed else NO_FAILED,
    )
    return rules, failed


def _show(planned: Planned) -> None:
    decision = planned.decision
    for outcome, why, group in in_order(decision):
        click.echo(f"{group.count} × {outcome}: {visible(why, 200)}")
        for example in group.examples:
            click.echo(f"    {visible(example, 300)}")
    for reason, count in planned.refusals.counts.items():
        click.echo(f"{count} × OpenSearch refused: {visible(reason, 200)}")
        click.echo(f"    {visible(planned.refusals.examples[reason], 300)}")
    for problem in planned.problems:
        click.echo(f"not read: {visible(problem, 300)}", err=True)
    click.echo(
        f"records to put back: {decision.records}; documents: {planned.documents}; "
        f"batches that had been counted: {decision.batches_found}; undecided: {len(decision.undecided)}"
    )
    if decision.undecided:
        click.echo("undecided lines go to S3 alone; with --count they are counted too")


def _to_json(planned: Planned, is_done: bool) -> Mapping[str, Any]:
    decision = planned.decision
    return {
        "done": is_done,
        "records": decision.records,
        "documents": planned.documents,
        "batches_found": decision.batches_found,
        "undecided": [_plain(each) for each in decision.undecided],
        "stays": dict(decision.stays),
        "groups": [
            {"outcome": outcome, "why": why, "records": group.count, "examples": group.examples}
            for outcome, why, group in in_order(decision)
        ],
        "refused": planned.refusals.counts,
        "problems": planned.problems,
    }


def _plain(record: FailedRecord) -> Mapping[str, Any]:
    return {"key": record.key, "line": record.line + 1, "code": record.code}
