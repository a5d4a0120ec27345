"""One invocation of the transform: what the function's handler and the local run have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from streamtally.aws.clock import TimeLeft
from streamtally.aws.handlers.delivery import Deliver
from streamtally.transform.bounds import Bounds
from streamtally.transform.envelope import UNSEALED, Seal
from streamtally.transform.event import event_records, source_arn
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.ledger import PYTHON, Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.record import Records
from streamtally.transform.records import decode_records
from streamtally.transform.response import encode_response
from streamtally.transform.transform import transform

if TYPE_CHECKING:
    from streamtally.transform.kernel.event import Answer


class Reingest(Protocol):
    """Sends envelopes into the stream that the event came from. Raises: SinkError."""

    def __call__(self, event: Mapping[str, Any], envelopes: Sequence[bytes], time_left: TimeLeft) -> None: ...


def answer_batch(
    pipeline: Pipeline,
    deliver: Deliver,
    event: Mapping[str, Any],
    time_left: TimeLeft,
    now_ms: int,
    reingest: Reingest | None = None,
    seal: Seal = UNSEALED,
    bounds: Bounds | None = None,
    headers: Mapping[str, tuple[str, ...]] | None = None,
    kernel: Kernel | None = None,
) -> tuple[dict[str, Any], Ledger]:
    """Transform an event's records, send its documents, and only then answer.

    Args:
        time_left: the seconds left of the invocation; called before anything is sent, re-ingested or parked.
        now_ms: the arrival of records that carry none.
        reingest: takes the records that would make the response too large; None: they are answered ProcessingFailed.
        seal: signs envelopes, and decides which are trusted.
        bounds: what is read at most, in place of the pipeline's own.
        headers: recordId → the header lines in force before the record, where they are known; Firehose knows none.
        kernel: reads what it can of events, with the same result; None: Python reads them.
    Returns: the response for Firehose, and the batch's ledger.
    Raises: EventError: the event is not one of a transformation, and nothing was sent; SinkError: documents could not
        be sent; Firehose retries with the same records.
    """
    raw_records = event_records(event)
    kernel_error = ""
    if kernel is not None and not headers:
        answer, kernel_error = _answer_by_kernel(kernel, pipeline, raw_records, now_ms, seal, bounds)
        if answer is not None:
            deliver(answer.deliveries, time_left)
            return answer.response, answer.ledger
    records = decode_records(raw_records, now_ms, seal, pipeline.max_age_ms)
    if not source_arn(event) or not pipeline.source.settings.reingest:  # no stream takes anything back
        reingest = None
    if headers:
        records = Records([record._replace(header=headers.get(record.id, record.header)) for record in records])
    outcome = transform(pipeline, records, can_reingest=reingest is not None, seal=seal, bounds=bounds)
    deliver(outcome.deliveries, time_left)
    if outcome.envelopes and reingest is not None:
        reingest(event, outcome.envelopes, time_left)
    if kernel is not None:
        outcome.ledger.way, outcome.ledger.kernel_error = PYTHON, kernel_error
    return encode_response(outcome.responses), outcome.ledger


def _answer_by_kernel(
    kernel: Kernel,
    pipeline: Pipeline,
    records: Sequence[Mapping[str, Any]],
    now_ms: int,
    seal: Seal,
    bounds: Bounds | None,
) -> tuple[Answer | None, str]:
    """The kernel's answer, or None, and why it failed, if it did. Nothing is sent by then: Python reads the event."""
    # Imported here so that a function without a kernel does not pay for it.
    from streamtally.transform.kernel.event import read_by_kernel

    try:
        return read_by_kernel(kernel, pipeline, records, now_ms, seal, bounds), ""
    except Exception as error:  # a panic is one too; whatever is wrong with the kernel, Python's way is not affected
        return None, f"{type(error).__name__}: {error}"
