"""The simulator of Firehose: limits, buffering, retries, S3 and OpenSearch sides, and a state that outlives kill -9."""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.sinks.objects import Folder
from streamtally.errors import SettingsError, SinkError
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import InProcessFunction, Laptop
from streamtally.local.simulator.errors import ApiError
from streamtally.local.simulator.journal import Journal
from streamtally.local.simulator.parts import ForS3, FunctionTimedOutError, StreamSettings
from streamtally.local.simulator.s3_side import S3Side
from streamtally.local.simulator.sinks import StoreSink
from streamtally.local.store import DuckDbStore
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.transform.pipeline import load_pipeline
from tests.system.conformance.contract import events

NOW = events.ARRIVAL_MS


class World:
    """A laptop with a clock of its own, an embedded store, and switches for faults."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.pipeline = load_pipeline(read_folder(None), ZoneInfo)
        self.store = DuckDbStore(folder / "store.duckdb")
        self.real = InProcessFunction(self.pipeline, lambda: self.now)
        self.calls: list[dict[str, Any]] = []
        self.faults: list[BaseException | None] = []
        self.laptop = Laptop(folder, self.call, {SUMMARY: StoreSink(self.store)}, now=lambda: self.now)
        self.real.client = self.laptop.api

    def call(self, event: dict[str, Any]) -> Any:
        self.calls.append(event)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return self.real(event)

    def put(self, *payloads: bytes) -> Any:
        records = [{"Data": base64.b64encode(payload).decode()} for payload in payloads]
        return self.laptop.api.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": records})

    def count(self) -> int:
        output = next(iter(self.pipeline.outputs.values()))
        return sum(int(document["statusCount"]) for document in self.store.documents(output))

    def objects(self, prefix: str = "") -> list[tuple[str, bytes]]:
        bucket = self.laptop.objects
        keys = list(bucket.keys(""))
        return [(key, bucket.get(key)) for key in keys if key.startswith("processing-failed/") == bool(prefix)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.laptop.close()
    world.store.close()


# What goes in comes out: counted once, as JSON under the prefix of its hour, with one answer entry a record.
def test_lines_to_objects_and_counts(world: World) -> None:
    answer = world.put(*(events.line(n) + b"\n" for n in range(30)))
    assert world.laptop.drain()

    assert answer["FailedPutCount"] == 0
    assert len({entry["RecordId"] for entry in answer["RequestResponses"]}) == 30
    [(key, data)] = world.objects()
    assert key.startswith("2025/03/01/00/log-ingestion-stream-1-2025-03-01-00-00-00-")
    assert [json.loads(line)["response"] for line in data.splitlines()] == [200] * 30
    assert world.count() == 30
    counters = world.laptop.counters()[INGESTION]
    assert (
        counters["IncomingRecords"] == counters["SucceedProcessing.Records"] == counters["DeliveryToS3.Records"] == 30
    )


# A batch waits for its size or its interval, and no longer.
def test_buffering(world: World) -> None:
    world.put(events.LINE)
    world.now += 1_999
    world.laptop.step()
    assert world.calls == []
    world.now += 1
    world.laptop.step()
    assert len(world.calls) == 1
    world.put(*[events.LINE * 5_000] * 3)  # over a megabyte
    world.laptop.step()
    assert len(world.calls) == 2  # the first two fill a buffer, the third waits for more


# Requests past AWS's limits are refused with AWS's errors, and nothing of them is kept.
@pytest.mark.parametrize(
    "request_, code",
    [
        ({"Records": [{"Data": "QQ=="}] * 501}, "ValidationException"),
        ({"Records": []}, "ValidationException"),
        ({"Records": [{"Data": base64.b64encode(b"x" * 1_024_001).decode()}]}, "ValidationException"),
        ({"Records": [{"Data": base64.b64encode(b"x" * 1_000_000).decode()}] * 5}, "InvalidArgumentException"),
        ({"Records": [{"Data": "%%%"}]}, "SerializationException"),
        ({"Records": [{"Data": 5}]}, "ValidationException"),
        ({"Records": [{"Data": "QQ=="}], "DeliveryStreamName": "../x"}, "ValidationException"),
        ({"Records": "QQ=="}, "ValidationException"),
    ],
)
def test_limits(world: World, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        world.laptop.api.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, **request_})
    assert caught.value.code == code
    assert world.laptop.streams[INGESTION].is_idle


# A function that fails is called again with the very same records; after three retries they lie raw in S3.
def test_retries_end_in_processing_failed(world: World) -> None:
    world.faults = [ValueError("no"), FunctionTimedOutError(), ValueError("no"), ValueError("no")]
    world.put(events.LINE, events.line(2))
    assert world.laptop.drain()

    assert len(world.calls) == 4
    assert all(call["records"] == world.calls[0]["records"] for call in world.calls)
    [(key, data)] = world.objects("processing-failed/")
    lines = [json.loads(line) for line in data.splitlines()]
    assert key.startswith("processing-failed/2025/03/01/00/")
    assert [base64.b64decode(line["rawData"]) for line in lines] == [events.LINE, events.line(2)]
    assert {line["attemptsMade"] for line in lines} == {4}
    assert {line["errorCode"] for line in lines} == {"Lambda.FunctionError"}


# Answers that are no answers: each record that does not come back exactly once has failed, none is lost.
@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"records": []},
        {"records": [{"recordId": "x", "result": "Ok", "data": ""}]},
        {"records": [{"recordId": ["x"], "result": ["Ok"], "data": {}}]},
        {"records": ["x", None, 1]},
        {"records": [], "more": "\ud800"},
        {"records": {1, 2}},
        {"records": "no"},
        None,
    ],
)
def test_bad_answers(world: World, answer: Any) -> None:
    world.call = lambda event: answer  # type: ignore[method-assign]
    world.laptop.streams[INGESTION]._function = lambda event: answer
    world.put(events.LINE)
    assert world.laptop.drain()
    [(_, data)] = world.objects("processing-failed/")
    assert base64.b64decode(json.loads(data)["rawData"]) == events.LINE


# An answer past 6 MB fails the batch, as Lambda does.
def test_answer_too_large(world: World) -> None:
    def grow(event: dict[str, Any]) -> Any:
        return {"records": [{**record, "result": "Ok", "data": "QUFB" * 2_000_000} for record in event["records"]]}

    world.laptop.streams[INGESTION]._function = grow
    world.put(events.LINE)
    assert world.laptop.drain()
    [(_, data)] = world.objects("processing-failed/")
    assert "exceeds the maximum" in json.loads(data)["errorMessage"]


# The state of another version, or a file that is none, is refused in words, and left as it is.
def test_foreign_state(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    database.execute("INSERT INTO meta VALUES ('origin', '1')")
    database.commit()
    database.close()
    with pytest.raises(SettingsError, match=r"journal.db: was written by another version"):
        Journal(path)
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(SettingsError, match=r"journal.db: cannot be used as the simulator's state"):
        Journal(path)
    assert path.read_bytes() == b"no database" * 1_000


# What waits long for S3 goes out as objects of the buffer's size, each once, whatever fails in between.
def test_objects_have_the_buffers_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.db")
    settings = StreamSettings("s", s3_bytes=1_000)
    folder = Folder(tmp_path / "bucket")
    for number in range(25):
        journal.append("s", [[b"x"]], NOW, {})
        batch = journal.make_batch("s", journal.waiting("s"))
        journal.finish("s", batch, [ForS3("", 1, b"%04d" % number * 25)], NOW, {})
    put, outcomes = Folder.put, iter([True, False, False, True])

    def unsteady(self: Folder, key: str, data: bytes) -> None:
        if not next(outcomes, True):
            raise SinkError("SlowDown")
        put(self, key, data)

    monkeypatch.setattr(Folder, "put", unsteady)
    written = []
    for _ in range(4):
        S3Side(settings, journal, folder).write_due(NOW, flush=False)
        written.append(len(list(folder.keys())))
    assert written == [1, 1, 2, 2]  # the last half waits for more
    S3Side(settings, journal, folder).write_due(NOW, flush=True)
    data = [folder.get(key) for key in sorted(folder.keys())]
    assert sorted(map(len, data)) == [500, 1_000, 1_000]
    assert sorted(b"".join(data)[at : at + 4] for at in range(0, 2_500, 100)) == [b"%04d" % n for n in range(25)]
    assert journal.counters("s")["DeliveryToS3.Records"] == 25
    journal.close()


# S3 refuses for a while: nothing is lost, and there is one object in the end.
def test_objects_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put(events.LINE)
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise SinkError("SlowDown")

        patch.setattr(Folder, "put", refuse)
        assert not world.laptop.drain(3)
    assert world.laptop.drain()
    assert len(world.objects()) == 1
    assert world.count() == 1


# The second stream's end refuses: again until the retry duration is over, then the document lies in the error prefix.
def test_documents_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(DuckDbStore, "put", refuse)
    world.put(events.LINE)
    world.laptop.drain(3)
    assert list(world.laptop.failed_objects.keys()) == []
    world.now += 301_000
    assert world.laptop.drain()
    [key] = world.laptop.failed_objects.keys()
    line = json.loads(world.laptop.failed_objects.get(key))
    assert key.startswith("AmazonOpenSearchService_failed/")
    assert "partial_id" in json.loads(base64.b64decode(line["rawData"]))["tally"]


# A folder that stands for a bucket keeps every key inside.
@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/x", ""])
def test_keys_stay_inside(tmp_path: Path, key: str) -> None:
    with pytest.raises(SinkError, match="outside"):
        Folder(tmp_path / "bucket").put(key, b"")


# --- over HTTP, as a process of its own


class Process:
    def __init__(self, store: Path, *options: str, port: int = 0, env: dict[str, str] | None = None) -> None:
        call = [sys.executable, "-m", "streamtally.cli.main", "local", "--port", str(port), "--store", str(store)]
        self.process = subprocess.Popen([*call, *options], stderr=subprocess.PIPE, text=True, env=env)
        assert self.process.stderr
        line = self.process.stderr.readline()
        assert "http://" in line, line
        self.url = line.split("http://")[1].split(",")[0]
        self.url = f"http://{self.url}"

    def call(self, action: str, body: bytes | dict[str, Any]) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-Amz-Target": f"Firehose_20150804.{action}", "Content-Type": "application/x-amz-json-1.1"}
        return self.fetch(urllib.request.Request(self.url, data, headers, method="POST"))

    def fetch(self, request: Any) -> tuple[int, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def counted(self) -> int:
        return sum(document["statusCount"] for document in self.fetch(f"{self.url}/counts")[1])

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(60)
        assert self.process.stderr
        self.process.stderr.close()


def wait_for(wanted: int, process: Process) -> None:
    end = time.monotonic() + 60
    while process.counted() != wanted:
        assert time.monotonic() < end, process.counted()
        time.sleep(0.2)


# Killed with -9 right after its answers, and started again: everything that was acknowledged is counted, once.
@pytest.mark.large
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    process = Process(tmp_path)
    record = {"Data": base64.b64encode(events.LINE + b"\n").decode()}
    put = 0
    for round_ in range(3):
        for _ in range(20):
            status, answer = process.call("PutRecordBatch", {"DeliveryStreamName": INGESTION, "Records": [record] * 25})
            assert (status, len(answer["RequestResponses"])) == (200, 25)
            put += 25
        if round_ < 2:
            time.sleep(1.1 * round_)
            process.end(signal.SIGKILL)
            process = Process(tmp_path)
    try:
        wait_for(put, process)
        time.sleep(1)
        assert process.counted() == put
    finally:
        process.end(signal.SIGTERM)


# Two processes on one state would each deliver what the other does: the second is refused in one line.
@pytest.mark.large
def test_one_process_a_store(tmp_path: Path) -> None:
    process = Process(tmp_path)
    try:
        call = [sys.executable, "-m", "streamtally.cli.main", "local", "--port", "0", "--store", str(tmp_path)]
        second = subprocess.run(call, capture_output=True, text=True, timeout=30, check=False)
        refusal = f"streamtally: --store {tmp_path}: in use by another streamtally local\n"
        assert (second.returncode, second.stderr) == (2, refusal)
    finally:
        process.end(signal.SIGTERM)


# Malformed requests get AWS's error shapes, and the endpoint goes on; boto3 can put to it.
@pytest.mark.large
def test_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(tmp_path)
    try:
        assert process.call("PutRecordBatch", b"{")[1]["__type"] == "SerializationException"
        assert process.call("PutRecordBatch", b"[" * 100_000)[1]["__type"] == "SerializationException"
        assert process.call("Nonsense", {})[1]["__type"] == "UnknownOperationException"
        assert process.call("PutRecord", {"DeliveryStreamName": "x"})[1]["__type"] == "ValidationException"
        described = process.call("DescribeDeliveryStream", {"DeliveryStreamName": "x"})
        assert described[1]["__type"] == "ResourceNotFoundException"
        assert process.call("PutRecordBatch", b" " * 9_000_000)[0] == 413
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        import boto3

        client = boto3.client(
            "firehose",
            endpoint_url=process.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        assert client.put_record(DeliveryStreamName=INGESTION, Record={"Data": events.LINE})["RecordId"]
        answer = client.put_record_batch(DeliveryStreamName=INGESTION, Records=[{"Data": events.LINE}] * 3)
        assert len(answer["RequestResponses"]) == 3
        described = client.describe_delivery_stream(DeliveryStreamName=INGESTION)["DeliveryStreamDescription"]
        assert described["DeliveryStreamStatus"] == "ACTIVE"
        wait_for(4, process)
    finally:
        process.end(signal.SIGTERM)
