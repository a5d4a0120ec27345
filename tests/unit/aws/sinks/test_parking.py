"""Documents that cannot be put are parked, and put later with the ids they had."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import pytest

from streamtally.aws.sinks import parking as undelivered
from streamtally.aws.sinks.firehose import Clock
from streamtally.aws.sinks.objects import Folder
from streamtally.aws.sinks.parking import park, put_or_park, redeliver
from streamtally.errors import SinkError

ONE_TRY = Clock(monotonic=lambda: 0.0, uniform=lambda low, high: inf)
"""A clock by which no time is left for a second try."""
DOCUMENTS = [b'{"n":%d}' % number for number in range(1_200)]


class Stream:
    """A delivery stream that takes so many records and refuses the rest, whole requests or entries."""

    def __init__(self, takes: int, error: Exception | None = None) -> None:
        self.takes = takes
        self.error = error
        self.taken: list[bytes] = []

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:
        if self.error and self.takes <= 0:
            raise self.error
        data = [record["Data"].rstrip(b"\n") for record in Records]
        good, bad = data[: self.takes], data[self.takes :]
        self.taken += good
        self.takes -= len(good)
        entries = [{"RecordId": "1"}] * len(good) + [{"ErrorCode": "ServiceUnavailableException"}] * len(bad)
        return {"FailedPutCount": len(bad), "RequestResponses": entries}


def at() -> datetime:
    return datetime(2025, 3, 1, tzinfo=UTC)


# Whatever was put and whatever was parked: all of it together, each document at least once, none invented.
@pytest.mark.parametrize("takes", [0, 1, 499, 500, 501, 1_000, 1_199])
@pytest.mark.parametrize("error", [None, ConnectionError("no answer"), ValueError("access denied")])
def test_nothing_is_lost(tmp_path: Path, takes: int, error: Exception | None) -> None:
    stream, parking = Stream(takes, error), Folder(tmp_path)

    parked = put_or_park(stream, "log-summary-stream", DOCUMENTS, 1, parking, at, clock=ONE_TRY)
    put_or_park(stream, "log-summary-stream", DOCUMENTS, 1, parking, at, clock=ONE_TRY)  # the batch is retried
    assert parked > 0
    assert all(key.startswith("undelivered/log-summary-stream/2025/03/01/00/") for key in parking.keys(""))

    stream.takes = 10**9
    done = redeliver(stream, parking, lambda: 60.0)
    assert set(stream.taken) == set(DOCUMENTS)
    assert done.problems == []
    assert list(parking.keys("")) == []


# The stream is still away: the object stays for the next run, with a line that says why.
def test_still_away(tmp_path: Path) -> None:
    parking = Folder(tmp_path)
    put_or_park(Stream(0), "log-summary-stream", DOCUMENTS, 1, parking, at, clock=ONE_TRY)
    (tmp_path / "undelivered/log-summary-stream/broken.jsonl.gz").write_bytes(b"no gzip")

    done = redeliver(Stream(0), parking, lambda: 5.001)

    assert len(done.problems) == 2
    assert len(list(parking.keys(""))) == 2
    assert redeliver(Stream(10**9), parking, lambda: 60.0).documents == len(DOCUMENTS)


class Streams:
    """Delivery streams by name; puts to the others are throttled."""

    def __init__(self, *good: str) -> None:
        self.streams = {name: Stream(10**9) for name in good}
        self.calls: list[str] = []

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:
        self.calls.append(DeliveryStreamName)
        stream = self.streams.get(DeliveryStreamName, Stream(0))
        return stream.put_record_batch(DeliveryStreamName=DeliveryStreamName, Records=Records)


# A stream that takes nothing keeps its objects, and no other stream's: it is asked for one of them, in a bounded time.
def test_one_stream_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undelivered, "PUT_SECONDS", 0.05)
    parking, streams = Folder(tmp_path), Streams("b-stream")
    for number in range(5):
        for name in ("a-stream", "b-stream"):
            park(parking, name, [b'{"n":%d}' % number], at())
    done = redeliver(streams, parking, lambda: 60.0)
    assert (done.objects, len(done.problems), done.waiting) == (5, 1, 4)
    assert len(streams.streams["b-stream"].taken) == 5
    assert len(list(parking.keys("undelivered/a-stream/"))) == 5


class Vanishing(Folder):
    """Another run has put and deleted what this one has just listed."""

    def get(self, key: str) -> bytes:
        data = super().get(key)
        if key.endswith("0.jsonl.gz"):
            super().delete(key)
            return super().get(key)
        return data


# An object that another run has put meanwhile is gone, and no problem.
def test_gone_meanwhile(tmp_path: Path) -> None:
    parking, stream = Vanishing(tmp_path), Stream(10**9)
    for number in range(3):
        parking.put(f"undelivered/s/2025/03/01/00/{number}.jsonl.gz", gzip.compress(b'{"n":%d}\n' % number))
    done = redeliver(stream, parking, lambda: 60.0)
    assert (done.objects, done.problems) == (2, [])


# Put in part, again and again: the object stays whole until all of it went in one run, and nothing of it is lost.
def test_put_in_part(tmp_path: Path) -> None:
    parking, stream = Folder(tmp_path), Stream(0)
    put_or_park(stream, "s", DOCUMENTS, 1, parking, at, clock=ONE_TRY)
    for takes in (700, 300):
        stream.takes = takes
        assert redeliver(stream, parking, lambda: 5.001).objects == 0
        assert len(list(parking.keys(""))) == 1
    stream.takes = 10**9
    assert redeliver(stream, parking, lambda: 60.0).documents == len(DOCUMENTS)
    assert set(stream.taken) == set(DOCUMENTS)


# A bomb is a broken object: it stays, and is named.
def test_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undelivered, "MAX_PARKED_BYTES", 1_000_000)
    parking = Folder(tmp_path)
    parking.put("undelivered/s/bomb.jsonl.gz", gzip.compress(b"x" * 1_100_000))
    assert redeliver(Stream(10**9), parking, lambda: 60.0).problems == [
        "undelivered/s/bomb.jsonl.gz: the gzip data grows too large"
    ]


# No place to park, or that refuses too: the invocation fails, and Firehose calls again.
def test_no_place(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="parking is not set up"):
        put_or_park(Stream(0), "log-summary-stream", DOCUMENTS, 1, None, at, clock=ONE_TRY)
    (tmp_path / "undelivered").write_text("a file where a folder must be")
    with pytest.raises(SinkError):
        put_or_park(Stream(0), "log-summary-stream", DOCUMENTS, 1, Folder(tmp_path), at, clock=ONE_TRY)
