"""The steps in which Firehose bills records.

Source: Amazon Data Firehose pricing, "Direct PUT and KDS as a source": each record is rounded up to the next 5 KB.
"""

from __future__ import annotations

import math

STEP_BYTES = 5 * 1024
"""5 KB, in which Firehose counts a record's size."""
FULL_RECORD_BYTES = 20 * STEP_BYTES
"""What ``agent-config`` aggregates lines to: 20 steps, so that rounding up costs at most a twentieth."""
FIX_SMALL_RECORDS = (
    f"send many lines in a record: aggregatedRecordSizeBytes {FULL_RECORD_BYTES} in agent.json, simple_aggregation in "
    "Fluent Bit, reduce in Vector (streamtally agent-config writes them)"
)
"""What to do about small records."""
NOTABLE_MULTIPLE = 1.5
"""From this multiple of what was sent, the doctor says so."""


def billed_bytes(record_bytes: float) -> int:
    """The bytes billed for one record of this size."""
    return max(1, math.ceil(record_bytes / STEP_BYTES)) * STEP_BYTES


def billed_multiple(incoming_bytes: float, incoming_records: float) -> float | None:
    """Bytes billed / bytes sent, at least: what it is if no record is larger than one step, else 1 or more.

    Sums alone say no more, since they do not show how sizes are distributed. None: nothing was sent.
    """
    if incoming_bytes <= 0 or incoming_records <= 0:
        return None
    return max(1.0, incoming_records * STEP_BYTES / incoming_bytes)
