"""An invocation's time, looked at before whatever takes some: a slow batch is parked, and never cut off by Lambda."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aws_lambda_powertools import Logger

from streamtally.aws import clients
from streamtally.aws.handlers import delivery, invocation
from streamtally.aws.handlers.delivery import make_delivery
from streamtally.aws.handlers.reingest import make_reingest
from streamtally.aws.sinks.firehose import Clock
from streamtally.aws.sinks.parking import read_parked
from streamtally.errors import SinkError
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import Outcome, transform
from tests.system.conformance.contract import events
from tests.system.faults.world import make_line

TIMEOUT_SECONDS = 120.0
ENVIRONMENT = {"SUMMARY_STREAM": "log-summary-stream", "FAILED_BUCKET": "failed"}
PIPELINE = load_pipeline(read_folder(None), ZoneInfo)


class Lambda:
    """An invocation's clock, which whatever works moves on; past its end the invocation is dead.

    Attributes: transform, request, parking: how long each of these takes, in seconds; takes: whether the streams do.
    """

    def __init__(self, transform: float = 0.0, request: float = 0.0, parking: float = 0.0, takes: bool = True) -> None:
        self.now = 0.0
        self.transform, self.request, self.parking, self.takes = transform, request, parking, takes
        self.put: list[bytes] = []
        self.parked: list[bytes] = []

    def spend(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= TIMEOUT_SECONDS:
            raise AssertionError(f"Lambda's time-out after {self.now} s")  # nothing of ours could catch it

    def time_left(self) -> float:
        return TIMEOUT_SECONDS - self.now

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.spend, lambda low, high: high)

    # --- what it calls

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:
        self.spend(self.request)
        if not self.takes:
            entries = [{"ErrorCode": "ServiceUnavailableException"}] * len(Records)
            return {"FailedPutCount": len(Records), "RequestResponses": entries}
        self.put += [record["Data"].rstrip(b"\n") for record in Records]
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}] * len(Records)}

    def put_object(self, key: str, data: bytes) -> None:
        self.spend(self.parking)
        self.parked += read_parked(data)


class Objects:
    """S3, in the time of an invocation."""

    def __init__(self, invocation: Lambda) -> None:
        self.put = invocation.put_object


def run(function: Lambda, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], limit: int = 6_000_000) -> None:
    def slowly(*arguments: Any, **options: Any) -> Outcome:
        function.spend(function.transform)
        return transform(*arguments, **options, max_response_bytes=limit)

    log = Logger(service="test")
    monkeypatch.setattr(invocation, "transform", slowly)
    monkeypatch.setattr(clients, "firehose_client", lambda: function)
    monkeypatch.setattr(delivery, "parking_place", lambda _: Objects(function))
    deliver = make_delivery(PIPELINE, ENVIRONMENT, log, function.clock())
    reingest = make_reingest({}, log, function.clock())
    invocation.answer_batch(PIPELINE, deliver, event, function.time_left, events.ARRIVAL_MS, reingest)


def many_partials(count: int) -> dict[str, Any]:
    """A line in each of so many minutes."""
    return events.event(*[make_line(events.ARRIVAL_MS - at * 60_000, 200) for at in range(count)])


# In time, whatever is slow: every document is put or parked, once, and the invocation ends by itself.
@pytest.mark.parametrize(
    ("function", "parks"),
    [
        (Lambda(), False),
        (Lambda(transform=110.0), True),  # nothing is begun that could outlast the invocation
        (Lambda(transform=70.0, request=13.0), True),
        (Lambda(request=13.0), True),  # five requests are made in a minute, of seven
        (Lambda(takes=False), True),
        (Lambda(transform=40.0, request=13.0, takes=False), True),
        (Lambda(transform=40.0, request=13.0, parking=26.0, takes=False), True),
    ],
)
def test_nothing_runs_into_the_time_out(function: Lambda, parks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    event = many_partials(3_100)
    documents = [
        json.loads(document)["tally"]["partial_id"]
        for delivery in transform(PIPELINE, decode_records(event["records"], 0)).deliveries
        for document in delivery.documents
    ]
    assert len(documents) == 3_100
    run(function, monkeypatch, event)
    done = [json.loads(document)["tally"]["partial_id"] for document in function.put + function.parked]
    assert sorted(done) == sorted(documents)
    assert bool(function.parked) == parks
    assert bool(function.put) == (function.takes and function.transform < 100)


# No time for anything: the invocation fails, with words, before Lambda ends it without.
@pytest.mark.parametrize("function", [Lambda(transform=119.0), Lambda(transform=118.1, takes=False)])
def test_no_time_to_park(function: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SinkError, match="no time to park them"):
        run(function, monkeypatch, many_partials(10))
    assert function.put == function.parked == []


# Records go back only while there is time for it: the put before may have taken it.
def test_no_time_to_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    event = events.event(*[events.LINE * 40] * 30)
    with pytest.raises(SinkError, match="log-ingestion-stream"):
        run(Lambda(transform=105.0, parking=14.0), monkeypatch, event, limit=100_000)
    function = Lambda(transform=10.0, request=13.0)
    run(function, monkeypatch, event, limit=100_000)
    assert any(document.startswith(b"\x89tally") for document in function.put)
