"""What to do with what lies in the error prefixes: decided here, done by the edge.

Cases (each line of an error file is one):

- answered ProcessingFailed: it was never counted, so it goes back as new, if the current pipeline takes it now;
- a part that went round: it carries its identity, so it goes back as it is, and overwrites what was counted of it;
- its invocation failed: its batch may have been counted, in part or whole. The error file has no batch boundaries, but
  every document names its batch's digest, so the batch is looked for by it. Found: its partials are made again under
  the batch's own id, which finishes a batch that was put in part, and the lines go to S3 alone. Not found, and no other
  batch covers these arrivals: it goes back as new. Otherwise: undecided, S3 alone, and reported;
- of a time that the index has closed, nothing can be counted any more, nor told: undecided too;
- failed so short a time ago that its documents may be on their way to the index: it stays for a later run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from streamtally.recovery.batches import Batches, FailedRecord, FoundBatch, Opened, missing_documents, records_of
from streamtally.recovery.outcomes import (
    COVERED,
    GOES_BACK,
    IS_CLOSED,
    NO_INDEX,
    NO_LINES,
    OTHER_ROWS,
    S3_ALONE,
    STAYS,
    TOO_LARGE,
    TOO_OLD,
    TOO_RECENT,
    UNDECIDED,
    WENT_ROUND,
    Decision,
)
from streamtally.times.iso import from_iso
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.envelope import MAX_ENVELOPE_BYTES, UNSEALED, Envelope, Seal, encode_envelope
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import Record, RecordGroup, open_record
from streamtally.transform.reingest import to_envelopes
from streamtally.transform.response import MAX_RESPONSE_BYTES, OK
from streamtally.transform.transform import Outcome, transform

PROCESSING_FAILED_STATUS = "Lambda.ProcessingFailedStatus"


@dataclass(frozen=True)
class Rules:
    """What every decision goes by.

    Attributes:
        pipeline: the current one.
        batches: None: there is nothing to ask, so failed invocations stay undecided.
        count_undecided: put what is undecided back as new.
        closed_before: output → ms; documents dated before are late, and what would tell of their batches is gone.
        known_until: ms; what failed later may have documents on their way that ``batches`` does not know yet.
        unknown: why ``batches`` does not tell of all documents; empty: it does.
        seal: signs envelopes, and says whose are believed.
        countable_from: ms; what arrived earlier, the transform counts no more.
    """

    pipeline: Pipeline
    batches: Batches | None = None
    count_undecided: bool = False
    closed_before: Mapping[str, int] = field(default_factory=dict)
    known_until: int = 2**62
    unknown: str = ""
    seal: Seal = UNSEALED
    countable_from: int = 0


def decide(failed: Iterable[FailedRecord], rules: Rules) -> Decision:
    """What to do with failed records."""
    decision = Decision()
    groups: dict[int, list[FailedRecord]] = defaultdict(list)
    for record in failed:
        if record.code == PROCESSING_FAILED_STATUS:
            _put_back(decision, record, rules, _Fate(GOES_BACK, record.code))
        else:
            groups[record.ended].append(record)
    for group in groups.values():
        _decide_group(decision, group, rules)
    return decision


@dataclass(frozen=True, slots=True)
class _Fate:
    outcome: str
    why: str


def _put_back(decision: Decision, failed: FailedRecord, rules: Rules, fate: _Fate) -> None:
    """Put a record back if the pipeline takes it now: as new, or (counted, or undecided) for S3 alone."""
    record = open_record(failed.identity, failed.raw, failed.arrival, rules.seal)
    if record.payload is None:
        decision.note(STAYS, record.error, failed, rules.seal)
        return
    outcome = transform(rules.pipeline, [record], bounds=NO_BOUNDS)
    if outcome.results[0].result != OK:
        reason = outcome.ledger.reasons.most_common(1)
        decision.note(STAYS, reason[0][0] if reason else NO_LINES, failed, rules.seal)
        return
    fate = _final(fate, record, outcome, rules)
    is_new = fate.outcome == GOES_BACK
    envelopes = _envelopes(record, not is_new, outcome, rules)
    if not envelopes:
        decision.note(STAYS, TOO_LARGE, failed, rules.seal)
        return
    decision.put_back += [(failed, envelope) for envelope in envelopes]
    decision.note(fate.outcome, fate.why, failed, rules.seal)
    if fate.outcome == UNDECIDED:
        decision.undecided.append(failed)


def _final(fate: _Fate, record: Record, outcome: Outcome, rules: Rules) -> _Fate:
    """A fate, seeing what is closed and what was asked for."""
    if fate.outcome == UNDECIDED and record.envelope is not None:
        fate = _Fate(GOES_BACK, "a part that went round")  # whatever was counted of it is overwritten
    if fate.outcome == GOES_BACK and _is_closed(outcome, rules.closed_before):
        fate = _Fate(UNDECIDED, IS_CLOSED)
    if fate.outcome == UNDECIDED and rules.count_undecided:
        fate = _Fate(GOES_BACK, f"--count: {fate.why}")
    if fate.outcome == GOES_BACK and record.arrival < rules.countable_from:
        fate = _Fate(UNDECIDED, TOO_OLD)
    return fate


def _is_closed(outcome: Outcome, closed_before: Mapping[str, int]) -> bool:
    """Whether any document of these lines is dated before its output's ``closed_before``."""
    documents = (document for delivery in outcome.deliveries for document in delivery.documents)
    for tally in (orjson.loads(document)["tally"] for document in documents):
        if from_iso(tally.get("window_start") or tally["time"]) < closed_before.get(tally["output"], 0):
            return True
    return False


