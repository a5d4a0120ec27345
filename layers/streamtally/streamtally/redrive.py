"""What to do with what lies in the error prefixes: decided here, done by the edge.

Cases (each line of an error file is one):

- answered ProcessingFailed: it was never counted, so it goes back as new, if the current pipeline takes it now;
- its invocation failed: its batch may have been counted, in part or whole. The error file has no batch boundaries, but
  every document names its batch's digest, so the batch is looked for by it. Found: its partials are made again under
  the batch's own id, which finishes a batch that was put in part, and the lines go to S3 alone. Not found, and no other
  batch covers these arrivals: it goes back as new. Otherwise: undecided, S3 alone, and reported;
- of a time that the index has closed, nothing can be counted any more, nor told: undecided too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import pybase64

from streamtally.answer import OK
from streamtally.envelope import Envelope, encode_envelope
from streamtally.errors import RecordError
from streamtally.fingerprint import describe_batch
from streamtally.pipeline import Outcome, Pipeline, transform
from streamtally.records import Record, open_record
from streamtally.times import from_iso

PROCESSING_FAILED_STATUS = "Lambda.ProcessingFailedStatus"
EXAMPLES = 3
EXAMPLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """A line of an error file.

    Attributes: key, line: where it lies (lines count from 0); arrival, ended: ms; code: why; raw: its data in base64.
    """

    key: str
    line: int
    arrival: int
    ended: int
    code: str
    raw: str

    @property
    def identity(self) -> str:
        """The same however often it is put back."""
        return f"{self.key}#{self.line}"


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """A batch that documents in the index tell of: its digest, its id, how many records, its arrivals in ms."""

    digest: str
    batch_id: str
    records: int
    first_arrival: int
    last_arrival: int


FindBatches = Callable[[int, int], Sequence[FoundBatch]]
"""(first, last arrival in ms) → all batches that have records in between, whole or in part."""


@dataclass
class Decision:
    """What becomes of failed records.

    Attributes:
        put_back: envelopes for the source stream, each with the record that it settles.
        documents: for the second stream: partials of batches that were found.
        stays: why records stay where they are → how many; examples: some of each.
        undecided: records whose counting nobody can tell.
    """

    put_back: list[tuple[FailedRecord, bytes]] = field(default_factory=list)
    documents: list[tuple[str | None, bytes]] = field(default_factory=list)
    stays: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    undecided: list[FailedRecord] = field(default_factory=list)
    batches_found: int = 0


def decide(
    failed: Iterable[FailedRecord],
    pipeline: Pipeline,
    find_batches: FindBatches | None,
    count_undecided: bool = False,
    closed_before: Mapping[str, int] | None = None,
) -> Decision:
    """What to do with failed records.

    Args:
        find_batches: None: there is no index to ask, so failed invocations stay undecided.
        count_undecided: put what is undecided back as new.
        closed_before: output → ms; documents dated before are late, and what would tell of their batches is gone.
    """
    rules = _Rules(pipeline, find_batches, count_undecided, closed_before or {})
    decision = Decision()
    groups: dict[int, list[FailedRecord]] = defaultdict(list)
    for record in failed:
        if record.code == PROCESSING_FAILED_STATUS:
            _put_back(decision, record, rules)
        else:
            groups[record.ended].append(record)
    for group in groups.values():
        _decide_group(decision, group, rules)
    return decision


@dataclass(frozen=True)
class _Rules:
    """What every decision goes by."""

    pipeline: Pipeline
    find_batches: FindBatches | None
    count_undecided: bool
    closed_before: Mapping[str, int]


def _put_back(
    decision: Decision, failed: FailedRecord, rules: _Rules, is_counted: bool = False, is_undecided: bool = False
) -> None:
    """Put a record back if the pipeline takes it now: as new, or (counted, or undecided) for S3 alone."""
    record = open_record(failed.identity, failed.raw, failed.arrival)
    if record.payload is None:
        _stay(decision, record.error, failed)
        return
    outcome = transform(rules.pipeline, [record])
    if outcome.results[0].result != OK:
        reason = outcome.ledger.reasons.most_common(1)
        _stay(decision, reason[0][0] if reason else "it has no lines", failed)
        return
    is_undecided = is_undecided or (not is_counted and _is_closed(outcome, rules.closed_before))
    is_undecided = is_undecided and not rules.count_undecided
    try:
        envelope = encode_envelope(_envelope(record, is_counted or is_undecided))
    except RecordError as error:
        _stay(decision, str(error), failed)
        return
    decision.put_back.append((failed, envelope))
    if is_undecided:
        decision.undecided.append(failed)


def _is_closed(outcome: Outcome, closed_before: Mapping[str, int]) -> bool:
    """Whether any document of these lines is dated before its output's ``closed_before``."""
    documents = (document for delivery in outcome.deliveries for document in delivery.documents)
    for tally in (orjson.loads(document)["tally"] for document in documents):
        if from_iso(tally.get("window_start") or tally["time"]) < closed_before.get(tally["output"], 0):
            return True
    return False


