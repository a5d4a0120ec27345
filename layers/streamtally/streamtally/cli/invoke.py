"""``streamtally invoke``: run the handler on an event file, without Docker or AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from streamtally.aws.clock import TimeLeft, now_ms
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.kernel import KERNEL_FAILED, load_kernel
from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.reference_options import open_pipeline
from streamtally.cli.shared.uncounted import echo_uncounted
from streamtally.errors import EvaluationError, EventError, SettingsError
from streamtally.local.folder import read_folder, read_text
from streamtally.local.summary import read_as_settings
from streamtally.transform.event import ARRIVAL, KAFKA_METADATA, STREAM_METADATA, event_records, read_arrival
from streamtally.transform.transform import Delivery, iter_documents

TIME_LIMIT_SECONDS = 300


def execute(event: Path, folder: Path | None, references: tuple[str, ...]) -> int:
    """Run ``streamtally invoke``. Returns: the exit status. Raises: SettingsError."""
    pipeline = open_pipeline(read_folder(folder), references, click.get_current_context().obj)
    now = now_ms()
    kernel = load_kernel(os.environ, lambda line: click.echo(line, err=True))
    answer, ledger = answer_batch(
        pipeline, _print_documents, read_event(event), lambda: TIME_LIMIT_SECONDS, now, kernel=kernel
    )
    if ledger.kernel_error:
        click.echo(f"{KERNEL_FAILED}: {ledger.kernel_error}", err=True)
    click.echo(json.dumps(answer, indent=2))
    is_nothing = echo_uncounted(ledger, pipeline, read_as_settings([str(event)], pipeline.source))
    return EXIT_FOUND if is_nothing else 0


def _print_documents(deliveries: Iterable[Delivery], _: TimeLeft) -> None:
    for document in iter_documents(deliveries):
        click.echo(document, err=True)


def read_event(path: Path) -> dict[str, Any]:
    """A Firehose transformation event. Raises: SettingsError: the file is not one."""
    try:
        event = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not JSON: {error}") from None
    try:
        for number, record in enumerate(event_records(event), 1):
            if problem := _problem_in(record):
                raise EventError(f"record {number}: {problem}")
    except EventError as error:
        raise SettingsError(f"{path}: {error}") from None
    return dict(event)


def _problem_in(record: Mapping[str, Any]) -> str:
    """Why a record could not be decoded, and would be answered ProcessingFailed; "" if there is nothing."""
    stated = [record]
    for name in (*STREAM_METADATA, KAFKA_METADATA):
        metadata = record.get(name)
        if not isinstance(metadata, dict | None):
            return f"{name} is not an object"
        stated.append(metadata or {})
    try:
        for source in stated:
            if source.get(ARRIVAL) is not None:
                read_arrival(source[ARRIVAL])
    except EvaluationError:
        return f"{ARRIVAL} is not a time in ms, nor in ISO 8601"
    return ""
