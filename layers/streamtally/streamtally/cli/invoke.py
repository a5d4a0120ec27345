"""``streamtally invoke``: run the handler on an event file, without Docker or AWS."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.aws.clock import TimeLeft, now_ms
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.errors import SettingsError
from streamtally.local.arrival import EARLIEST_MS, LATEST_MS
from streamtally.local.folder import read_folder, read_text
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.transform import Delivery, iter_documents

TIME_LIMIT_SECONDS = 300


@click.command("invoke")
@click.argument("event", type=click.Path(path_type=Path), metavar="EVENT.json")
@click.option(
    "--pipeline", "folder", type=click.Path(path_type=Path), help="Pipeline folder; default: the bundled one."
)
def command(event: Path, folder: Path | None) -> None:
    """Run the transform on an event file; prints the response on standard output and partials on standard error.

    Example: streamtally invoke events/apache-lines.json
    """
    pipeline = load_pipeline(read_folder(folder), ZoneInfo)
    now = now_ms()
    answer, _ = answer_batch(pipeline, _print_documents, read_event(event), lambda: TIME_LIMIT_SECONDS, now)
    click.echo(json.dumps(answer, indent=2))


def _print_documents(deliveries: Iterable[Delivery], _: TimeLeft) -> None:
    for document in iter_documents(deliveries):
        click.echo(document, err=True)


def read_event(path: Path) -> dict[str, Any]:
    """A Firehose transformation event. Raises: SettingsError: the file is not one."""
    try:
        event = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not JSON: {error}") from None
    records = event.get("records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and "recordId" in record for record in records
    ):
        raise SettingsError(f"{path}: not a Firehose event: expected 'records', a list of objects with a recordId")
    for number, record in enumerate(records, 1):
        if problem := _problem_in(record):
            raise SettingsError(f"{path}: record {number}: {problem}")
    return dict(event)


def _problem_in(record: dict[str, Any]) -> str:
    """What Firehose never sends, and the transform therefore does not check; "" if there is nothing."""
    metadata = record.get("kinesisRecordMetadata")
    if not isinstance(record["recordId"], str):
        return "recordId is not a string"
    if not isinstance(metadata, dict | None):
        return "kinesisRecordMetadata is not an object"
    arrivals = [source.get("approximateArrivalTimestamp") for source in (record, metadata or {})]
    if not all(
        arrival is None or (type(arrival) is int and EARLIEST_MS <= arrival <= LATEST_MS) for arrival in arrivals
    ):
        return "approximateArrivalTimestamp is not a time in ms"
    return ""
