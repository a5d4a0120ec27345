"""At which rate a pipeline's settling no longer keeps up with one run each minute.

Source: docs/indices.md, "Capacity of one run": what two busy cores did. A run has 38 s; it writes up to three documents
for each window and key, of which those cores write 80,000, and merges partials in what is left of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamtally.cost.bill import Case
from streamtally.cost.volumes import SECONDS_A_DAY

RUN_SECONDS = 38.0
DOCUMENTS_A_RUN = 80_000
PARTIALS_A_SECOND = 131_000
"""Partials that are merged in a second: 300,000 took 1.0 s of a run, and the table's figures give this rate."""
WINDOWS_A_BATCH = 2


def batches_a_minute(keys: float, writes: int = 3) -> float:
    """How many batches of two windows and all keys one run a minute settles; 0: too many keys at any rate."""
    left = 1 - keys * writes / DOCUMENTS_A_RUN
    if left <= 0:
        return 0.0
    return left * RUN_SECONDS * PARTIALS_A_SECOND / (WINDOWS_A_BATCH * keys) if keys else float("inf")


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a pipeline settles.

    Attributes:
        keys: Of all windowed outputs.
        batches_a_minute: That one run a minute settles; inf: nothing has to be settled.
        indexed_batches_a_minute: Whose partials the same two cores index.
        lines_a_day: At which the smaller of the two is reached, with full batches.
    """

    keys: float
    batches_a_minute: float
    indexed_batches_a_minute: float
    lines_a_day: float


def find_capacity(case: Case) -> Capacity:
    """The rate at which settling no longer keeps up: batches are full from then on, of the size of the buffer."""
    settled = batches_a_minute(case.keys, case.assumed.writes_a_document)
    indexed = DOCUMENTS_A_RUN / RUN_SECONDS * 60 / (WINDOWS_A_BATCH * case.keys) if case.keys else float("inf")
    lines_of_a_full_batch = case.stack.transform_buffer_bytes / case.sample.line_bytes
    lines_a_day = min(settled, indexed) * lines_of_a_full_batch * SECONDS_A_DAY / 60
    return Capacity(case.keys, settled, indexed, lines_a_day)
