"""Records of failed invocations, and the batches that documents state.

An error file has neither batch boundaries nor recordIds. But each document states its batch's digest, which is made of
arrival times and data, and these an error file has: by the digest, records are recognised as a batch, and the batch's
own id is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from streamtally.ids import canonical_json
from streamtally.transform.batch import describe_batch
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Record
from streamtally.transform.transform import Outcome


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """A line of an error file."""

    key: str
    """The object's key."""
    line: int
    """The line's number in it, from 0."""
    arrival: int
    """When Firehose received the record, in ms since the epoch."""
    ended: int
    """When its last attempt ended, in ms since the epoch."""
    code: str
    """Firehose's errorCode."""
    raw: str
    """Its data in base64."""
    origin: str = ""
    """The object's path, which copies of the object share; empty: the key."""

    @property
    def identity(self) -> str:
        """The same however often it is re-ingested."""
        return f"{self.origin or self.key}#{self.line}"


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """A batch that documents state."""

    digest: str
    """See :class:`streamtally.transform.batch.Batch`."""
    batch_id: str
    """Its own id."""
    records: int
    """How many records it has."""
    first_arrival: int
    """In ms since the epoch."""
    last_arrival: int
    """In ms since the epoch."""


class Batches(Protocol):
    """Looks up batches that were counted, as a whole or in part."""

    def find(self, first: int, last: int) -> Sequence[FoundBatch]:
        """All batches that have records between two arrivals, in ms since the epoch."""

    def rows(self, batch_id: str) -> Sequence[Mapping[str, Any]]:
        """The documents of a batch's rows."""


Opened = Mapping[FailedRecord, Record]


def records_of(batch: FoundBatch, group: Sequence[FailedRecord], opened: Opened) -> list[FailedRecord] | None:
    """The records of a group that are this batch, by its digest; None if they are not all there."""
    inside = [failed for failed in group if batch.first_arrival <= failed.arrival <= batch.last_arrival]
    # Two batches may meet within one millisecond, so runs of the right length are tried, in the file's order.
    for start in range(max(0, len(inside) - batch.records) + 1):
        run = inside[start : start + batch.records]
        if len(run) == batch.records and describe_batch([opened[failed] for failed in run]).digest == batch.digest:
            return run
    return None


def missing_documents(
    outcome: Outcome, pipeline: Pipeline, batches: Batches | None, batch_id: str
) -> list[tuple[str | None, bytes]] | None:
    """The documents of a batch without the rows that are indexed: a row's id depends on its recordId, which is lost.

    None: some rows are indexed that another plan made.
    """
    made = [(delivery.stream, encoded) for delivery in outcome.deliveries for encoded in delivery.documents]
    if batches is None or not any("row_id" in orjson.loads(encoded)["tally"] for _, encoded in made):
        return made
    indexed: Counter[bytes] = Counter()
    for document in batches.rows(batch_id):
        if document["tally"]["plan_id"] != pipeline.plan_id:
            return None
        indexed[_content(document)] += 1
    documents = []
    for stream, encoded in made:
        document = orjson.loads(encoded)
        content, tally = _content(document), document["tally"]
        if "row_id" in tally and tally["batch_id"] == batch_id and indexed[content] > 0:
            indexed[content] -= 1
        else:
            documents.append((stream, encoded))
    return documents


def _content(document: Mapping[str, Any]) -> bytes:
    """What a row's document holds apart from its id."""
    tally = document["tally"]
    columns = {name: value for name, value in document.items() if name != "tally"}
    return canonical_json([tally["output"], tally.get("time"), columns])
