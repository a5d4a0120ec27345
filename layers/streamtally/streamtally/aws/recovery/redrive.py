"""Re-ingests what is in the error prefixes: planned first, then sent, then removed from there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from streamtally.aws.recovery.batches import AllBatches, WaitingBatches
from streamtally.aws.recovery.failed_objects import Parked, Refusals, read_documents, read_failed, remove_lines
from streamtally.aws.recovery.other_failures import OtherFailure, read_other_failures
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
        decision: the decision about every failed record.
        parked: objects whose documents are sent to their stream again, and those that stay.
        refusals: why OpenSearch rejected documents.
        problems: one line per object that cannot be read.
        others: what is in other error prefixes, and stays.
    """

    decision: Decision
    parked: list[Parked]
    refusals: Refusals
    problems: list[str] = field(default_factory=list)
    others: list[OtherFailure] = field(default_factory=list)

    @property
    def going(self) -> list[Parked]:
        """The objects whose documents are sent again."""
        return [parked for parked in self.parked if not parked.stays]

    @property
    def documents(self) -> int:
        """How many documents are sent to the second stream."""
        return len(self.decision.documents) + sum(len(parked.documents) for parked in self.going)

    @property
    def is_empty(self) -> bool:
        return not self.decision.envelopes and not self.documents

    @property
    def is_whole(self) -> bool:
        """Whether nothing remains: no record stays or is undecided, and every object can be read and sent."""
        decision = self.decision
        stays = any(parked.stays for parked in self.parked)
        return not (decision.stays or decision.undecided or self.problems or self.others or stays)


def plan_redrive(objects: ObjectStore, rules: Rules, failed: ObjectStore | None = None, zone: tzinfo = UTC) -> Planned:
    """What to do with everything in the error prefixes; nothing is changed.

    Args:
        failed: the store of parked and rejected documents, whose batches were counted as well.
        zone: the time zone of the dates in objects' names.
    Raises: SinkError: a store cannot be read.
    """
    problems: list[str] = []
    refusals = Refusals()
    parked = list(read_documents(objects, refusals, problems))
    if rules.batches is not None:
        elsewhere = list(read_documents(failed, Refusals(), problems)) if failed else []
        waiting = WaitingBatches(document for item in (*parked, *elsewhere) for document in item.documents)
        rules = replace(rules, batches=AllBatches(rules.batches, waiting))
    decision = decide(read_failed(objects, problems, zone), rules)
    return Planned(decision, parked, refusals, problems, read_other_failures(objects, problems))


def carry_out(objects: ObjectStore, planned: Planned, source: FirehoseClient, to: str, summary: str,
              summaries: FirehoseClient | None = None) -> int:  # fmt: skip
    """Carries out the plan. If it is interrupted and repeated, nothing is counted twice: every identity is derived.

    Args:
        source: the client for envelopes to ``to``.
        to: the delivery stream, or its source if that is a data stream.
        summary: the second stream.
        summaries: the client for documents to ``summary``; default: ``source``.
    Returns: the number of objects that were deleted. Raises: SinkError: a stream or the store refuses a request.
    """
    summaries = summaries or source
    decision = planned.decision
    by_stream: dict[str, list[bytes]] = defaultdict(list)
    for stream, document in decision.documents:
        by_stream[stream or summary].append(document)
    for stream, documents in by_stream.items():
        put_documents(summaries, stream, documents, PUT_SECONDS)
    # Documents are sent first: a line that then is only in S3 must have been counted by then. Objects are handled one
    # by one, so that throttling in the middle leaves only what is still to be done.
    deleted = 0
    for envelopes in _by_key(decision).values():
        put_documents(source, to, [envelope for _, envelope in envelopes], PUT_SECONDS)
        deleted += remove_lines(objects, [record for record, _ in envelopes])
    for parked in planned.going:
        put_documents(summaries, parked.stream or summary, parked.documents, PUT_SECONDS)
        objects.delete(parked.key)
        deleted += 1
    return deleted


def _by_key(decision: Decision) -> dict[str, list[tuple[FailedRecord, bytes]]]:
    by_key: dict[str, list[tuple[FailedRecord, bytes]]] = defaultdict(list)
    for record, envelope in decision.envelopes:
        by_key[record.key].append((record, envelope))
    return by_key
