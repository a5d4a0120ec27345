"""``streamtally detach``: its options and its help; :mod:`streamtally.cli.detach` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import aws_options, json_option, wait_option, yes_option


@click.command("detach")
@click.argument("stream")
@click.option(
    "--undo", "undo_file", type=click.Path(dir_okay=False, path_type=Path), help="Undo file that attach wrote."
)
@click.option("--plan", "plan_only", is_flag=True, help="Show the change; change nothing.")
@wait_option
@yes_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Restore STREAM to its state before attach; without an undo file, only remove the function.

    With --undo, the stream's processing and the role's permissions become exactly what they were. If the processing
    has been changed since attach, nothing is done.

    Example: streamtally detach log-ingestion-stream --undo log-ingestion-stream.undo.json
    """
    from streamtally.cli.detach import execute

    return execute(**options)
