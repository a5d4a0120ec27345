"""The whole pipeline in one process with a clock of its own, and faults that are drawn from a seed.

Everything is the real code: the transform, putting and parking, the simulated streams with their journal. Faults come
in where AWS would make them: around the invocation, in the client's answers, at the second stream's end, in S3, and as
a crash that leaves nothing of a process but its files.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from random import Random
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson

from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.recovery.batches import WaitingBatches
from streamtally.aws.recovery.failed_objects import read_plain
from streamtally.aws.recovery.redrive import Planned, carry_out, plan_redrive
from streamtally.aws.sinks.firehose import Clock, put_documents
from streamtally.aws.sinks.objects import Folder, ObjectStore
from streamtally.aws.sinks.parking import put_or_park, redeliver
from streamtally.errors import SinkError
from streamtally.local.folder import read_folder
from streamtally.local.pipeline import Buffering, Laptop
from streamtally.local.simulator.journal import StoredRecord
from streamtally.local.simulator.parts import FunctionTimedOutError, Refusal, Sink
from streamtally.local.stream_names import INGESTION, SUMMARY
from streamtally.recovery.batches import Batches
from streamtally.recovery.decide import Rules
from streamtally.times.iso import to_iso
from streamtally.transform.envelope import Seal
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.transform import Delivery

NOW = 1_740_830_400_000  # 2025-03-01T12:00:00Z
STATUSES = (200, 200, 200, 301, 404, 500)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MAX_REDRIVES = 5
SEAL = Seal(b"a secret of the tests, 32 or more")
ONE_TRY = Clock(monotonic=lambda: 0.0, uniform=lambda low, high: inf)
"""A clock by which no time is left for a second try."""
BROKEN = b"no line of a log\n"
Counts = Counter[tuple[str, int]]
"""(window start, status) → lines."""


class Killed(BaseException):
    """The process is gone: nothing catches this but the world."""


class End(Protocol):
    """Where the second stream ends, with settling."""

    def sink(self) -> Sink: ...

    def settle(self, now_ms: int) -> None: ...

    def counts(self) -> Counts: ...

    def batches(self) -> Batches:
        """What it knows of batches, now."""


class Faults:
    """Which faults happen: by chance, each with its share, or exactly the ones that are asked for next."""

    def __init__(self, seed: int = 0, shares: Mapping[str, float] | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.shares = dict(shares or {})
        self.next: list[str] = []
        self.injected: Counter[str] = Counter()
        self.paused = False

    def strikes(self, *names: str) -> str:
        """The fault that strikes here, of these; empty: none."""
        if self.paused:
            return ""
        for name in names:
            if self.next and self.next[0] == name:
                self.next.pop(0)
                self.injected[name] += 1
                return name
        for name in names:
            if self.random.random() < self.shares.get(name, 0.0):
                self.injected[name] += 1
                return name
        return ""


class FaultyClient:
    """PutRecordBatch that is throttled, fails in part, or takes everything and loses its answer."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Any]) -> Any:
        faults, api = self._world.faults, self._world.laptop.api
        fault = faults.strikes("put refused", "put in part", "put answer lost", "crash in put")
        if fault == "put refused":
            raise ConnectionError("no answer")
        if fault == "put in part":
            # Never none and, of several, never all: those are other faults.
            bad = set(faults.random.sample(range(len(Records)), faults.random.randint(1, max(1, len(Records) - 1))))
            good = [record for place, record in enumerate(Records) if place not in bad]
            if good:
                api.put_record_batch(DeliveryStreamName=DeliveryStreamName, Records=good)
            entries = [
                {"ErrorCode": "ServiceUnavailableException"} if place in bad else {"RecordId": "1"}
                for place in range(len(Records))
            ]
            return {"FailedPutCount": len(bad), "RequestResponses": entries}
        answer = api.put_record_batch(DeliveryStreamName=DeliveryStreamName, Records=Records)
        if fault == "put answer lost":
            raise ConnectionError("the connection broke")
        if fault == "crash in put":
            raise Killed
        return answer


