"""Putting documents: PutRecordBatch's limits, what it did not take, and the time that is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from streamtally.aws.sinks.firehose import Clock, put_documents
from streamtally.errors import PartialWriteError, SinkError


class Stream:
    """A delivery stream that follows a script: an exception to raise, or the places of records to refuse."""

    def __init__(self, script: Sequence[Any] = ()) -> None:
        self.script = list(script)
        self.calls: list[list[bytes]] = []
        self.taken: list[bytes] = []

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:
        data = [record["Data"] for record in Records]
        self.calls.append(data)
        step = self.script.pop(0) if self.script else ()
        if isinstance(step, Exception):
            raise step
        refused = set(range(len(data))) if step == "all" else set(step)
        entries = [
            {"ErrorCode": "ServiceUnavailableException"} if i in refused else {"RecordId": str(i)}
            for i in range(len(data))
        ]
        self.taken += [item for i, item in enumerate(data) if i not in refused]
        return {"FailedPutCount": len(refused), "RequestResponses": entries}


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self._sleep, lambda low, high: high)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def error(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutRecordBatch")


def put(stream: Stream, documents: list[bytes], seconds: float = 60) -> FakeTime:
    time = FakeTime()
    put_documents(stream, "log-summary-stream", documents, seconds, time.clock())
    return time


def test_each_document_is_a_record_with_a_line_end() -> None:
    """One request, in order."""
    stream = Stream()
    put(stream, [b"{}", b'{"a":1}'])
    assert stream.calls == [[b"{}\n", b'{"a":1}\n']]


def test_a_request_has_at_most_500_records() -> None:
    """1,001 documents take three requests."""
    stream = Stream()
    put(stream, [b"{}"] * 1001)
    assert [len(call) for call in stream.calls] == [500, 500, 1]


def test_a_request_has_at_most_four_mebibytes() -> None:
    """Nine documents of half a mebibyte, line end included, take two requests."""
    stream = Stream()
    put(stream, [b"x" * (2**19 - 1)] * 9)
    assert [len(call) for call in stream.calls] == [8, 1]
    assert sum(map(len, stream.calls[0])) == 4 * 2**20


def test_a_document_larger_than_a_record_is_refused() -> None:
    """1,000 KiB with its line end is the most."""
    put(Stream(), [b"x" * (1000 * 1024 - 1)])
    with pytest.raises(SinkError, match="larger than a record"):
        put(Stream(), [b"x" * (1000 * 1024)])


def test_only_what_failed_is_put_again() -> None:
    """Entries with an error code are sent again, with growing pauses; the others never."""
    stream = Stream([{1, 2}, {0}, ()])
    time = put(stream, [b"a", b"b", b"c"])
    assert stream.calls == [[b"a\n", b"b\n", b"c\n"], [b"b\n", b"c\n"], [b"b\n"]]
    assert time.slept == [0.1, 0.2]


@pytest.mark.parametrize(
    "raised",
    [
        error("ServiceUnavailableException", 503),
        error("ThrottlingException"),
        error("InternalFailure", 500),
        EndpointConnectionError(endpoint_url="https://firehose.us-east-1.amazonaws.com"),
        ReadTimeoutError(endpoint_url="https://firehose.us-east-1.amazonaws.com"),
    ],
)
def test_a_request_that_fails_as_a_whole_is_put_again(raised: Exception) -> None:
    """Throttling, unavailability and broken connections pass."""
    stream = Stream([raised, ()])
    put(stream, [b"a"])
    assert stream.taken == [b"a\n"]


def test_an_error_that_will_not_pass_is_raised_at_once() -> None:
    """A stream that is not there is not asked again."""
    stream = Stream([error("ResourceNotFoundException")])
    with pytest.raises(SinkError, match=r"log-summary-stream.*ResourceNotFoundException"):
        put(stream, [b"a"])
    assert len(stream.calls) == 1


def test_what_cannot_be_put_in_time_is_named() -> None:
    """The error carries the records that are left, and the time is kept to."""
    stream = Stream(["all"] * 100)
    with pytest.raises(PartialWriteError, match=r"2 documents could not be sent in time: ServiceUnavailable") as raised:
        put(stream, [b"a", b"b"], seconds=10)
    assert list(raised.value.failed) == [b"a\n", b"b\n"]
