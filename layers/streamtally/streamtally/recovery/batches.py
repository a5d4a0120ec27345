"""Records of failed invocations, and the batches that documents tell of.

An error file has neither batch boundaries nor recordIds. Each document names its batch's digest, over arrival times and
data, which an error file has: by that, records are found to be a batch, and the batch's own id with it.
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
from streamtally.transform.records import Record
from streamtally.transform.transform import Outcome


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """A line of an error file.

    Attributes: key, line: where it lies (lines count from 0); arrival, ended: ms; code: why; raw: its data in base64;
    origin: the object's path that a copy of it has too (default: the key).
    """

    key: str
    line: int
    arrival: int
    ended: int
    code: str
    raw: str
    origin: str = ""

    @property
    def identity(self) -> str:
        """The same however often it is put back."""
        return f"{self.origin or self.key}#{self.line}"


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """A batch that documents tell of: its digest, its id, how many records, its arrivals in ms."""

    digest: str
    batch_id: str
    records: int
    first_arrival: int
    last_arrival: int


class Batches(Protocol):
    """What is known of batches that were counted, in whole or in part."""

    def find(self, first: int, last: int) -> Sequence[FoundBatch]:
        """All batches that have records between two arrivals, in ms."""

    def rows(self, batch_id: str) -> Sequence[Mapping[str, Any]]:
        """The documents of a batch's rows."""


Opened = Mapping[FailedRecord, Record]


def records_of(batch: FoundBatch, group: Sequence[FailedRecord], opened: Opened) -> list[FailedRecord] | None:
    """The records of a group that are this batch, by its digest; None if they are not there whole."""
    inside = [each for each in group if batch.first_arrival <= each.arrival <= batch.last_arrival]
    # Two batches may meet within one millisecond, so runs of the right length are tried, in the file's order.
    for start in range(max(0, len(inside) - batch.records) + 1):
        run = inside[start : start + batch.records]
        if len(run) == batch.records and describe_batch([opened[each] for each in run]).digest == batch.digest:
            return run
    return None


def missing_documents(
    outcome: Outcome, pipeline: Pipeline, batches: Batches | None, batch_id: str
) -> list[tuple[str | None, bytes]] | None:
    """The documents of a batch, less the rows that are there: a row's id goes by its record, which nobody knows now.

    None: some rows are there, made by another plan.
    """
    made = [(delivery.stream, each) for delivery in outcome.deliveries for each in delivery.documents]
    if not any("row_id" in orjson.loads(each)["tally"] for _, each in made) or batches is None:
        return made
    there: Counter[bytes] = Counter()
    for document in batches.rows(batch_id):
        if document["tally"]["plan_id"] != pipeline.plan_id:
            return None
        there[_said(document)] += 1
    documents = []
    for stream, each in made:
        document = orjson.loads(each)
        said = _said(document)
        tally = document["tally"]
        if "row_id" in tally and tally["batch_id"] == batch_id and there[said] > 0:
            there[said] -= 1
        else:
            documents.append((stream, each))
    return documents


def _said(document: Mapping[str, Any]) -> bytes:
    """What a row says, but for its id."""
    tally = document["tally"]
    columns = {name: value for name, value in document.items() if name != "tally"}
    return canonical_json([tally["output"], tally.get("time"), columns])
