"""One invocation of the transform: what the function's handler and the local run share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.answer import encode_answer
from streamtally.aws.delivery import Deliver
from streamtally.ledger import Ledger
from streamtally.pipeline import Pipeline, transform
from streamtally.records import decode_records


def answer_batch(
    pipeline: Pipeline, deliver: Deliver, event: Mapping[str, Any], remaining_seconds: float, now_ms: int
) -> tuple[dict[str, Any], Ledger]:
    """Transform an event's records, put its documents, and only then answer.

    Args:
        remaining_seconds: what is left of the invocation's time.
        now_ms: the arrival of records that carry none.
    Returns: the answer for Firehose, and the batch's account.
    Raises: SinkError: documents could not be put; Firehose calls again with the same records.
    """
    outcome = transform(pipeline, decode_records(event["records"], now_ms))
    deliver(outcome.deliveries, remaining_seconds)
    return encode_answer(outcome.results), outcome.ledger
