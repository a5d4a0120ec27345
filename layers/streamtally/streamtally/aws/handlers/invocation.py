"""One invocation of the transform: what the function's handler and the local run share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from streamtally.aws.handlers.delivery import Deliver
from streamtally.aws.sinks.firehose import TimeLeft
from streamtally.transform.bounds import Bounds
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import encode_answer
from streamtally.transform.transform import transform


class PutBack(Protocol):
    """Puts envelopes into the stream that the event came from. Raises: SinkError."""

    def __call__(self, event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None: ...


def answer_batch(
    pipeline: Pipeline,
    deliver: Deliver,
    event: Mapping[str, Any],
    time_left: TimeLeft,
    now_ms: int,
    put_back: PutBack | None = None,
    seal: Seal = UNSEALED,
    bounds: Bounds | None = None,
) -> tuple[dict[str, Any], Ledger]:
    """Transform an event's records, put its documents, and only then answer.

    Args:
        time_left: the seconds that are left of the invocation; whatever puts, puts back or parks asks it first.
        now_ms: the arrival of records that carry none.
        put_back: takes the records that would make the answer too large; None: they are answered ProcessingFailed.
        seal: signs what goes back, and says whose envelopes are believed.
        bounds: what is read at most, in place of the pipeline's own.
    Returns: the answer for Firehose, and the batch's account.
    Raises: SinkError: documents could not be put; Firehose calls again with the same records.
    """
    records = decode_records(event["records"], now_ms, seal, pipeline.max_age_ms)
    outcome = transform(pipeline, records, can_put_back=put_back is not None, seal=seal, bounds=bounds)
    deliver(outcome.deliveries, time_left)
    if outcome.put_back and put_back is not None:
        put_back(event, outcome.put_back, time_left)
    return encode_answer(outcome.results), outcome.ledger
