"""Putting back what lies in the error prefixes: planned first, then done, then taken out of where it lay."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from streamtally.aws.recovery.batches import AllBatches, WaitingBatches
from streamtally.aws.recovery.failed_objects import Parked, Refusals, read_documents, read_failed, take_out
from streamtally.aws.sinks.firehose import FirehoseClient, put_documents
from streamtally.aws.sinks.objects import ObjectStore
from streamtally.recovery.batches import FailedRecord
from streamtally.recovery.decide import Rules, decide
from streamtally.recovery.outcomes import Decision

PUT_SECONDS = 120.0


@dataclass
class Planned:
    """What would be done.

    Attributes:
        decision: for every failed record.
        parked: objects whose documents go to their stream again, and those that stay.
        refusals: why OpenSearch refused documents.
        problems: objects that cannot be read, each in a line.
    """

    decision: Decision
    parked: list[Parked]
    refusals: Refusals
    problems: list[str] = field(default_factory=list)

    @property
    def going(self) -> list[Parked]:
        """The objects whose documents go again."""
        return [each for each in self.parked if not each.stays]

    @property
    def documents(self) -> int:
        """How many documents go to the second stream."""
        return len(self.decision.documents) + sum(len(each.documents) for each in self.going)

    @property
    def is_empty(self) -> bool:
        return not self.decision.envelopes and not self.documents

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left behind: no record stays or is undecided, every object can be read."""
        decision = self.decision
        left = any(each.stays for each in self.parked)
        return not (decision.stays or decision.undecided or self.problems or left)


def plan_redrive(objects: ObjectStore, rules: Rules, failed: ObjectStore | None = None) -> Planned:
    """What to do with everything in the error prefixes; nothing is changed. Raises: SinkError: a store refuses.

    Args: failed: where documents lie that were parked or refused; what they tell of was counted, too.
    """
    problems: list[str] = []
    refusals = Refusals()
    parked = list(read_documents(objects, refusals, problems))
    if rules.batches is not None:
        elsewhere = list(read_documents(failed, Refusals(), problems)) if failed else []
        waiting = WaitingBatches(document for each in (*parked, *elsewhere) for document in each.documents)
        rules = replace(rules, batches=AllBatches(rules.batches, waiting))
    decision = decide(read_failed(objects, problems), rules)
    return Planned(decision, parked, refusals, problems)


def carry_out(objects: ObjectStore, planned: Planned, source: FirehoseClient, to: str, summary: str,
              summaries: FirehoseClient | None = None) -> int:  # fmt: skip
    """Do it. Killed anywhere and done again, it counts nothing twice: every identity is derived.

    Args:
        source: takes envelopes for ``to``, the delivery stream or the data stream behind it.
        summaries: takes documents for ``summary``; default: the same client.
    Returns: how many objects are settled and gone. Raises: SinkError: a stream or the store refuses.
    """
    summaries = summaries or source
    decision = planned.decision
    by_stream: dict[str, list[bytes]] = defaultdict(list)
    for stream, document in decision.documents:
        by_stream[stream or summary].append(document)
    for stream, documents in by_stream.items():
        put_documents(summaries, stream, documents, PUT_SECONDS)
    # Documents went first: a line that is S3's alone from here on must have been counted by then. Object by object, so
    # that a stream that throttles in the middle leaves only what is still to be done.
    gone = 0
    for envelopes in _by_key(decision).values():
        put_documents(source, to, [envelope for _, envelope in envelopes], PUT_SECONDS)
        gone += take_out(objects, [record for record, _ in envelopes])
    for parked in planned.going:
        put_documents(summaries, parked.stream or summary, parked.documents, PUT_SECONDS)
        objects.delete(parked.key)
        gone += 1
    return gone


def _by_key(decision: Decision) -> dict[str, list[tuple[FailedRecord, bytes]]]:
    found: dict[str, list[tuple[FailedRecord, bytes]]] = defaultdict(list)
    for record, envelope in decision.envelopes:
        found[record.key].append((record, envelope))
    return found