def _envelopes(record: Record, is_counted: bool, outcome: Outcome, rules: Rules) -> list[bytes]:
    """The record in an envelope; in several, each with lines of it, if it does not fit into one; else nothing."""
    envelope = _envelope(record, is_counted)
    whole = encode_envelope(envelope, rules.seal)
    if len(whole) <= MAX_ENVELOPE_BYTES:
        return [whole]
    record.envelope = envelope
    size_bytes = outcome.results[0].size_bytes()
    return to_envelopes(
        record, size_bytes, MAX_RESPONSE_BYTES, rules.pipeline.source, rules.seal, rules.pipeline.bounds
    )


def _envelope(record: Record, is_counted: bool) -> Envelope:
    old = record.envelope
    if old is not None:  # a part keeps its identity: what was counted of it is overwritten, never added
        is_counted = is_counted or old.is_counted
        return Envelope(old.origin, old.part, old.first_arrival, 0, old.is_plain, old.body, is_counted=is_counted)
    return Envelope(record.identity, "0", record.arrival, 0, False, record.data or b"", is_counted=is_counted)


def _decide_group(decision: Decision, group: list[FailedRecord], rules: Rules) -> None:
    first, last = min(each.arrival for each in group), max(each.arrival for each in group)
    opened = {each: open_record(each.identity, each.raw, each.arrival, rules.seal) for each in group}
    by_digest: dict[str, list[FoundBatch]] = defaultdict(list)
    for batch in rules.batches.find(first, last) if rules.batches else ():
        by_digest[batch.digest].append(batch)
    left = list(group)
    unmatched: list[tuple[FoundBatch, str]] = []
    for batches in by_digest.values():
        left, problem = _match(decision, batches, left, opened, rules)
        if problem:
            unmatched.append((batches[0], problem))
    for failed in left:
        _decide_unmatched(decision, failed, unmatched, rules)


def _decide_unmatched(
    decision: Decision, failed: FailedRecord, unmatched: Sequence[tuple[FoundBatch, str]], rules: Rules
) -> None:
    """A record of which no batch was found."""
    covered = [why for each, why in unmatched if each.first_arrival <= failed.arrival <= each.last_arrival]
    if rules.batches is None:
        fate = _Fate(UNDECIDED, NO_INDEX)
    elif failed.ended > rules.known_until:
        decision.note(STAYS, TOO_RECENT, failed, rules.seal)
        return
    elif covered or rules.unknown:
        fate = _Fate(UNDECIDED, covered[0] if covered else rules.unknown)
    else:
        fate = _Fate(GOES_BACK, failed.code)
    _put_back(decision, failed, rules, fate)


def _match(
    decision: Decision, batches: Sequence[FoundBatch], left: list[FailedRecord], opened: Opened, rules: Rules
) -> tuple[list[FailedRecord], str]:
    """Finish the batches of one digest. Returns: the records that are left, and why a batch was not finished.

    They are the groups of one batch: its fresh records, and its parts, which say themselves who they are. Of equal
    lines that came in one millisecond there may be several batches, of which any is any other.
    """
    waiting = list(batches)
    while waiting:
        mine = records_of(waiting[0], left, opened)
        if mine is None:
            return left, COVERED
        found = set(mine)
        parts = {RecordGroup([opened[each]]).batch_id for each in mine if opened[each].envelope is not None}
        waiting = [each for each in waiting if each.batch_id not in parts]
        problem = _finish_batch(decision, waiting[0].batch_id if waiting else "", mine, opened, rules)
        if problem:
            return left, problem
        left = [each for each in left if each not in found]
        waiting = waiting[1:]
    return left, ""


def _finish_batch(decision: Decision, batch_id: str, mine: list[FailedRecord], opened: Opened, rules: Rules) -> str:
    """Make a batch's partials again and put them. Returns: why it cannot be finished, or nothing.

    Args: batch_id: of its fresh records; empty: of parts alone was anything found.
    """
    if batch_id:
        outcome = transform(
            rules.pipeline, [opened[each] for each in mine], can_put_back=True, batch_id=batch_id, seal=rules.seal
        )
        if outcome.put_back:
            return WENT_ROUND  # which of them, the error file does not tell
        documents = missing_documents(outcome, rules.pipeline, rules.batches, batch_id)
        if documents is None:
            return OTHER_ROWS
        decision.batches_found += 1
        decision.documents += documents
    for each in mine:
        is_counted = bool(batch_id) and opened[each].envelope is None
        # Of fresh records nothing was found though parts of their batch were: they were never counted.
        _put_back(decision, each, rules, _Fate(S3_ALONE if is_counted else GOES_BACK, each.code))
    return ""
