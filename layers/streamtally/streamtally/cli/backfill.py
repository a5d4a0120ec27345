"""``streamtally backfill``: fill an index from old logs in S3 or a folder."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, tzinfo
from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.aws.sinks.objects import open_objects
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.aws_options import Auth, ask, echo_json
from streamtally.cli.shared.cluster_options import open_cluster
from streamtally.cli.shared.load_options import echo_load, explaining_interruption, make_load_options
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.cli.shared.uncounted import counted_json, echo_uncounted
from streamtally.cli.shared.zone_option import echo_left_out
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


def execute(
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
    """Run ``streamtally backfill``. Returns: the exit status. Raises: SettingsError."""
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
