"""The tasks of the state machine ``Backfill`` (template.yaml): what each takes from its event, and what it returns.

Every step may be repeated, by a retry, by ``redrive-execution`` or by another execution: ids go by object and line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from streamtally.aws.opensearch.cluster import Cluster
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.backfill.loading import Loader, read_accounts
from streamtally.backfill.reading import read_object_to_parts
from streamtally.errors import SettingsError
from streamtally.ids import digest
from streamtally.indices.spec import read_specs
from streamtally.transform.pipeline import Pipeline

WORK = "backfill/"
"""The folder of the failed bucket in which each execution has a folder of its own."""
SHOWN_PROBLEMS = 3

Event = Mapping[str, Any]
Open = Callable[[str], ObjectStore]
"""Opens a store by its address."""


def run_step(
    event: Event,
    pipeline: Pipeline,
    environment: Mapping[str, str],
    time_left: Callable[[], float],
    open_store: Open,
    connect: Callable[[], Cluster],
) -> dict[str, Any]:
    """Run the event's step.

    Args:
        event: ``step``; ``execution``, its name; ``bucket`` and ``prefix`` of the logs; ``key``, of an object of the
            logs (``read``) or of a part (``put``), from the bucket's root; ``indices``, as ``open`` returned them.
        environment: ``FAILED_BUCKET``, ``SUMMARY_STREAM``, ``LOG_TIME_ZONE`` (default: UTC).
        time_left: of the invocation, in seconds.
    Raises: SettingsError: the event is not one of these. IndexPlanError, SinkError: the step failed as a whole.
    """
    work = open_store(f"s3://{environment['FAILED_BUCKET']}/{WORK}{event['execution']}/")
    if event["step"] == "read":
        return _read(event, pipeline, environment, time_left, open_store, work)
    # The load of `streamtally backfill s3://BUCKET/PREFIX`, whose prefix ends with a slash.
    load_id = digest(["backfill", open_store(f"s3://{event['bucket']}/{event['prefix']}").address])
    run = digest(["execution", event["execution"]])[:32]
    loader = Loader(connect(), pipeline, load_id, run, environment, time_left)
    if event["step"] == "open":
        return loader.open(read_accounts(work))
    if event["step"] == "put":
        key = event["key"].removeprefix(f"{WORK}{event['execution']}/")
        return {"documents": loader.put(work.get(key), event["indices"])}
    if event["step"] == "settle":
        return _settle(event, loader, work)
    raise SettingsError(f"unknown step {event['step']!r}: it is read, open, put or settle")


def _read(
    event: Event,
    pipeline: Pipeline,
    environment: Mapping[str, str],
    time_left: Callable[[], float],
    open_store: Open,
    work: ObjectStore,
) -> dict[str, Any]:
    zone = ZoneInfo(environment.get("LOG_TIME_ZONE") or "UTC")
    objects = open_store(f"s3://{event['bucket']}/")
    specs = read_specs(pipeline.document, environment.get("SUMMARY_STREAM") or None)
    return read_object_to_parts(objects, event["key"], pipeline, specs, work, time_left, zone).counts()


def _settle(event: Event, loader: Loader, work: ObjectStore) -> dict[str, Any]:
    account = read_accounts(work)
    account.problems += loader.settle(account, event["indices"])
    report = account.counts()
    work.put("report.json", json.dumps(report, indent=2).encode())
    shown = "; ".join(account.problems[:SHOWN_PROBLEMS])
    count = len(account.problems)
    text = f"{count} problems, all of them in {work.name}report.json: {shown}"[:2_000] if count else ""
    return {**report, "problems": count, "text": text, "report": f"{work.name}report.json"}
