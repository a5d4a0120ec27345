"""``streamtally attach``: its options and its help; :mod:`streamtally.cli.attach` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.aws.streams.describe import DEFAULT_STACK
from streamtally.cli.shared.aws_options import aws_options, json_option, wait_option, yes_option


@click.command("attach")
@click.argument("stream")
@click.option("--function", "function", metavar="NAME|ARN[:ALIAS]", help="Transform function; default: the stack's.")
@click.option("--stack", default=DEFAULT_STACK, show_default=True, help="Stack that --function defaults to.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the checks and the change; change nothing.")
@click.option("--grant", is_flag=True, help="Also allow the stream's role to invoke the function.")
@click.option("--replace", is_flag=True, help="Replace another function; enable disabled processing.")
@click.option("--pipeline", type=click.Path(path_type=Path), metavar="DIR",
              help="The deployed pipeline folder, if the function's pipeline cannot be read.")  # fmt: skip
@click.option("--buffer-mbs", type=click.FloatRange(0.2, 3), help="Buffer size per invocation, in MB.  [default: 1]")
@click.option("--buffer-seconds", type=click.IntRange(0, 900), help="Buffer interval, in seconds.  [default: 60]")
@click.option("--retries", type=click.IntRange(0, 300), help="Retries of a failed invocation.  [default: 3]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Undo file.  [default: STREAM.undo.json]")
@wait_option
@yes_option
@json_option
@aws_options
def command(**options: Any) -> int:
    """Add the transform to STREAM and keep the rest of its configuration.

    Runs checks, shows the change as a diff, asks for confirmation, writes an undo file and makes the change. If the
    function is already attached, nothing changes. Exit status 1: a check failed, and nothing was changed.

    Example: streamtally attach log-ingestion-stream --function streamtally-transform --plan
    """
    from streamtally.cli.attach import execute

    return execute(**options)
