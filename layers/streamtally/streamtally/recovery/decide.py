"""What to do with failed records: decided here, done by the edge.

Each line of an error file is a failed record of one of these cases:

- it was answered ProcessingFailed: it was never counted, so it is re-ingested as new if the current pipeline takes it;
- it is a re-ingested part: it carries its identity, so it is re-ingested unmodified, and overwrites what was counted;
- its invocation failed: its batch may have been counted, in part or as a whole. The error file has no batch boundaries,
  but every document states its batch's digest, so the batch is looked up by it. If it is found, its partials are made
  again under the batch's own id, which completes a batch that was sent in part, and the lines go to S3 alone. If it is
  not found and no other batch covers these arrivals, the record is re-ingested as new. Otherwise it is undecided: it
  goes to S3 alone and is reported;
- the index has closed its window: nothing can be counted or looked up any more, so it is undecided too;
- it failed so recently that its documents may be on their way to the index: it stays for a later run.
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
    REINGESTED,
    S3_ALONE,
    STAYS,
    TOO_LARGE,
    TOO_OLD,
    TOO_RECENT,
    UNDECIDED,
    Decision,
)
from streamtally.times.iso import from_iso
from streamtally.transform.bounds import NO_BOUNDS
from streamtally.transform.envelope import MAX_ENVELOPE_BYTES, UNSEALED, Envelope, Seal, encode_envelope
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.record_lines import remove_empty_lines
from streamtally.transform.records import RecordGroup, open_record
from streamtally.transform.reingest import Reingestion, to_envelopes
from streamtally.transform.response import OK
from streamtally.transform.transform import Outcome, transform

PROCESSING_FAILED_STATUS = "Lambda.ProcessingFailedStatus"


@dataclass(frozen=True)
class Rules:
    """What every decision depends on."""

    pipeline: Pipeline
    """The current pipeline."""
    batches: Batches | None = None
    """Looks up batches; None: there is no index to ask, so records of failed invocations stay undecided."""
    count_undecided: bool = False
    """Whether undecided records are re-ingested as new."""
    closed_before: Mapping[str, int] = field(default_factory=dict)
    """Output → ms since the epoch; documents dated before are late, and its batches can no longer be looked up."""
    known_until: int = 2**62
    """In ms since the epoch; what failed later may have documents on their way that ``batches`` does not find yet."""
    unknown: str = ""
    """Why ``batches`` does not find all documents; empty: it does."""
    seal: Seal = UNSEALED
    """Signs envelopes, and decides which are trusted."""
    countable_from: int = 0
    """In ms since the epoch; the transform no longer counts what arrived earlier."""


def decide(failed: Iterable[FailedRecord], rules: Rules) -> Decision:
    """What to do with failed records."""
    decision = Decision()
    groups: dict[int, list[FailedRecord]] = defaultdict(list)
    for record in failed:
        if record.code == PROCESSING_FAILED_STATUS:
            _reingest(decision, record, rules, _Fate(GOES_BACK, record.code))
        else:
            groups[record.ended].append(record)
    for group in groups.values():
        _decide_group(decision, group, rules)
    return decision


@dataclass(frozen=True, slots=True)
class _Fate:
    outcome: str
    why: str


def _reingest(decision: Decision, failed: FailedRecord, rules: Rules, fate: _Fate) -> None:
    """Re-ingest a record if the current pipeline takes it: as new, or (counted or undecided) for S3 alone."""
    record = open_record(failed.identity, failed.raw, failed.arrival, rules.seal)
    if record.payload is None:
        decision.note(STAYS, record.error, failed, rules.seal)
        return
    outcome = transform(rules.pipeline, [record], bounds=NO_BOUNDS)
    (response,) = outcome.responses
    if response.result != OK:
        reason = outcome.ledger.reasons.most_common(1)
        decision.note(STAYS, reason[0][0] if reason else NO_LINES, failed, rules.seal)
        return
    fate = _final(fate, record, outcome, rules)
    envelopes = _envelopes(record, fate.outcome != GOES_BACK, response.size_bytes(), rules)
    if not envelopes:
        decision.note(STAYS, TOO_LARGE, failed, rules.seal)
        return
    decision.envelopes += [(failed, envelope) for envelope in envelopes]
    decision.note(fate.outcome, fate.why, failed, rules.seal)
    if fate.outcome == UNDECIDED:
        decision.undecided.append(failed)


def _final(fate: _Fate, record: Record, outcome: Outcome, rules: Rules) -> _Fate:
    """The fate after the rules on closed windows, undecided records and age."""
    if fate.outcome == UNDECIDED and record.envelope is not None:
        fate = _Fate(GOES_BACK, "a re-ingested part")  # it overwrites whatever was counted of it
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


def _envelopes(record: Record, is_counted: bool, size_bytes: int, rules: Rules) -> list[bytes]:
    """The record in one envelope; in several with a part of its lines each if it does not fit; none if it cannot be.

    Args: size_bytes: what it takes in the response.
    """
    envelope = _envelope(record, is_counted)
    whole = encode_envelope(envelope, rules.seal)
    if len(whole) <= MAX_ENVELOPE_BYTES:
        return [whole]
    enveloped = remove_empty_lines(record)._replace(envelope=envelope)
    return to_envelopes(enveloped, size_bytes, Reingestion(rules.pipeline.source, rules.seal, rules.pipeline.bounds))


def _envelope(record: Record, is_counted: bool) -> Envelope:
    old = record.envelope
    if old is not None:  # a part keeps its identity, so it overwrites what was counted of it
        is_counted = is_counted or old.is_counted
        return Envelope(old.origin, old.part, old.first_arrival, 0, old.is_plain, old.body, is_counted=is_counted)
    return Envelope(record.identity, "0", record.arrival, 0, False, record.data or b"", is_counted=is_counted)


def _decide_group(decision: Decision, group: list[FailedRecord], rules: Rules) -> None:
    """Decide on the records of invocations that failed at one time."""
    arrivals = [failed.arrival for failed in group]
    opened = {failed: open_record(failed.identity, failed.raw, failed.arrival, rules.seal) for failed in group}
    by_digest: dict[str, list[FoundBatch]] = defaultdict(list)
    for batch in rules.batches.find(min(arrivals), max(arrivals)) if rules.batches else ():
        by_digest[batch.digest].append(batch)
    remaining = list(group)
    unmatched: list[tuple[FoundBatch, str]] = []
    for batches in by_digest.values():
        remaining, problem = _match(decision, batches, remaining, opened, rules)
        if problem:
            unmatched.append((batches[0], problem))
    for failed in remaining:
        _decide_unmatched(decision, failed, unmatched, rules)


def _decide_unmatched(
    decision: Decision, failed: FailedRecord, unmatched: Sequence[tuple[FoundBatch, str]], rules: Rules
) -> None:
    """Decide on a record of which no batch was found."""
    covered = [why for batch, why in unmatched if batch.first_arrival <= failed.arrival <= batch.last_arrival]
    if rules.batches is None:
        fate = _Fate(UNDECIDED, NO_INDEX)
    elif failed.ended > rules.known_until:
        decision.note(STAYS, TOO_RECENT, failed, rules.seal)
        return
    elif covered or rules.unknown:
        fate = _Fate(UNDECIDED, covered[0] if covered else rules.unknown)
    else:
        fate = _Fate(GOES_BACK, failed.code)
    _reingest(decision, failed, rules, fate)


def _match(
    decision: Decision, batches: Sequence[FoundBatch], remaining: list[FailedRecord], opened: Opened, rules: Rules
) -> tuple[list[FailedRecord], str]:
    """Complete the batches of one digest.

    They are the groups of one batch: its fresh records, and its parts, which state their own identities. Of equal lines
    that arrived in one millisecond there may be several batches, which are interchangeable.

    Returns: the remaining records, and why a batch was not completed.
    """
    waiting = list(batches)
    while waiting:
        matched = records_of(waiting[0], remaining, opened)
        if matched is None:
            return remaining, COVERED
        parts = {RecordGroup([opened[failed]]).batch_id for failed in matched if opened[failed].envelope is not None}
        waiting = [batch for batch in waiting if batch.batch_id not in parts]
        problem = _complete_batch(decision, waiting[0].batch_id if waiting else "", matched, opened, rules)
        if problem:
            return remaining, problem
        done = set(matched)
        remaining = [failed for failed in remaining if failed not in done]
        waiting = waiting[1:]
    return remaining, ""


def _complete_batch(
    decision: Decision, batch_id: str, matched: list[FailedRecord], opened: Opened, rules: Rules
) -> str:
    """Make a batch's partials again and deliver them.

    Args: batch_id: of its fresh records; empty: only parts of it were found.
    Returns: why it cannot be completed; empty if it is.
    """
    if batch_id:
        records = [opened[failed] for failed in matched]
        outcome = transform(rules.pipeline, records, can_reingest=True, batch_id=batch_id, seal=rules.seal)
        if outcome.envelopes:
            return REINGESTED  # the error file does not state which of them
        documents = missing_documents(outcome, rules.pipeline, rules.batches, batch_id)
        if documents is None:
            return OTHER_ROWS
        decision.batches_found += 1
        decision.documents += documents
    for failed in matched:
        is_counted = bool(batch_id) and opened[failed].envelope is None
        # Fresh records of which nothing was found, although parts of their batch were, have never been counted.
        _reingest(decision, failed, rules, _Fate(S3_ALONE if is_counted else GOES_BACK, failed.code))
    return ""
