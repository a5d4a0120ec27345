"""``framing = "single"`` from the handler to a delivery stream: what goes back is one line a record."""

from __future__ import annotations

import base64
import importlib
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamtally.aws import clients
from streamtally.transform.envelope import MAGIC
from tests.integration.moto.conftest import World
from tests.unit.transform.test_framing import LINE, _document

CONTEXT: Any = SimpleNamespace(
    function_name="firehose-transform",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:firehose-transform",
    aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
    get_remaining_time_in_millis=lambda: 60_000,
)


@pytest.fixture
def handler(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function with a pipeline of single lines, its SDK pointed at moto's server, which delivers to a bucket."""
    world.client("s3").create_bucket(Bucket="log-bucket")
    document = tmp_path / "pipeline.json"
    document.write_text(json.dumps(_document("single")))
    for name, value in {"PIPELINE": str(document), "SUMMARY_STREAM": world.stream}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    clients.firehose_client.cache_clear()
    clients.kinesis_client.cache_clear()
    logging.Logger.manager.loggerDict.pop("firehose-transform", None)
    sys.modules.pop("functions.firehose_transform.app", None)
    yield importlib.import_module("functions.firehose_transform.app").handler
    clients.firehose_client.cache_clear()
    clients.kinesis_client.cache_clear()


def _event(world: World, *payloads: bytes) -> dict[str, Any]:
    records = [
        {"recordId": f"r{n}", "approximateArrivalTimestamp": 1504860425000, "data": base64.b64encode(payload).decode()}
        for n, payload in enumerate(payloads)
    ]
    arn = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{world.stream}"
    return {"invocationId": "i", "deliveryStreamArn": arn, "region": "us-east-1", "records": records}


def _put(world: World) -> list[bytes]:
    """The envelopes in the stream's bucket; moto writes an object a put record or batch, one after the other."""
    s3, content_bytes = world.client("s3"), b""
    for content in s3.list_objects_v2(Bucket="log-bucket").get("Contents", []):
        if world.stream in content["Key"]:
            content_bytes += s3.get_object(Bucket="log-bucket", Key=content["Key"])["Body"].read()
    return [MAGIC + part for part in content_bytes.split(MAGIC)[1:]]


def test_a_record_of_several_lines_is_put_back_line_by_line(world: World, handler: Any) -> None:
    """Handler, PutRecordBatch, and the handler again on what was put: three lines are three documents."""
    payload = f"{LINE}\n{LINE} two\n{LINE} three\n".encode()
    answer = handler(_event(world, payload, LINE.encode()), CONTEXT)
    assert [record["result"] for record in answer["records"]] == ["Dropped", "Ok"]
    put = _put(world)
    assert len(put) == 3
    again = handler(_event(world, *put), CONTEXT)
    documents = [base64.b64decode(record["data"]) for record in again["records"]]
    assert [record["result"] for record in again["records"]] == ["Ok"] * 3
    assert all(b"\n" not in document for document in documents)
    assert [json.loads(document)["response"] for document in documents] == [200] * 3


def test_from_a_data_stream_the_lines_go_back_into_that_stream(world: World, handler: Any) -> None:
    """PutRecords, not the delivery stream, which takes no puts then; read again, each line is a document."""
    kinesis = world.client("kinesis")
    name = f"lines-{world.stream}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    source = f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"
    payload = f"{LINE}\n{LINE} two\n{LINE} three\n".encode()
    answer = handler(_from_data_stream(world, source, payload, LINE.encode()), CONTEXT)
    assert [record["result"] for record in answer["records"]] == ["Dropped", "Ok"]
    shard = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    put = [record["Data"] for record in kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]]
    assert len(put) == 3
    assert all(data.startswith(MAGIC) for data in put)
    again = handler(_from_data_stream(world, source, *put), CONTEXT)
    assert [record["result"] for record in again["records"]] == ["Ok"] * 3
    assert all(b"\n" not in base64.b64decode(record["data"]) for record in again["records"])


def _from_data_stream(world: World, source: str, *payloads: bytes) -> dict[str, Any]:
    event = _event(world, *payloads)
    for number, record in enumerate(event["records"]):
        record["kinesisRecordMetadata"] = {
            "shardId": "shardId-000000000000", "partitionKey": "p", "sequenceNumber": f"4967{number:052d}",
            "subsequenceNumber": "", "approximateArrivalTimestamp": 1504860425000,
        }  # fmt: skip
    return {**event, "sourceKinesisStreamArn": source}