class FaultySink:
    """The second stream's end: away, slow, refusing one document or half of them, or losing its answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sink = world.end.sink()
        self.index = self._sink.index

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        faults = self._world.faults
        fault = faults.strikes("end away", "end throttles", "end refuses one", "end answer lost", "crash in delivery")
        if fault == "end away":
            raise SinkError("503")
        if fault == "end throttles":
            bad = [place for place in range(len(records)) if faults.random.random() < 0.5]
            good = [place for place in range(len(records)) if place not in set(bad)]
            more = self._sink.write([records[place] for place in good]) if good else []
            return [Refusal(place, 429, "rejected") for place in bad] + [
                Refusal(good[refusal.position], refusal.status, refusal.reason) for refusal in more
            ]
        if fault == "end refuses one":
            more = self._sink.write(records[1:]) if len(records) > 1 else []
            return [Refusal(0, 400, "mapper")] + [Refusal(e.position + 1, e.status, e.reason) for e in more]
        refusals = self._sink.write(records)
        if fault == "end answer lost":
            raise SinkError("timeout")
        if fault == "crash in delivery":
            raise Killed
        return refusals


class FaultyObjects(Folder):
    """S3 that refuses, or takes the object and the process dies."""

    def __init__(self, world: World, root: Path, keep: bool) -> None:
        super().__init__(root)
        self._world = world
        self._keep = keep
        self.delivered = DeliveredLines()

    def put(self, key: str, data: bytes) -> None:
        fault = self._world.faults.strikes("objects refused", "crash after object")
        if fault == "objects refused":
            raise SinkError("SlowDown")
        if self._keep or key.startswith(("processing-failed/", "undelivered/")):
            super().put(key, data)
        if key[:1].isdigit():
            self.delivered.add(key, data)
        if fault == "crash after object":
            raise Killed


class World:
    """Streams, function, end and clock. Args: keep_lines: whether delivered objects are kept, or only counted."""

    def __init__(
        self,
        folder: Path,
        end: End,
        now_ms: int,
        faults: Faults,
        buffer_bytes: int = 1_000_000,
        keep_lines: bool = True,
    ) -> None:
        self.folder = folder
        self.now = now_ms
        self.end = end
        self.faults = faults
        self.pipeline = line_id_pipeline()
        self.ledger = Ledger()
        self.imbalances: list[str] = []
        self.accepted: Counts = Counter()
        self.accepted_lines = 0
        self.broken_lines = 0
        self.tries: Counter[str] = Counter()
        self.events: dict[str, dict[str, Any]] = {}
        """The events that the function was called with, by invocation, for those who call it once more."""
        self.max_failed_tries = 3
        self.went_round: set[str] = set()
        """Invocations that put records back; of such a batch redrive cannot tell, so its last try goes well."""
        self.redriven: Counter[str] = Counter()
        self.objects = FaultyObjects(self, folder / "log-bucket", keep_lines)
        self.failed_objects = FaultyObjects(self, folder / "log-summary-failed", True)
        self._buffering = Buffering(buffer_bytes=buffer_bytes)
        self.laptop = self._open()

    def _open(self) -> Laptop:
        sinks = {SUMMARY: FaultySink(self)}
        objects: tuple[ObjectStore, ObjectStore] = (self.objects, self.failed_objects)
        return Laptop(self.folder, self._call, sinks, self._buffering, lambda: self.now, *objects)

    # --- what comes in

    def put(self, records: Iterable[tuple[int, Sequence[int]]], broken: int = 0) -> None:
        """Put records: (event time in ms, statuses of its lines), and lines that do not parse into the first."""
        payloads = []
        for time_ms, statuses in records:
            lines = {status: make_line(time_ms, status) for status in set(statuses)}
            payloads.append(b"".join([lines[status] for status in statuses]))
            window = to_iso(time_ms - time_ms % 60_000)[:-1]
            for status, count in Counter(statuses).items():
                self.accepted[window, status] += count
            self.accepted_lines += len(statuses)
        if broken:
            payloads[0] += BROKEN * broken
            self.broken_lines += broken
        self.laptop.api.put_record_batch(
            DeliveryStreamName=INGESTION, Records=[{"Data": payload} for payload in payloads]
        )

    # --- what moves

    def step(self, flush: bool = False) -> None:
        """One step of every stream; a crash inside leaves what is in the files."""
        try:
            self.laptop.step(flush)
        except Killed:
            self.restart()

    def restart(self) -> None:
        """The process again, from its files."""
        self.laptop.journal.close()
        self.laptop = self._open()

    def redeliver(self) -> None:
        """What the scheduled function does before it settles."""
        try:
            redeliver(FaultyClient(self), self.failed_objects, lambda: 5.001)
        except Killed:
            self.restart()

    def finish(self, redrives: bool = True) -> None:
        """No more faults: everything is delivered and settled, and what all tries failed of is put back."""
        self.faults.shares.clear()
        self.faults.next.clear()
        self._deliver_all()
        for _ in range(MAX_REDRIVES if redrives else 0):
            planned = self.redrive(self.objects, self.end.batches())
            assert planned.decision.undecided == []
            if not planned.decision.envelopes:
                return
            self._deliver_all()
        assert not redrives, "what redrive puts back fails again and again"

    def redrive(self, objects: ObjectStore, batches: Batches | None) -> Planned:
        """What ``streamtally redrive`` does after a yes."""
        planned = plan_redrive(objects, Rules(self.pipeline, batches, seal=SEAL), self.failed_objects)
        carry_out(objects, planned, self.laptop.api, INGESTION, SUMMARY)
        for (outcome, _), group in planned.decision.groups.items():
            self.redriven[outcome] += group.count
        return planned

    def redrive_meanwhile(self) -> None:
        """redrive, while traffic goes on; documents that were put have come to their end by then, or to S3.

        It may be cut short, as anything may: then somebody runs it again later.
        """
        for _ in range(30):
            self.now += 30_000
            try:
                self.laptop.streams[SUMMARY].step(self.now, True)
                if self.laptop.streams[SUMMARY].is_idle:
                    decision = self.redrive(self.objects, self.end.batches()).decision
                    assert decision.undecided == [], sorted(decision.groups)
                    return
            except Killed:
                self.restart()
            except SinkError:
                return

    def put_refused_again(self) -> None:
        """redrive of the documents that OpenSearch refused for good; it takes them now."""
        self.faults.shares.clear()
        self.faults.next.clear()
        self._deliver_all()
        if any(True for _ in self.failed_objects.keys("AmazonOpenSearchService_failed/")):
            assert self.redrive(self.failed_objects, None).documents > 0
            self._deliver_all()

    def _deliver_all(self) -> None:
        for _ in range(200):
            self.now += 40_000
            self.step(flush=True)
            self.redeliver()
            parked = list(self.failed_objects.keys("undelivered/"))
            if not parked and all(stream.is_idle for stream in self.laptop.streams.values()):
                break
        else:
            raise AssertionError("something is never delivered")
        self.end.settle(self.now)

    def check(self) -> None:
        """The promise: settled counts are the accepted lines, the ledger balances, no line is gone."""
        counts = self.end.counts()
        differences = {
            key: (counts[key], self.accepted[key])
            for key in counts.keys() | self.accepted.keys()
            if counts[key] != self.accepted[key]
        }
        assert not differences, dict(sorted(differences.items())[:5])
        assert self.imbalances == []
        assert self.ledger.imbalance() == []
        self._check_objects()

    def _check_objects(self) -> None:
        """S3 has each accepted line once, twins of a ``line_id`` left out, and no other, beside what cannot be read."""
        in_s3, unparsed = self.objects.delivered.count()
        differences = {
            key: (in_s3[key], self.accepted[key])
            for key in in_s3.keys() | self.accepted.keys()
            if in_s3[key] != self.accepted[key]
        }
        assert not differences, f"S3: {dict(sorted(differences.items())[:5])}"
        keys = self.objects.keys("processing-failed/")
        failed = sum(1 for key in keys for line in read_plain(self.objects, key).split(b"\n") if line)
        assert unparsed + failed == self.broken_lines

    # --- the function

    def _call(self, event: dict[str, Any]) -> Any:
        batch = event["invocationId"]
        self.events[batch] = event
        may_fail = self.tries[batch] < (3 if batch in self.went_round else self.max_failed_tries)
        self.tries[batch] += 1
        names = (
            "error before the put", "throttled", "error after the put", "time-out after the put", "crash after the put",
        )  # fmt: skip
        fault = self.faults.strikes("reordered", *names) if may_fail else ""
        self.faults.paused = not may_fail and batch in self.went_round
        if fault == "error before the put":
            raise RuntimeError("no")
        if fault == "throttled":  # Lambda's own refusal: the function does not run at all
            raise RuntimeError("TooManyRequestsException: Rate Exceeded")
        if fault == "reordered":
            event = {**event, "records": event["records"][::-1]}
        try:
            answer, ledger = answer_batch(
                self.pipeline, self._deliver, event, lambda: 300.0, self.now, self._put_back, SEAL
            )
        finally:
            self.faults.paused = False
        if fault.startswith(("error", "time-out")):
            raise FunctionTimedOutError if fault.startswith("time") else RuntimeError("late")
        if fault == "crash after the put":
            raise Killed
        self.imbalances += ledger.imbalance()  # an assertion here would be one more failed invocation
        self.ledger.add(ledger)
        self.tries.pop(batch)
        return answer

    def _deliver(self, deliveries: Iterable[Delivery], _: TimeLeft) -> None:
        for delivery in deliveries:
            put_or_park(FaultyClient(self), SUMMARY, delivery.documents, 1.0, self.failed_objects, clock=ONE_TRY)

    def _put_back(self, event: Mapping[str, Any], envelopes: Sequence[bytes], _: TimeLeft) -> None:
        self.went_round.add(str(event["invocationId"]))
        put_documents(FaultyClient(self), INGESTION, envelopes, 1.0)


def line_id_pipeline() -> Pipeline:
    """The default pipeline, with an id in each line, so that twins in S3 are told from lines that repeat."""
    document = read_folder(None)
    document["source"]["line_id"] = True
    return load_pipeline(document, ZoneInfo)


class DeliveredLines:
    """The lines of delivered objects, compact: what each says, and the id that tells twins from lines that repeat."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[array[int], array[int]]] = {}
        self._codes: dict[tuple[str, int] | None, int] = {}

    @property
    def lines(self) -> int:
        """All lines, twins too; an object that was written again has taken its own place."""
        return sum(len(ids) for ids, _ in self._objects.values())

    def keys(self) -> set[str]:
        """The keys of the objects."""
        return set(self._objects)

    def add(self, key: str, data: bytes) -> None:
        """An object's lines, in place of what was under its key."""
        ids, codes = array("Q"), array("L")
        for line in data.splitlines():
            row = orjson.loads(line)
            ids.append(int(row["line_id"][:16], 16))
            said = None if "unparsed" in row else (row["datetime"][:17], int(row["response"]))
            codes.append(self._codes.setdefault(said, len(self._codes)))
        self._objects[key] = ids, codes

    def count(self) -> tuple[Counts, int]:
        """(window and status → lines, lines that do not parse), each line once."""
        by_code: Counter[int] = Counter()
        for share in range(SHARES):  # a share of the ids at a time, so that ten million need no gigabytes
            mine: dict[int, int] = {}
            for ids, codes in self._objects.values():
                mine.update(pair for pair in zip(ids, codes, strict=True) if pair[0] % SHARES == share)
            by_code.update(mine.values())
        said = {code: key for key, code in self._codes.items()}
        counts: Counts = Counter()
        for code, lines in by_code.items():
            if (key := said[code]) is not None:
                counts[to_window(key[0]), key[1]] += lines
        return counts, by_code[self._codes.get(None, -1)]


