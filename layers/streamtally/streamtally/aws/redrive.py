"""Putting back what lies in the error prefixes: planned first, then done, then taken out of where it lay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from streamtally.aws.failed_objects import read_documents, read_failed, take_out
from streamtally.aws.firehose import FirehoseClient, put_documents
from streamtally.aws.objects import ObjectStore
from streamtally.pipeline import Pipeline
from streamtally.redrive import Decision, FailedRecord, FindBatches, decide

PUT_SECONDS = 120.0


@dataclass
class Planned:
    """What would be done.

    Attributes:
        decision: for every failed record.
        parked: (key, stream or nothing, documents) of objects whose documents go to the second stream again.
        refused: why OpenSearch refused documents → how many.
        problems: objects that cannot be read, each in a line.
    """

    decision: Decision
    parked: list[tuple[str, str, list[bytes]]]
    refused: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """How many documents go to the second stream."""
        return len(self.decision.documents) + sum(len(each) for _, _, each in self.parked)

    @property
    def is_empty(self) -> bool:
        return not self.decision.put_back and not self.documents


def plan_redrive(
    objects: ObjectStore,
    pipeline: Pipeline,
    find_batches: FindBatches | None,
    count_undecided: bool = False,
    closed_before: Mapping[str, int] | None = None,
) -> Planned:
    """What to do with everything in the error prefixes; nothing is changed. Raises: SinkError: the store refuses.

    Args: see :func:`streamtally.redrive.decide`.
    """
    problems: list[str] = []
    refused: dict[str, int] = {}
    failed = read_failed(objects, problems)
    decision = decide(failed, pipeline, find_batches, count_undecided, closed_before)
    return Planned(decision, list(read_documents(objects, refused, problems)), refused, problems)


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
    for key, stream, documents in planned.parked:
        put_documents(summaries, stream or summary, documents, PUT_SECONDS)
        objects.delete(key)
        gone += 1
    return gone


def _by_key(decision: Decision) -> dict[str, list[tuple[FailedRecord, bytes]]]:
    found: dict[str, list[tuple[FailedRecord, bytes]]] = defaultdict(list)
    for record, envelope in decision.put_back:
        found[record.key].append((record, envelope))
    return found
