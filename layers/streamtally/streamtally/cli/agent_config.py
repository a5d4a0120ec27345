"""``streamtally agent-config``: the configuration of a log shipper."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.aws_options import ask, aws_options, yes_option
from streamtally.cli.shared.files import write_atomically
from streamtally.errors import SettingsError
from streamtally.local.agent_config import AGENT_FORMATS, RAW, agent_config, fluent_bit_config, vector_config


@click.command("agent-config")
@click.option("--log", "log", required=True, metavar="PATH", help="Log file; * is allowed in the file name only.")
@click.option("--stream", required=True, help="Delivery stream.")
@click.option("--format", "format_name", default=RAW, show_default=True,
              help=f"What the agent sends: {' | '.join(AGENT_FORMATS)}.")  # fmt: skip
@click.option("--for", "shipper", type=click.Choice(["agent", "fluent-bit", "vector"]), default="agent",
              show_default=True, help="Shipper to configure.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: standard output.")
@yes_option
@aws_options
def command(aws: Aws, log: str, stream: str, format_name: str, shipper: str, out: Path | None, yes: bool) -> int:
    """Write agent.json (or a Fluent Bit or Vector snippet) that sends a log to a delivery stream.

    With raw lines, the transform does the parsing and drops nothing. Any other --format makes the agent convert lines
    to JSON (LOGTOJSON).

    Example: streamtally agent-config --log '/var/log/httpd/access_log*' --stream log-ingestion-stream
    """
    region = aws.region
    if not region:
        raise SettingsError("no region: pass --region, or set AWS_REGION")
    if not Path(log).is_absolute():
        raise SettingsError(f"--log {log!r}: the agent needs an absolute path")
    if shipper != "agent" and format_name != RAW:
        raise SettingsError(f"--format {format_name} is only for the Kinesis Agent; {shipper} sends raw lines")
    if shipper == "agent":
        text = agent_config(log, stream, region, format_name)
    else:
        text = (fluent_bit_config if shipper == "fluent-bit" else vector_config)(log, stream, region)
    if out is None:
        click.echo(text, nl=False)
    else:
        # The file may hold the settings of an agent in use.
        if out.exists():
            ask(f"{out} already exists. Overwrite it?", yes)
        write_atomically(out, text)
    return 0
