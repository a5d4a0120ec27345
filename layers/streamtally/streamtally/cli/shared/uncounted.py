"""Nothing is silent: what a command did not count is on standard error, and no count at all is a finding."""

from __future__ import annotations

import click

from streamtally.config.outputs import ERROR_STREAM
from streamtally.report.uncounted import ReadAs, find_uncounted
from streamtally.transform.ledger import Ledger, OutputLedger
from streamtally.transform.pipeline import Pipeline


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
