"""``streamtally agent-config``: its options and its help; :mod:`streamtally.cli.agent_config` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamtally.cli.shared.aws_options import aws_options, yes_option
from streamtally.cli.shared.completions import complete_among

FORMATS = (
    "raw",
    "apache_common",
    "apache_combined",
    "COMMONAPACHELOG",
    "COMBINEDAPACHELOG",
    "APACHEERRORLOG",
    "SYSLOG",
    "RFC3339SYSLOG",
)
"""The names in local/agent_config.py, which imports the agent's patterns; a test holds both together."""


@click.command("agent-config")
@click.option("--log", "log", required=True, metavar="PATH", help="Log file; * is allowed in the file name only.")
@click.option("--stream", required=True, help="Delivery stream.")
@click.option("--format", "format_name", default=FORMATS[0], show_default=True,
              shell_complete=complete_among(FORMATS),
              help=f"What the agent sends: {' | '.join(FORMATS)}.")  # fmt: skip
@click.option("--for", "shipper", type=click.Choice(["agent", "fluent-bit", "vector"]), default="agent",
              show_default=True, help="Shipper to configure.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: standard output.")
@yes_option
@aws_options
def command(**options: Any) -> int:
    """Write agent.json (or a Fluent Bit or Vector snippet) that sends a log to a delivery stream.

    With raw lines, the transform does the parsing and drops nothing. Any other --format makes the agent convert lines
    to JSON (LOGTOJSON).

    Example: streamtally agent-config --log '/var/log/httpd/access_log*' --stream log-ingestion-stream
    """
    from streamtally.cli.agent_config import execute

    return execute(**options)