def _envelope(record: Record, is_counted: bool) -> Envelope:
    old = record.envelope
    if old is not None:  # a part keeps its identity: what was counted of it is overwritten, never added
        is_counted = is_counted or old.is_counted
        return Envelope(old.origin, old.part, old.first_arrival, 0, old.is_plain, old.body, is_counted=is_counted)
    return Envelope(record.identity, "0", record.arrival, 0, False, record.data or b"", is_counted=is_counted)


def _stay(decision: Decision, reason: str, failed: FailedRecord) -> None:
    decision.stays[reason] += 1
    if len(decision.examples[reason]) < EXAMPLES:
        decision.examples[reason].append(f"{failed.key} line {failed.line + 1}: {_text(failed)}")


def _text(failed: FailedRecord) -> str:
    """The record's first line, as far as it is one."""
    try:
        data = pybase64.b64decode(failed.raw)
    except ValueError:
        return "(not base64)"
    return data.partition(b"\n")[0].decode("utf-8", "replace")[:EXAMPLE_CHARS]


def _decide_group(decision: Decision, group: list[FailedRecord], rules: _Rules) -> None:
    first, last = min(each.arrival for each in group), max(each.arrival for each in group)
    left = list(group)
    unmatched: list[FoundBatch] = []
    for batch in rules.find_batches(first, last) if rules.find_batches else ():
        mine = _records_of(batch, left)
        if mine is not None and _finish_batch(decision, batch, mine, rules):
            left = [each for each in left if each not in mine]
        else:
            unmatched.append(batch)
    for failed in left:
        is_covered = any(each.first_arrival <= failed.arrival <= each.last_arrival for each in unmatched)
        _put_back(decision, failed, rules, is_undecided=rules.find_batches is None or is_covered)


def _records_of(batch: FoundBatch, group: Sequence[FailedRecord]) -> set[FailedRecord] | None:
    """The records of a group that are this batch, by its digest; None if they are not there whole."""
    inside = [each for each in group if batch.first_arrival <= each.arrival <= batch.last_arrival]
    # Two batches may meet within one millisecond, so runs of the right length are tried, in the file's order.
    for start in range(max(0, len(inside) - batch.records) + 1):
        run = inside[start : start + batch.records]
        if len(run) == batch.records and describe_batch(list(_open(run))).digest == batch.digest:
            return set(run)
    return None


def _open(group: Sequence[FailedRecord]) -> Iterator[Record]:
    return (open_record(each.identity, each.raw, each.arrival) for each in group)


def _finish_batch(decision: Decision, batch: FoundBatch, mine: set[FailedRecord], rules: _Rules) -> bool:
    """Make the partials again; False if records of it went round, which the error file does not tell apart."""
    ordered = sorted(mine, key=lambda each: (each.key, each.line))
    outcome = transform(rules.pipeline, list(_open(ordered)), can_put_back=True, batch_id=batch.batch_id)
    if outcome.put_back:
        return False
    decision.batches_found += 1
    for delivery in outcome.deliveries:
        decision.documents += [(delivery.stream, document) for document in delivery.documents]
    for each in ordered:
        _put_back(decision, each, rules, is_counted=True)
    return True
