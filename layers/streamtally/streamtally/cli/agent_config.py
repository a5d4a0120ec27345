"""``streamtally agent-config``: a right configuration of a log shipper."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.aws_options import ask, aws_options, yes_option
from streamtally.cli.shared.files import write_atomically
from streamtally.errors import SettingsError
from streamtally.local.agent_config import AGENT_FORMATS, RAW, agent_config, fluent_bit_config, vector_config


@click.command("agent-config")
@click.option("--log", "log", required=True, metavar="PATH", help="The log; * stands in the file's name alone.")
@click.option("--stream", required=True, help="The delivery stream.")
@click.option("--format", "format_name", default=RAW, show_default=True, help=" | ".join(AGENT_FORMATS))
@click.option("--for", "shipper", type=click.Choice(["agent", "fluent-bit", "vector"]), default="agent",
              show_default=True, help="Whose configuration.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file to write; else standard output.")
@yes_option
@aws_options
def command(aws: Aws, log: str, stream: str, format_name: str, shipper: str, out: Path | None, yes: bool) -> int:
    """Write agent.json (or a snippet for Fluent Bit or Vector) that sends a log to a delivery stream.

    Raw lines are for the transform, which drops nothing; another --format makes the agent send JSON (LOGTOJSON).

    Example: streamtally agent-config --log '/var/log/httpd/access_log*' --stream log-ingestion-stream
    """
    region = aws.region
    if not region:
        raise SettingsError("no region: pass --region, or set AWS_REGION")
    if not Path(log).is_absolute():
        raise SettingsError(f"--log {log!r}: the agent takes a path from the root")
    if shipper != "agent" and format_name != RAW:
        raise SettingsError(f"--format {format_name} is of the Kinesis Agent; {shipper} sends raw lines")
    if shipper == "agent":
        text = agent_config(log, stream, region, format_name)
    else:
        text = (fluent_bit_config if shipper == "fluent-bit" else vector_config)(log, stream, region)
    if out is None:
        click.echo(text, nl=False)
    else:
        # Somebody's settings may be in it, of an agent that runs.
        if out.exists():
            ask(f"{out} is there already: write over it?", yes)
        write_atomically(out, text)
    return 0
