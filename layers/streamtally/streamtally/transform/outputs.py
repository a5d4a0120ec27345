"""The writers of a pipeline's outputs: rows in, documents out, for one group of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamtally.config.outputs import ERROR_STREAM
from streamtally.plan.rows import RowOutput
from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.ledger import OutputLedger
from streamtally.transform.output_writer import Output
from streamtally.transform.plain_counts import EXACT
from streamtally.transform.row_writer import ErrorWriter, RowWriter
from streamtally.transform.window_writer import WaysWriter, WindowWriter

Writer = WindowWriter | RowWriter | ErrorWriter


def make_writers(
    outputs: Mapping[str, Output],
    ledgers: Mapping[str, OutputLedger],
    batch_info: dict[str, Any],
    arrivals: tuple[int, int] = (0, 0),
    by_arrival: bool = False,
) -> list[Writer]:
    """The writers of the outputs for one group of records; the error output's is the last.

    Args:
        arrivals: the earliest and the latest of the group, in ms.
        by_arrival: count lines by their arrivals exactly; of itself by spans of them where they are so far apart that
            none can speak for the others. See :class:`WindowWriter`.
    """
    apart_ms = arrivals[1] - arrivals[0]
    errors: ErrorWriter | None = None
    error_output = outputs.get(ERROR_STREAM)
    if isinstance(error_output, RowOutput):
        errors = ErrorWriter(error_output, ledgers[ERROR_STREAM], batch_info)
    writers: list[Writer] = []
    for name, output in outputs.items():
        if output is error_output:
            continue
        if isinstance(output, WindowedOutput):
            writer = WaysWriter if output.ways else WindowWriter
            limit_ms = 1000 * min(output.settings.max_past_seconds, output.settings.max_ahead_seconds)
            arrival_ms = EXACT if by_arrival else max(EXACT, limit_ms) if apart_ms > limit_ms else None
            writers.append(writer(output, ledgers[name], batch_info, errors, arrival_ms))
        else:
            writers.append(RowWriter(output, ledgers[name], batch_info, errors))
    return writers if errors is None else [*writers, errors]
