"""What becomes of failed records, and why: counts and examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from streamtally.recovery.batches import FailedRecord
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.records import open_record

EXAMPLES = 3
EXAMPLE_CHARS = 200

GOES_BACK = "goes back"
S3_ALONE = "goes to S3 alone, counted before"
UNDECIDED = "undecided: goes to S3 alone"
STAYS = "stays"
OUTCOMES = (GOES_BACK, S3_ALONE, UNDECIDED, STAYS)

NO_FAILED = "the location of parked and rejected documents is unknown (pass --failed)"
NO_INDEX = "no index was checked for its counts (pass --opensearch)"
COVERED = "a batch with these arrivals was counted, and the error files do not hold all of its records"
REINGESTED = "its batch was counted, and some of its records were re-ingested because of the 6 MB limit"
OTHER_ROWS = "its batch was counted, and its rows cannot be identified"
TOO_OLD = "it arrived longer ago than partials are kept"
IS_CLOSED = "the index has closed its window"
TOO_RECENT = "it failed so recently that its counts may still be in flight: try again later"
TOO_LARGE = "it does not fit into an envelope"
NO_LINES = "it has no lines"


@dataclass
class OutcomeGroup:
    """Records with one outcome and reason."""

    count: int = 0
    """How many records."""
    examples: list[str] = field(default_factory=list)
    """Some of them: where each one is, and its first line."""


@dataclass
class Decision:
    """What becomes of failed records."""

    envelopes: list[tuple[FailedRecord, bytes]] = field(default_factory=list)
    """What is sent into the source stream, each with the record that it settles (a large record has several)."""
    documents: list[tuple[str | None, bytes]] = field(default_factory=list)
    """For the summary stream: partials of batches that were found, each with its stream (None: the default one)."""
    groups: dict[tuple[str, str], OutcomeGroup] = field(default_factory=lambda: defaultdict(OutcomeGroup))
    """(one of ``OUTCOMES``, why) → records."""
    undecided: list[FailedRecord] = field(default_factory=list)
    """Records of which it is not known whether they were counted."""
    batches_found: int = 0
    """How many batches were found and completed."""

    @property
    def stays(self) -> Counter[str]:
        """Why records stay where they are → how many."""
        return Counter({why: group.count for (outcome, why), group in self.groups.items() if outcome == STAYS})

    @property
    def records(self) -> int:
        """How many records are re-ingested."""
        return len({record.identity for record, _ in self.envelopes})

    def note(self, outcome: str, why: str, failed: FailedRecord, seal: Seal = UNSEALED) -> None:
        """Count a record with its outcome. Args: seal: decides whether its envelope is trusted, for the example."""
        group = self.groups[outcome, why]
        group.count += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(f"{failed.key} line {failed.line + 1}: {_text(failed, seal)}")


def _text(failed: FailedRecord, seal: Seal) -> str:
    """The record's first line, as far as it can be decoded."""
    record = open_record(failed.identity, failed.raw, failed.arrival, seal)
    data = record.payload if record.payload is not None else record.data
    if data is None:
        return "(not base64)"
    return data.partition(b"\n")[0].decode("utf-8", "replace")[:EXAMPLE_CHARS]


def in_order(decision: Decision) -> Iterator[tuple[str, str, OutcomeGroup]]:
    """(outcome, why, records), by outcome, the most frequent first."""
    order = sorted(decision.groups.items(), key=lambda item: (OUTCOMES.index(item[0][0]), -item[1].count, item[0][1]))
    yield from ((outcome, why, group) for (outcome, why), group in order)
