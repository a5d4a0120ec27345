"""redrive as a user runs it, against the simulator over HTTP."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.clients import Aws, AwsError
from streamtally.aws.handlers.reingest import DataStream
from streamtally.aws.recovery.streams import MARGIN_SECONDS, find_in_flight, find_source
from streamtally.aws.sinks.objects import Folder
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.pipeline import load_pipeline
from tests.unit.cli.operator_runner import run

GOOD = b'192.0.2.1 - - [01/Mar/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 5316\n'
HOUR_MS = 1_740_830_400_000


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The simulator's address; its S3 side is ``log-bucket``."""
    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "y"), ("DEFAULT_REGION", "eu-west-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    pipeline = load_pipeline(read_folder(None), ZoneInfo)
    store = DuckDbStore(tmp_path / "store.duckdb")
    function = InProcessFunction(pipeline, lambda: time.time_ns() // 1_000_000)
    laptop = Laptop(tmp_path, function, {SUMMARY: StoreSink(store)})
    server = Server(("127.0.0.1", 0), laptop.api, lambda path: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    laptop.close()
    store.close()


def keep_failed(folder: Path, *data: bytes, code: str = "Lambda.ProcessingFailedStatus") -> None:
    """An error file as Firehose writes it."""
    lines = [
        {
            "arrivalTimestamp": HOUR_MS,
            "attemptEndingTimestamp": HOUR_MS,
            "errorCode": code,
            "rawData": base64.b64encode(item).decode(),
        }
        for item in data
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    Folder(folder).put("processing-failed/2025/03/01/12/one", text.encode())


# What works now goes back after a yes; what does not stays, and is shown with its line.
def test_asks_and_puts_back(tmp_path: Path, url: str) -> None:
    keep_failed(tmp_path / "bucket", GOOD, b"no line \x1b[31m of a log\n")
    args = ["redrive", str(tmp_path / "bucket"), "--endpoint-url", url]
    dry = run(*args, "--dry-run")
    no = run(*args, answer="n\n")
    yes = run(*args, answer="y\n")
    again = run(*args, "--json")

    assert dry.status == yes.status == again.status == 1  # something stays
    assert "records to re-ingest: 1" in dry.stdout
    assert "line 2: no line \\x1b[31m of a log" in dry.stdout
    assert (no.status, no.error) == (2, "aborted, nothing changed")
    assert yes.stdout.endswith("Sent.\n")
    printed = json.loads(again.stdout)
    assert (printed["done"], printed["records"], printed["stays"]) == (False, 0, {"of no known format": 1})


# A failed invocation without an index to ask is undecided: said, with exit status 1.
def test_undecided(tmp_path: Path, url: str) -> None:
    keep_failed(tmp_path / "bucket", GOOD, code="Lambda.FunctionError")
    ran = run("redrive", str(tmp_path / "bucket"), "--endpoint-url", url, "--json", "--yes")
    assert ran.status == 1
    assert json.loads(ran.stdout)["undecided"] == [
        {"key": "processing-failed/2025/03/01/12/one", "line": 1, "code": "Lambda.FunctionError"}
    ]


# A stream that is not there is said before anything is asked or done.
def test_no_such_stream(tmp_path: Path, url: str) -> None:
    keep_failed(tmp_path / "bucket", GOOD)
    ran = run("redrive", str(tmp_path / "bucket"), "--endpoint-url", url, "--to", "nope", "--yes")
    assert ran.status == 2
    assert "ResourceNotFoundException" in ran.error
    assert list(Folder(tmp_path / "bucket").keys("processing-failed/"))


class OverData(Aws):
    """AWS with a delivery stream that reads from a data stream, which takes no puts of its own."""

    def make_client(self, service: str) -> Any:
        return service

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/raw"
        return {"DeliveryStreamDescription": {"Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": arn}}}}


# Behind a data stream, lines go back into the data stream.
def test_data_stream() -> None:
    source, name = find_source(OverData(), INGESTION)
    assert isinstance(source, DataStream)
    assert name.endswith(":stream/raw")


class Described(Aws):
    """AWS with a summary stream, as DescribeDeliveryStream tells of it; or that may not be asked."""

    def __init__(self, destination: dict[str, Any] | None) -> None:
        super().__init__()
        self.destination = destination

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        if self.destination is None:
            raise AwsError("DescribeDeliveryStream: AccessDeniedException: no", "AccessDeniedException")
        return {"DeliveryStreamDescription": {"Destinations": [self.destination]}}


# How long counts may be on their way, and where those lie that did not arrive, is what the summary stream says; where
# it says nothing or may not be asked, the longest that can be is taken, and no bucket is guessed.
@pytest.mark.parametrize("kind", ["Amazonopensearchservice", "Elasticsearch"])
def test_in_flight(kind: str) -> None:
    destination = {
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 5},
        "RetryOptions": {"DurationInSeconds": 7_200},
        "S3DestinationDescription": {
            "BucketARN": "arn:aws:s3:::log-summary-failed",
            "BufferingHints": {"IntervalInSeconds": 300, "SizeInMBs": 5},
        },
    }
    in_flight = find_in_flight(Described({f"{kind}DestinationDescription": destination}), SUMMARY)
    assert (in_flight.seconds, in_flight.bucket) == (60 + 7_200 + 300 + MARGIN_SECONDS, "log-summary-failed")
    for destination in (None, {}, {f"{kind}DestinationDescription": {}}):
        longest = find_in_flight(Described(destination), SUMMARY)
        assert (longest.seconds, longest.bucket) == (900 + 7_200 + 900 + MARGIN_SECONDS, "")


# A stream that is not there is said.
def test_in_flight_of_nothing(url: str) -> None:
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        find_in_flight(Aws(endpoint_url=url), "nope")
    assert find_in_flight(Aws(endpoint_url=url), SUMMARY).seconds == 2 + 300 + 10 + MARGIN_SECONDS
