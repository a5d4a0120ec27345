"""``streamtally parse``: its options and its help; :mod:`streamtally.cli.parse` does the work."""

from __future__ import annotations

from typing import Any

import click

from streamtally.cli.shared.source_options import format_options


@click.command("parse")
@click.argument("file", default="-", metavar="[FILE]")
@format_options
@click.option("--unescape", is_flag=True, help="Decode the log's escapes (\\\", \\xHH) in quoted fields.")
@click.option("--split-request", is_flag=True, help="Add method, path, query and protocol after the request.")
@click.option(
    "--anonymize",
    is_flag=True,
    help="Mask addresses, wherever they stand: the last octet, or the last 80 bits of IPv6.",
)
@click.option(
    "--agent-options",
    metavar="JSON",
    help="Print what the Kinesis Agent would send; JSON is its dataProcessingOptions, a flow, an agent.json with one "
    "flow, or @FILE.",
)
def command(**options: Any) -> int:
    """Parse each line of FILE (default: standard input) and print it as a line of JSON.

    Lines that do not parse are reported on standard error with line number and reason; the exit status is then 1.

    Example: streamtally parse access.log --format apache_combined
    """
    from streamtally.cli.parse import execute

    return execute(**options)
