"""Delivery streams of any name, as an SDK creates, describes, lists and deletes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import botocore.config
import botocore.exceptions
import pytest

from streamtally.cli.local import check_streams
from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.server import Server
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.pipeline import Pipeline, load_pipeline
from tests.system.conformance.contract import events

LINE = events.LINE + b"\n"
ROLE, BUCKET = "arn:aws:iam::123456789012:role/firehose", "arn:aws:s3:::my-bucket"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(read_folder(None), ZoneInfo)


@pytest.fixture
def start(pipeline: Pipeline, tmp_path: Path) -> Iterator[Callable[..., Laptop]]:
    """Starts the simulator on one folder; a second start ends the first one, as a restart."""
    running: list[Laptop] = []
    store = DuckDbStore(tmp_path / "store.duckdb")

    def begin(*names: str, **options: Any) -> Laptop:
        for laptop in running:
            laptop.close()
        running.clear()
        function = InProcessFunction(pipeline, lambda: events.ARRIVAL_MS)
        sinks = {SUMMARY: StoreSink(store)}
        running.append(Laptop(tmp_path, function, sinks, now=lambda: events.ARRIVAL_MS, names=names, **options))
        return running[0]

    yield begin
    for laptop in running:
        laptop.close()
    store.close()


def refused(laptop: Laptop, action: str, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ApiError) as error:
        laptop.api.call(action, parameters)
    return error.value.code, str(error.value)


def put(laptop: Laptop, name: str) -> None:
    laptop.api.call("PutRecord", {"DeliveryStreamName": name, "Record": {"Data": "eAo="}})


# The whole life of a stream through the SDK that the AWS CLI stands on, which checks the shapes of what it is answered.
def test_with_an_sdk(start: Callable[..., Laptop]) -> None:
    laptop = start()
    server = Server(("127.0.0.1", 0), laptop.api, lambda _path, _page: None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    client = boto3.client(
        "firehose", endpoint_url=f"http://127.0.0.1:{server.server_address[1]}", region_name="us-east-1",
        aws_access_key_id="any", aws_secret_access_key="any",
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    try:
        made = client.create_delivery_stream(
            DeliveryStreamName="orders.v2_x-y",
            ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": BUCKET, "Prefix": "p/"},
        )
        assert made["DeliveryStreamARN"] == "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders.v2_x-y"
        described = client.describe_delivery_stream(DeliveryStreamName="orders.v2_x-y")["DeliveryStreamDescription"]
        assert described["DeliveryStreamStatus"] == "ACTIVE"
        assert described["DeliveryStreamType"] == "DirectPut"
        (destination,) = described["Destinations"]
        assert destination["ExtendedS3DestinationDescription"] == {
            "RoleARN": ROLE,
            "BucketARN": BUCKET,
            "Prefix": "p/",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
            "CompressionFormat": "UNCOMPRESSED",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        }
        with pytest.raises(client.exceptions.ResourceInUseException):
            client.create_delivery_stream(DeliveryStreamName="orders.v2_x-y")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.put_record(DeliveryStreamName="order", Record={"Data": LINE})
        client.put_record_batch(DeliveryStreamName="orders.v2_x-y", Records=[{"Data": LINE}] * 3)
        assert laptop.drain()
        assert laptop.counters()["orders.v2_x-y"]["DeliveryToS3.Records"] == 3
        assert laptop.counters()[SUMMARY]["IncomingRecords"] >= 1
        assert client.list_delivery_streams()["DeliveryStreamNames"] == [INGESTION, SUMMARY, "orders.v2_x-y"]
        client.delete_delivery_stream(DeliveryStreamName="orders.v2_x-y")
        laptop.step()
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_delivery_stream(DeliveryStreamName="orders.v2_x-y")
    finally:
        client.close()
        server.shutdown()
        server.server_close()


# An unchanged agent.json: its stream is there with its first records, and a misspelled second one is not.
def test_the_first_name_that_is_put_to(start: Callable[..., Laptop]) -> None:
    announced: list[str] = []
    laptop = start(announce=announced.append)
    assert (
        refused(laptop, "PutRecord", DeliveryStreamName="no name!", Record={"Data": "eAo="})[0] == "ValidationException"
    )
    assert refused(laptop, "DescribeDeliveryStream", DeliveryStreamName="mine")[0] == "ResourceNotFoundException"
    assert refused(laptop, "PutRecord", DeliveryStreamName="mine", Record={"Data": "%"})[0] == "SerializationException"
    assert refused(laptop, "PutRecordBatch", DeliveryStreamName="mine", Records=[])[0] == "ValidationException"
    assert announced == []
    put(laptop, INGESTION)
    put(laptop, "mine")
    put(laptop, "mine")
    assert announced == ["mine"]
    expected = ("ResourceNotFoundException", "Firehose mime under account 123456789012 not found.")
    assert refused(laptop, "PutRecord", DeliveryStreamName="mime", Record={"Data": "eAo="}) == expected
    again = start(announce=announced.append)  # with records that wait
    assert refused(again, "PutRecord", DeliveryStreamName="mime", Record={"Data": "eAo="}) == expected
    put(again, "mine")
    assert again.drain()
    assert again.counters()["mine"]["IncomingRecords"] == 3
    assert again.counters()["mine"]["IncomingBytes"] == 6
    assert announced == ["mine"]


def test_given_names(start: Callable[..., Laptop]) -> None:
    laptop = start("a", "b")
    assert list(laptop.streams) == ["a", "b", SUMMARY]
    put(laptop, "b")
    assert (
        refused(laptop, "PutRecord", DeliveryStreamName="c", Record={"Data": "eAo="})[0] == "ResourceNotFoundException"
    )
    assert (
        refused(laptop, "PutRecord", DeliveryStreamName=INGESTION, Record={"Data": "eAo="})[0]
        == "ResourceNotFoundException"
    )


def test_what_was_created_outlives_the_process(start: Callable[..., Laptop]) -> None:
    laptop = start()
    laptop.api.call("CreateDeliveryStream", {"DeliveryStreamName": "a"})
    put(laptop, "a")
    again = start()
    assert "a" in again.streams
    assert again.drain()
    assert again.counters()["a"]["IncomingRecords"] == 1
    assert (
        refused(again, "PutRecord", DeliveryStreamName="b", Record={"Data": "eAo="})[0] == "ResourceNotFoundException"
    )


# What a stream accepted is delivered, and until then its name is not free.
def test_deletion_delivers_first(start: Callable[..., Laptop], tmp_path: Path) -> None:
    laptop = start()
    laptop.api.call("CreateDeliveryStream", {"DeliveryStreamName": "a"})
    put(laptop, "a")
    assert laptop.api.call("DeleteDeliveryStream", {"DeliveryStreamName": "a"}) == {}
    for action in ("DeleteDeliveryStream", "DescribeDeliveryStream"):
        assert refused(laptop, action, DeliveryStreamName="a")[0] == "ResourceNotFoundException"
    assert (
        refused(laptop, "PutRecord", DeliveryStreamName="a", Record={"Data": "eAo="})[0] == "ResourceNotFoundException"
    )
    assert refused(laptop, "CreateDeliveryStream", DeliveryStreamName="a")[0] == "ResourceInUseException"
    again = start()
    assert "a" not in again.streams
    assert again.drain()
    assert list((tmp_path / "log-bucket").rglob("a-1-*"))
    again.api.call("CreateDeliveryStream", {"DeliveryStreamName": "a"})


@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        (None, "Member must not be null"),
        ("", "Member must have length greater than or equal to 1"),
        ("x" * 65, "Member must have length less than or equal to 64"),
        ("a b", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("a\n", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("../a", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("ä", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ],
)
def test_names_that_no_stream_can_have(name: str | None, constraint: str, start: Callable[..., Laptop]) -> None:
    laptop = start()
    message = f"1 validation error detected: Value at 'deliveryStreamName' failed to satisfy constraint: {constraint}"
    for action in ("CreateDeliveryStream", "DescribeDeliveryStream", "DeleteDeliveryStream", "PutRecord"):
        assert refused(laptop, action, DeliveryStreamName=name) == ("ValidationException", message)
    assert list(laptop.streams) == [INGESTION, SUMMARY]
    if name is not None:
        with pytest.raises(SettingsError):
            check_streams([name], [])


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"DeliveryStreamType": "KinesisStreamAsSource"}, "InvalidArgumentException"),
        ({"DeliveryStreamType": "Direct"}, "ValidationException"),
        ({"S3DestinationConfiguration": {}, "SplunkDestinationConfiguration": {}}, "InvalidArgumentException"),
        ({"S3DestinationConfiguration": "x"}, "SerializationException"),
    ],
)
def test_streams_that_cannot_be_created(parameters: Any, code: str, start: Callable[..., Laptop]) -> None:
    assert refused(start(), "CreateDeliveryStream", DeliveryStreamName="a", **parameters)[0] == code


def test_lists_in_parts(start: Callable[..., Laptop]) -> None:
    laptop = start(*[f"s{number:02}" for number in range(12)])

    def listed(**parameters: Any) -> tuple[list[str], bool]:
        answer = laptop.api.call("ListDeliveryStreams", parameters)
        return answer["DeliveryStreamNames"], answer["HasMoreDeliveryStreams"]

    every = sorted([SUMMARY, *[f"s{number:02}" for number in range(12)]])
    assert listed() == (every[:10], True)
    assert listed(ExclusiveStartDeliveryStreamName=every[9]) == (every[10:], False)
    assert listed(Limit=13) == (every, False)
    assert listed(Limit=2, ExclusiveStartDeliveryStreamName="s03") == (["s04", "s05"], True)
    assert listed(DeliveryStreamType="DirectPut", Limit=1) == (every[:1], True)
    assert listed(DeliveryStreamType="MSKAsSource") == ([], False)
    for limit, code in ((0, "ValidationException"), (10_001, "ValidationException"), ("2", "SerializationException")):
        assert refused(laptop, "ListDeliveryStreams", Limit=limit)[0] == code


def test_the_summary_stream_is_not_deleted(start: Callable[..., Laptop]) -> None:
    assert refused(start(), "DeleteDeliveryStream", DeliveryStreamName=SUMMARY)[0] == "ResourceInUseException"
    with pytest.raises(SettingsError, match="takes the counts of this pipeline"):
        check_streams([SUMMARY], [SUMMARY])
