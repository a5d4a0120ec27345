"""A batch of a log read by the kernel: what ``transform`` makes of it, byte for byte.

The arrivals of its records are read from its lines, so they are known only after these are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamtally.transform.batch import Batch
from streamtally.transform.documents import batch_info
from streamtally.transform.kernel.event import ENVELOPE_BYTES, FIXED_BYTES, Reading, can_read
from streamtally.transform.kernel.layouts import PlainLines, find_layout
from streamtally.transform.kernel.other_lines import put_plain
from streamtally.transform.kernel.protocol import Kernel, KernelBatch, OtherLine
from streamtally.transform.ledger import Ledger
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.response import MAX_RESPONSE_BYTES
from streamtally.transform.transform import Delivery


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """What a batch comes to."""

    ledger: Ledger
    deliveries: list[Delivery]
    delivered: bytes
    """The JSON of all records that are Ok."""
    failed: list[int]
    """The indices of records that are ProcessingFailed."""


class LogBatch:
    """A batch whose plain lines the kernel has read.

    Attributes:
        lines: what the kernel holds.
    """

    def __init__(self, plain: PlainLines, lines: KernelBatch, names: Sequence[str], others: list[OtherLine]) -> None:
        self.lines = lines
        self._plain = plain
        self._names = names
        self._others = others

    def answer(self, pipeline: Pipeline, arrivals: Sequence[int]) -> LogAnswer | None:
        """Everything that the batch comes to; None: it goes Python's way.

        Args:
            pipeline: reads the lines that are not plain.
            arrivals: of the records, in ms since the epoch.
        """
        self.lines.set_arrivals(arrivals)
        identity = self.lines.identify()
        if identity is None:
            return None
        batch = Batch(identity[0], len(self._names), min(arrivals), max(arrivals))
        info = batch_info(batch, identity[1], pipeline.plan_id)
        reading = Reading(pipeline, self._plain, self.lines, self._names.__getitem__, {}, info)
        reading.others.read(self._others, are_scanned=True)
        results = self.lines.results(MAX_RESPONSE_BYTES - ENVELOPE_BYTES, FIXED_BYTES)
        if results is None:
            return None
        delivered, ok, dropped, failed = results
        deliveries = reading.count((ok, dropped, len(failed)))
        return None if deliveries is None else LogAnswer(reading.ledger, deliveries, delivered, failed)


def read_log_batch(kernel: Kernel, pipeline: Pipeline, names: Sequence[str], data: Sequence[bytes]) -> LogBatch | None:
    """The plain lines of a batch; None: it goes Python's way, since not all of its lines can be told apart.

    Args:
        names: the records' ids.
        data: the records' data.
    """
    plain = can_read(pipeline) if data else None
    layout = find_layout(kernel, plain) if plain is not None else None
    lines = kernel.read_data(layout, names, data) if layout is not None else None
    pending = lines.scan() if lines is not None else None
    if plain is None or lines is None or pending is None:
        return None
    others: list[OtherLine] = []
    for item in pending:
        if item[0] != "lines":
            return None
        others += put_plain(lines, plain.scanner, item[1])
    return LogBatch(plain, lines, names, others)
