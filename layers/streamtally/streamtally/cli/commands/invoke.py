"""``streamtally invoke``: its options and its help; :mod:`streamtally.cli.invoke` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.pipeline_option import pipeline_option
from streamtally.cli.shared.reference_options import reference_option


@click.command("invoke")
@click.argument("event", type=click.Path(path_type=Path), metavar="EVENT.json")
@pipeline_option
@reference_option
def command(**options: Any) -> int:
    """Run the transform on an event file; prints the response on standard output and partials on standard error.

    Exit status 1: no row could be counted; what was not counted, and why, is on standard error.

    Example: streamtally invoke events/apache-lines.json
    """
    from streamtally.cli.invoke import execute

    return execute(**options)
