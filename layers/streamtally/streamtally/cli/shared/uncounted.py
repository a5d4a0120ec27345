"""Nothing is silent: what a command did not count is on standard error, and no count at all is a finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from streamtally.config.outputs import ERROR_STREAM
from streamtally.report.uncounted import ReadAs, find_uncounted
from streamtally.transform.ledger import Ledger, OutputLedger
from streamtally.transform.pipeline import Pipeline

MAX_REASONS = 20


def echo_uncounted(ledger: Ledger, pipeline: Pipeline, read_as: ReadAs) -> bool:
    """Print what was not counted, why, and what to do.

    Returns: whether there was something to count, and nothing could be counted.
    """
    names = [name for name in pipeline.outputs if name != ERROR_STREAM]
    outputs = {name: ledger.outputs.get(name, OutputLedger()) for name in names}
    uncounted = find_uncounted(ledger, outputs, read_as)
    for note in uncounted.notes:
        click.echo(f"{'streamtally' if uncounted.is_nothing else 'note'}: {note}", err=True)
    return uncounted.is_nothing


def counted_json(ledger: Ledger, pipeline: Pipeline) -> dict[str, Any]:
    """Why lines did not become rows (``reasons``), and what became of the rows in each output (``counted``).

    An output that several pumps fill has one entry: its rows have one fate by each.
    """
    streams = streams_of(pipeline)
    return {
        "reasons": dict(ledger.reasons.most_common(MAX_REASONS)),
        "counted": {stream: _add_up(ledger, names).to_json(MAX_REASONS) for stream, names in streams.items()},
    }


def streams_of(pipeline: Pipeline) -> dict[str, list[str]]:
    """The in-application streams → the plan's outputs into them, one for each pump."""
    stream_of = {node["name"]: node.get("stream", node["name"]) for node in pipeline.document["plan"]["outputs"]}
    streams: dict[str, list[str]] = {}
    for name in pipeline.outputs:
        streams.setdefault(stream_of[name], []).append(name)
    return streams


def _add_up(ledger: Ledger, names: Iterable[str]) -> OutputLedger:
    total = OutputLedger()
    for name in names:
        total.add(ledger.outputs.get(name, OutputLedger()))
    return total
