"""redrive where telling what was counted is hard: parts beside fresh records, parked documents, rows, odd places."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamtally.aws.recovery.batches import WaitingBatches
from streamtally.aws.recovery.failed_objects import read_failed
from streamtally.aws.recovery.places import to_place
from streamtally.aws.recovery.redrive import carry_out, plan_redrive
from streamtally.aws.sinks.objects import Folder
from streamtally.local.folder import read_folder
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import Rules, decide
from streamtally.recovery.outcomes import COVERED, GOES_BACK, NO_FAILED, S3_ALONE, STAYS, TOO_RECENT, UNDECIDED
from streamtally.transform.envelope import MAX_ENVELOPE_BYTES, Envelope, encode_envelope
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.record import Record
from streamtally.transform.records import open_record
from streamtally.transform.transform import iter_documents, transform
from tests.system.faults.world import NOW, SEAL, Faults, MemoryEnd, World, make_line

ROWS = Path(__file__).parents[3] / "pipelines" / "rows"


def put_part(world: World, origin: str, statuses: list[int]) -> None:
    """A re-ingested part, with lines of now."""
    body = b"".join(make_line(NOW, status) for status in statuses)
    envelope = encode_envelope(Envelope(origin, "0", NOW - 5_000, 1, False, body), SEAL)
    world.laptop.api.put_record_batch(DeliveryStreamName=INGESTION, Records=[{"Data": envelope}])
    world.accepted.update({("2025-03-01T12:00:00.000", status): statuses.count(status) for status in set(statuses)})


# A batch of fresh records and parts, of which all tries fail after the put: the fresh records are finished under the
# batch's own id, never under a part's, whichever of the ids sorts first.
@pytest.mark.parametrize("seed", range(8))
def test_parts_beside_fresh_records(world: World, seed: int) -> None:
    world.put([(NOW, [200, 404])])
    for number in range(3):
        put_part(world, f"{seed}-{number}", [200, 500])
    world.faults.next = ["error after the put"] * 4
    for _ in range(2):
        world.step(flush=True)
    assert len(list(world.objects.keys("processing-failed/"))) == 1
    planned = world.redrive(world.objects, world.end.batches())
    assert {(outcome, group.count) for (outcome, _), group in planned.decision.groups.items()} == {
        (S3_ALONE, 1),
        (GOES_BACK, 3),
    }
    world.finish()
    world.check()


# Several batches of which all tries fail at one time, their records of one millisecond, in one error file: each run of
# records is told by its digest. Batches of equal lines cannot be told apart, and need not be.
@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("fault", ["error after the put", "throttled"])
def test_batches_of_one_time(tmp_path: Path, fault: str, equal: bool) -> None:
    world = World(tmp_path, MemoryEnd(), NOW, Faults(1), buffer_bytes=300)
    world.max_failed_tries = 4
    world.put([(NOW - (0 if equal else 1_000 * n), [200, 404]) for n in range(12)])
    world.faults.next = [fault] * 4 * 12
    world.step(flush=True)
    batches = len(world.events)
    assert batches > 5
    for _ in range(2):
        world.now += 20_000
        world.laptop.streams[SUMMARY].step(world.now, True)
    planned = world.redrive(world.objects, world.end.batches())
    assert planned.decision.batches_found == (0 if fault == "throttled" else batches)
    assert (planned.decision.records, planned.decision.undecided) == (12, [])
    world.finish()
    world.check()
    world.laptop.close()


# Of such a batch only parts had been put: the fresh records count as new, the parts overwrite themselves.
def test_parts_alone_were_put(world: World) -> None:
    assert isinstance(world.end, MemoryEnd)
    world.put([(NOW, [200, 404])])
    put_part(world, "one", [200, 500])
    world.faults.next = ["error after the put"] * 4
    for _ in range(2):
        world.step(flush=True)
    fresh = [
        name
        for name, document in world.end.documents.items()
        if document["tally"]["state"]["rows"] and is_404(document)
    ]
    batch = world.end.documents[fresh[0]]["tally"]["batch_id"]
    for name in [name for name, document in world.end.documents.items() if document["tally"]["batch_id"] == batch]:
        del world.end.documents[name]
    planned = world.redrive(world.objects, world.end.batches())
    assert (planned.decision.batches_found, planned.decision.records) == (0, 2)
    world.finish()
    world.check()


def is_404(document: Any) -> bool:
    return bool(document["status"] == 404)


# Everything of a failed batch was parked, or lies where OpenSearch refused it: the index does not know it, and it will
# count as soon as it is put. Its lines go to S3 alone, whichever of the two is put first.
@pytest.mark.parametrize("first", ["redelivered", "redriven"])
@pytest.mark.parametrize("how", ["parked", "refused"])
def test_documents_that_wait(world: World, how: str, first: str) -> None:
    world.put([(NOW, [200, 404]), (NOW, [500])])
    fail_all(world, how)
    assert world.end.counts().total() == 0
    if first == "redelivered":
        settle_waiting(world, how)
    planned = world.redrive(world.objects, world.end.batches())
    assert (planned.decision.batches_found, planned.decision.undecided) == (1, [])
    settle_waiting(world, how)
    world.finish()
    world.check()


def fail_all(world: World, how: str) -> None:
    """The four tries of a batch fail, and its documents wait: parked, or refused."""
    end = world.end
    assert isinstance(end, MemoryEnd)
    if how == "parked":
        world.faults.next = ["error after the put", "put refused", *["throttled"] * 3]
    else:
        world.faults.next = ["error after the put"] * 4
    world.step(flush=True)
    if how == "refused":
        world.step(flush=True)
        lines = [{"rawData": base64.b64encode(orjson.dumps(document)).decode()} for document in end.documents.values()]
        end.documents.clear()
        text = b"".join(orjson.dumps({**line, "errorMessage": "no room"}) + b"\n" for line in lines)
        Folder.put(world.failed_objects, "AmazonOpenSearchService_failed/2025/03/01/12/x", gzip.compress(text))
    assert len(list(world.objects.keys("processing-failed/"))) == 1
    assert len(list(world.failed_objects.keys(""))) == 1


def settle_waiting(world: World, how: str) -> None:
    if how == "parked":
        world.redeliver()
    else:
        world.redrive(world.failed_objects, None)
    world.step(flush=True)


# What failed a moment ago may be on its way to the index: it stays, and goes back when it can be told. What is there
# already is finished at once.
def test_too_recent(world: World) -> None:
    world.put([(NOW, [200, 404])])
    world.faults.next = ["error before the put"] * 4
    world.step(flush=True)
    rules = Rules(world.pipeline, world.end.batches(), known_until=NOW - 1, seal=SEAL)
    planned = plan_redrive(world.objects, rules, world.failed_objects)
    assert (planned.decision.stays, planned.is_empty) == ({TOO_RECENT: 1}, True)
    carry_out(world.objects, planned, world.laptop.api, INGESTION, SUMMARY)
    later = plan_redrive(world.objects, Rules(world.pipeline, world.end.batches(), known_until=NOW, seal=SEAL), None)
    assert later.decision.records == 1
    world.finish()
    world.check()


# Nobody said where parked documents lie: what the index does not know is undecided, never guessed.
def test_unknown_parking(world: World) -> None:
    world.put([(NOW, [200])])
    world.faults.next = ["error before the put"] * 4
    world.step(flush=True)
    decision = plan_redrive(
        world.objects, Rules(world.pipeline, world.end.batches(), unknown=NO_FAILED, seal=SEAL)
    ).decision
    assert [(outcome, why) for outcome, why in decision.groups] == [(UNDECIDED, NO_FAILED)]


# --- rows


def rows_pipeline() -> Pipeline:
    return load_pipeline(read_folder(ROWS), ZoneInfo)


def failed_batch(records: int) -> tuple[list[FailedRecord], list[bytes]]:
    """A batch whose tries failed, equal lines among it, and the documents that the last one had put."""
    lines = [make_line(NOW, 200 + number // 2) * 2 for number in range(records)]
    made = [Record(f"id-{n}", f"id-{n}", NOW, NOW, "", line, line) for n, line in enumerate(lines)]
    raw = [base64.b64encode(line).decode() for line in lines]
    failed = [FailedRecord("processing-failed/x", n, NOW, NOW, "Lambda.FunctionError", raw[n]) for n in range(records)]
    return failed, list(iter_documents(transform(rows_pipeline(), made).deliveries))


# A batch of row documents that was put in part: what is missing is put, and no row that is there a second time, though
# the error file does not know the ids that they have. Done again, the same.
@pytest.mark.parametrize("seed", range(6))
def test_rows_are_put_once(seed: int) -> None:
    random = Random(seed)
    failed, documents = failed_batch(6)
    there = random.sample(documents, random.randint(1, len(documents)))
    index = {orjson.loads(document)["tally"]["row_id"]: document for document in there}
    for _ in range(2):
        decision = decide(failed, Rules(rows_pipeline(), WaitingBatches(index.values())))
        assert decision.batches_found == 1
        index |= {orjson.loads(document)["tally"]["row_id"]: document for _, document in decision.documents}
        assert len(index) == len(documents)
    said = [
        sorted(columns(document) for document in documents),
        sorted(columns(document) for document in index.values()),
    ]
    assert said[0] == said[1]


def columns(document: bytes) -> str:
    return json.dumps({name: value for name, value in json.loads(document).items() if name != "tally"})


# Rows that another plan made cannot be told from those that are missing: undecided.
def test_rows_of_another_plan() -> None:
    failed, documents = failed_batch(2)
    other = [
        {**json.loads(document), "tally": {**json.loads(document)["tally"], "plan_id": "0" * 32}}
        for document in documents
    ]
    decision = decide(failed, Rules(rows_pipeline(), WaitingBatches(map(orjson.dumps, other))))
    assert (len(decision.undecided), decision.documents) == (2, [])


# --- places and sizes

GOOD = make_line(NOW, 200)


def error_line(data: bytes, code: str = "Lambda.ProcessingFailedStatus") -> bytes:
    line = {"arrivalTimestamp": NOW, "attemptEndingTimestamp": NOW, "errorCode": code}
    return orjson.dumps({**line, "rawData": base64.b64encode(data).decode()}) + b"\n"


# The template's own prefixes (logs/ before the hour), others, and each of them given alone: the same records, with the
# same identities, so that whoever gives another part of the bucket the next time counts nothing twice.
@pytest.mark.parametrize("below", ["", "logs", "processing-failed", "logs/2025", "errors"])
def test_prefixes(tmp_path: Path, below: str) -> None:
    bucket = Folder(tmp_path)
    name = "log-ingestion-stream-1-2025-03-01-12-00-00-0c7a"
    unparsed = orjson.dumps({"unparsed": GOOD.decode().strip(), "reason": "x"}) + b"\n"
    bucket.put(f"logs/2025/03/01/12/{name}.gz", gzip.compress(b"{}\n" + unparsed))
    bucket.put(f"processing-failed/2025/03/01/12/{name}", error_line(GOOD))
    bucket.put(f"errors/processing-failed/2025/03/01/13/{name}", gzip.compress(error_line(GOOD)))
    bucket.put("notes/readme.txt", unparsed)
    bucket.put("logs/2025/13/77/12/no-hour", unparsed)
    problems: list[str] = []
    whole = {record.identity for record in read_failed(bucket, problems)}
    assert whole == {
        f"2025/03/01/12/{name}.gz#1",
        f"processing-failed/2025/03/01/12/{name}#0",
        f"processing-failed/2025/03/01/13/{name}#0",
    }
    records = list(read_failed(Folder(tmp_path / below), problems))
    assert len(records) == (3 if not below else 1)
    assert {record.identity for record in records} <= whole
    assert {record.arrival for record in records} == {NOW}
    assert problems == []


# What went back from a prefix given alone is known as gone there.
def test_markers_below_a_prefix(tmp_path: Path, world: World) -> None:
    logs = Folder(tmp_path / "bucket" / "logs")
    unparsed = orjson.dumps({"unparsed": GOOD.decode().strip(), "reason": "x"}) + b"\n"
    logs.put("2025/03/01/12/one", unparsed * 2)
    for expected in (2, 0):
        planned = plan_redrive(logs, Rules(world.pipeline, seal=SEAL))
        assert planned.decision.records == expected
        carry_out(logs, planned, world.laptop.api, INGESTION, SUMMARY)
    assert list(logs.keys("redriven/")) == ["redriven/2025/03/01/12/one"]


@pytest.mark.parametrize(
    "path, kind",
    [
        ("processing-failed/2025/03/01/12/x", "failed"),
        ("errors-processing-failed/2025/03/01/12/x", "failed"),
        ("AmazonOpenSearchService_failed/2025/x", "refused"),
        ("AmazonOpenSearchService-failed/2025/x", "refused"),
        ("elasticsearch-failed/2025/x", "refused"),
        ("undelivered/s/2025/03/01/12/x.jsonl.gz", "parked"),
        ("redriven/2025/03/01/12/x", "redriven"),
        ("2025/03/01/12/x", "delivered"),
        ("logs/year=2025/month=03/s-1-2025-03-01-12-00-00-0c7a", "delivered"),
        ("my-undelivered/s/x", None),
        ("logs/x", None),
    ],
)
def test_kinds(path: str, kind: str | None) -> None:
    place = to_place("", path)
    assert (place.kind if place else None) == kind


# A record as large as Firehose takes does not fit into an envelope whole: its lines go, in parts; none that cannot be
# cut keeps others from going.
def test_large_records(world: World) -> None:
    random = Random(1)
    lines = b""
    while len(lines) < 1_023_000:
        agent = random.randbytes(300).hex()
        lines += f'192.0.2.7 - - [01/Mar/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "{agent}"\n'.encode()
    packed = random.randbytes(400).hex() * 10
    count = lines.count(b"\n")
    key = "processing-failed/2025/03/01/12/one"
    incompressible = gzip.compress(b"".join(random.randbytes(511_000).hex().encode() for _ in range(3)))
    Folder.put(world.objects, key, error_line(lines) + error_line(incompressible) + error_line(GOOD) + packed.encode())
    planned = world.redrive(world.objects, None)
    assert all(len(envelope) <= MAX_ENVELOPE_BYTES for _, envelope in planned.decision.envelopes)
    assert planned.decision.records == 2
    assert planned.decision.stays.total() == 1
    world.accepted["2025-03-01T12:00:00.000", 200] += count + 1
    world.finish(redrives=False)
    assert world.end.counts() == world.accepted


# A batch of which the error files have not all records: what is there is undecided, and says why.
def test_records_missing() -> None:
    lines = [GOOD, make_line(NOW, 404)]
    made = [open_record(f"{n}", base64.b64encode(line).decode(), NOW) for n, line in enumerate(lines)]
    pipeline = load_pipeline(read_folder(None), ZoneInfo)
    known = WaitingBatches(iter_documents(transform(pipeline, made).deliveries))
    failed = FailedRecord("processing-failed/x", 0, NOW, NOW, "Lambda.FunctionError", made[0].raw)
    decision = decide([failed], Rules(pipeline, known))
    assert [(outcome, why) for outcome, why in decision.groups] == [(UNDECIDED, COVERED)]
    assert decide([failed], Rules(pipeline, known, count_undecided=True)).undecided == []
    assert STAYS not in {outcome for outcome, _ in decision.groups}
