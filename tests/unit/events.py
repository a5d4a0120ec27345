"""Events and lines for tests, and what to read out of an outcome."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, iter_documents, transform

ARRIVAL = 1_504_860_423_000  # 2017-09-08T08:47:03Z

LINE = '198.51.100.7 - - [{time}] "GET {path} HTTP/1.1" {status} 5316 "-" "{agent}"'


def combined(
    status: int | str = 200, time: str = "08/Sep/2017:08:47:00 +0000", path: str = "/", agent: str = "test"
) -> bytes:
    """A combined log line with its line end."""
    return (LINE.format(time=time, path=path, status=status, agent=agent) + "\n").encode()


def records_of(payloads: Iterable[bytes], arrival: int = ARRIVAL, first: int = 0) -> list[dict[str, Any]]:
    """The ``records`` of an event."""
    return [
        {"recordId": f"id-{first + i}", "approximateArrivalTimestamp": arrival, "data": base64.b64encode(data).decode()}
        for i, data in enumerate(payloads)
    ]


def run(pipeline: Pipeline, payloads: Iterable[bytes], arrival: int = ARRIVAL) -> Outcome:
    """The outcome of one batch."""
    return transform(pipeline, decode_records(records_of(payloads, arrival), now_ms=ARRIVAL))


def documents(outcome: Outcome) -> list[dict[str, Any]]:
    """All documents of an outcome."""
    return [orjson.loads(document) for document in iter_documents(outcome.deliveries)]


def counts(outcome: Outcome) -> dict[tuple[str, Any], int]:
    """(datetime, status) → statusCount of the default pipeline's documents."""
    return {(document["datetime"], document["status"]): document["statusCount"] for document in documents(outcome)}


def merged(pipeline: Pipeline, outcomes: Sequence[Outcome], name: str = "DESTINATION_SQL_STREAM") -> dict[Any, Any]:
    """(window start, key) → columns, over all partials of all outcomes, each partial_id once."""
    output: Any = pipeline.output(name)
    by_id = {
        document["tally"]["partial_id"]: document["tally"] for outcome in outcomes for document in documents(outcome)
    }
    groups: dict[Any, list[Any]] = {}
    for tally in by_id.values():
        groups.setdefault((tally["window_start"], orjson.dumps(tally["state"]["key"])), []).append(tally["state"])
    from streamtally.times.iso import from_iso

    return {
        (start, key): output.finish(from_iso(start), output.merge_states(states))
        for (start, key), states in groups.items()
    }
