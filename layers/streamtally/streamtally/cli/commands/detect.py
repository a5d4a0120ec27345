"""``streamtally detect``: its options and its help; :mod:`streamtally.cli.detect` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.aws_options import json_option


@click.command("detect")
@click.argument("file", default="-", metavar="[FILE]")
@click.option(
    "--lines", type=click.IntRange(min=1), default=10_000, show_default=True, help="Maximum number of lines to read."
)
@click.option("--anonymize", is_flag=True, help="Mask the addresses in what is printed of the lines.")
@json_option
def command(**options: Any) -> int:
    """Detect the format of FILE (default: standard input), and show where lines stop fitting it.

    Also shows the roles of its fields, what run counts by default, and commands to run next.

    Exit status 1: some lines do not fit.

    Example: streamtally detect access.log
    """
    from streamtally.cli.detect import execute

    return execute(**options)
