"""``streamtally redrive``: re-ingest records from the error prefixes that the pipeline can process now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, tzinfo
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
from streamtally.aws.recovery.streams import find_in_flight, find_secret, find_source, find_time_zone
from streamtally.aws.sinks.objects import Bucket, ObjectStore, open_objects
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, ask, echo_json
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.zone_option import to_zone
from streamtally.errors import SettingsError, SinkError
from streamtally.indices.spec import read_specs
from streamtally.local.folder import read_folder
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import Rules
from streamtally.recovery.outcomes import NO_FAILED, in_order
from streamtally.text import visible
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.pipeline import Pipeline, load_pipeline

NO_SECRET = "none"  # noqa: S105 (an option's value that names no secret)
IN_FLIGHT_MS = 3_600_000
"""How long a re-ingested record may be in flight and still be counted."""


@dataclass(frozen=True, slots=True)
class RedriveOptions:
    """Where records go, and what is believed about them."""

    to: str
    """The delivery stream that receives lines."""
    summary: str
    """The delivery stream that receives documents."""
    url: str | None
    """The cluster that knows which batches were counted."""
    auth: Auth | None
    failed_location: str | None
    secret: str | None
    trust_envelopes: bool
    count_undecided: bool
    dry_run: bool


def execute(
    aws: Aws,
    location: str,
    folder: Path | None,
    zone: tzinfo | None,
    yes: bool,
    as_json: bool,
    **redrive_options: Any,
) -> int:
    """Run ``streamtally redrive``. Returns: the exit status. Raises: SettingsError."""
    options = RedriveOptions(**redrive_options)
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    objects = open_objects(location, lambda: aws.client("s3"))
    rules, failed = Rules(pipeline, count_undecided=options.count_undecided), None
    if options.url:
        rules, failed = _rules(aws, options.url, pipeline, options)
    countable_from = max(0, now_ms() - pipeline.max_age_ms + IN_FLIGHT_MS)
    rules = replace(rules, seal=_seal(aws, options), countable_from=countable_from)
    planned = plan_redrive(objects, rules, failed, zone or _zone_of_stream(aws, options.to))
    if not as_json:
        _show(planned)
    is_done = not options.dry_run and not planned.is_empty
    if is_done:
        source, name = find_source(aws, options.to)  # before the question: the stream may not be reachable
        ask(f"Send this to {options.to} and {options.summary}?", yes)
        carry_out(objects, planned, source, name, options.summary, aws.client("firehose"))
    if as_json:
        echo_json(_to_json(planned, is_done))
    elif is_done:
        click.echo("Sent.")
    return 0 if planned.is_whole else EXIT_FOUND


def _zone_of_stream(aws: Aws, stream: str) -> tzinfo:
    """The zone of the dates in the names of the stream's objects; UTC if the stream cannot be described."""
    name = ""
    with suppress(AwsError):  # who may send records may not be allowed to describe the stream
        name = find_time_zone(aws, stream)
    return to_zone(name) if name else UTC


def _seal(aws: Aws, options: RedriveOptions) -> Seal:
    """What signs re-ingested records. Raises: SettingsError: the secret cannot be found or read."""
    if options.secret == NO_SECRET:
        return replace(UNSEALED, believes_all=options.trust_envelopes)
    try:
        name = options.secret or find_secret(aws, options.to)
        seal = EnvelopeSecret(lambda: aws.client("secretsmanager"), name)() if name else UNSEALED
    except (AwsError, SinkError) as error:
        if isinstance(error, AwsError) and error.code == "ResourceNotFoundException" and not options.dry_run:
            raise
        advice = "pass --secret with a name or ARN that you may read, or none if the function signs nothing"
        if not options.dry_run:
            raise SettingsError(f"the secret that signs re-ingested records: {error}; {advice}") from None
        click.echo(f"signatures are not checked: {error}; {advice}", err=True)
        seal = UNSEALED
    return replace(seal, believes_all=options.trust_envelopes)


def _rules(aws: Aws, url: str, pipeline: Pipeline, options: RedriveOptions) -> tuple[Rules, ObjectStore | None]:
    """Rules that ask the index what was counted, and the location of documents that did not reach it."""
    specs = read_specs(pipeline.document, options.summary)
    in_flight = find_in_flight(aws, options.summary)
    failed: ObjectStore | None = None
    if options.failed_location:
        failed = open_objects(options.failed_location, lambda: aws.client("s3"))
    elif in_flight.bucket:
        failed = Bucket(aws.client("s3"), in_flight.bucket)
    cluster = open_cluster(url, aws=aws, auth=options.auth)
    if read_plan(cluster, pipeline.plan_id) is None:  # its partials would never be settled
        raise SettingsError(f"{cluster.name} does not know this pipeline: pass the deployed folder with --pipeline")
    rules = Rules(
        pipeline,
        IndexedBatches(cluster, specs),
        options.count_undecided,
        read_closed(cluster, specs),
        now_ms() - in_flight.seconds * 1000,
        "" if failed else NO_FAILED,
    )
    return rules, failed


def _show(planned: Planned) -> None:
    decision = planned.decision
    for outcome, reason, group in in_order(decision):
        click.echo(f"{group.count} × {outcome}: {visible(reason, 200)}")
        for example in group.examples:
            click.echo(f"    {visible(example, 300)}")
    for reason, count in planned.refusals.counts.items():
        click.echo(f"{count} × OpenSearch rejected: {visible(reason, 200)}")
        click.echo(f"    {visible(planned.refusals.examples[reason], 300)}")
    for other in planned.others:
        click.echo(f"{other.records} × stays in {other.kind}: {visible(other.reason, 300)}; {other.advice}")
        click.echo(f"    {visible(other.example, 300)}")
    for problem in planned.problems:
        click.echo(f"not read: {visible(problem, 300)}", err=True)
    click.echo(
        f"records to re-ingest: {decision.records}; documents to send: {planned.documents}; "
        f"batches already counted: {decision.batches_found}; undecided: {len(decision.undecided)}"
    )
    if decision.undecided:
        click.echo("undecided lines go to S3 only; use --count to count them as well")


def _to_json(planned: Planned, is_done: bool) -> Mapping[str, Any]:
    decision = planned.decision
    return {
        "done": is_done,
        "records": decision.records,
        "documents": planned.documents,
        "batches_found": decision.batches_found,
        "undecided": [_to_plain(record) for record in decision.undecided],
        "stays": dict(decision.stays),
        "groups": [
            {"outcome": outcome, "why": reason, "records": group.count, "examples": group.examples}
            for outcome, reason, group in in_order(decision)
        ],
        "refused": planned.refusals.counts,
        "others": [asdict(other) for other in planned.others],
        "problems": planned.problems,
    }


def _to_plain(record: FailedRecord) -> Mapping[str, Any]:
    return {"key": record.key, "line": record.line + 1, "code": record.code}