SHARES = 4


def to_window(text: str) -> str:
    """``01/Mar/2025:12:00`` as the window's start."""
    day, month, year = text[:2], MONTHS.index(text[3:6]) + 1, text[7:11]
    return f"{year}-{month:02d}-{day}T{text[12:17]}:00.000"


class MemoryEnd:
    """An end in memory with the rules that count: documents by id, one plan a batch, merged."""

    index = "inbox-log-summary-stream"

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def sink(self) -> Sink:
        return self

    def write(self, records: Sequence[StoredRecord]) -> list[Refusal]:
        for record in records:
            document = json.loads(record.data)
            self.documents[document["tally"]["partial_id"]] = document
        return []

    def settle(self, now_ms: int) -> None:
        pass

    def batches(self) -> Batches:
        """As an index would say: by the documents that it has."""
        return WaitingBatches(orjson.dumps(document) for document in self.documents.values())

    def counts(self) -> Counts:
        plans: dict[str, set[str]] = {}
        for document in self.documents.values():
            plans.setdefault(document["tally"]["batch_id"], set()).add(document["tally"]["plan_id"])
        counts: Counts = Counter()
        for document in self.documents.values():
            tally = document["tally"]
            if tally["plan_id"] == min(plans[tally["batch_id"]]):
                counts[tally["window_start"][:-1], tally["state"]["key"][0]] += tally["state"]["rows"]
        return counts


def make_line(time_ms: int, status: int) -> bytes:
    """A line of an access log at a time (UTC)."""
    iso = to_iso(time_ms)
    day, month = iso[8:10], MONTHS[int(iso[5:7]) - 1]
    text = f'192.0.2.7 - - [{day}/{month}/{iso[:4]}:{iso[11:19]} +0000] "GET / HTTP/1.1" {status} 5 "-" "-"\n'
    return text.encode()
