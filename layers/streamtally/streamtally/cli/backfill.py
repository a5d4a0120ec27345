"""``streamtally backfill``: fill an index from old logs in S3 or a folder."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, tzinfo
from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.aws.sinks.objects import open_objects
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, ask, auth_option, aws_options, echo_json, json_option, yes_option
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.load_options import echo_load, explaining_interruption, load_options, make_load_options
from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.reference_options import open_pipeline, reference_option
from streamtally.cli.shared.uncounted import counted_json, echo_uncounted
from streamtally.cli.shared.zone_option import echo_left_out, zone_option
from streamtally.ids import digest
from streamtally.indices.load_entries import Span
from streamtally.local.folder import read_folder
from streamtally.local.old_logs import Seen
from streamtally.local.old_objects import Place, read_objects
from streamtally.local.opensearch_store import OpenSearchStore
from streamtally.local.processes import available_cores
from streamtally.local.summary import read_as_settings
from streamtally.text import visible
from streamtally.transform.ledger import Ledger

DELIVERED_UNPARSED = "delivered as unparsed"


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
def command(
    aws: Aws,
    location: str,
    url: str,
    auth: Auth | None,
    folder: Path | None,
    references: tuple[str, ...],
    between: Span,
    replace_span: bool,
    workers: int | None,
    zone: tzinfo | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Load old logs (plain or compressed, raw or JSON lines) into an index through the same transform.

    Ids are derived from an object's full address and the line, so a second run counts nothing twice, even if a log has
    grown since; after an interruption, run the command again. Do not load windows that a stream has already counted:
    these lines would be counted in addition to the stream's. Where such windows are closed, nothing is written unless
    --replace-span recomputes them from the logs. Exit status 1: no row could be counted, or an object or a window has
    a problem; why is on standard error.

    Example: streamtally backfill s3://old-logs/2024/ --opensearch https://domain
    """
    pipeline = open_pipeline(read_folder(folder), references, aws)
    objects = open_objects(location, lambda: aws.client("s3"))
    cluster = open_cluster(url, aws=aws, auth=auth)
    names = ", ".join(sorted({output.settings.index for output in pipeline.outputs.values()}))
    ask(f"Load {objects.name} into {names} at {cluster.name}?", yes)
    options = make_load_options(between, replace_span, yes)
    store = OpenSearchStore(cluster, pipeline, digest(["backfill", objects.address]), options)
    ledger, seen = Ledger(), Seen()
    place = Place(location, aws.profile, aws.given_region, aws.endpoint_url)
    for counted, documents in read_objects(place, objects, pipeline, seen, workers or available_cores(), zone or UTC):
        store.put(documents)
        ledger.add(counted)
    with explaining_interruption():
        store.settle(pipeline)
    store.close()
    echo_load(store.notes, store.left_out, store.problems)
    lines = ledger.lines
    ledger.add(Ledger(unparsed=seen.unparsed, reasons=Counter({DELIVERED_UNPARSED: seen.unparsed})))
    echo_left_out(seen.left_out)
    for problem in seen.problems:
        click.echo(f"not read: {visible(problem, 200)}", err=True)
    if as_json:
        counts = {"lines": lines, "rows": ledger.rows, "unparsed": ledger.unparsed, "left_out": store.left_out}
        echo_json(
            {
                **counts,
                **counted_json(ledger, pipeline),
                "notes": store.notes,
                "objects_left_out": dict(seen.left_out),
                "problems": [*seen.problems, *store.problems],
            }
        )
    else:
        click.echo(f"lines: {lines}; rows: {ledger.rows}; not parsed: {ledger.unparsed}")
    if not ledger.lines and not seen.problems:
        click.echo(f"note: {visible(objects.name, 200)}: no lines to load", err=True)
    is_nothing = echo_uncounted(ledger, pipeline, read_as_settings([objects.name], pipeline.source))
    return EXIT_FOUND if is_nothing or seen.problems or store.problems else 0
