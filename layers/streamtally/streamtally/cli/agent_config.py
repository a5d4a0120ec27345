"""``streamtally agent-config``: the configuration of a log shipper."""

from __future__ import annotations

from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.aws_options import ask
from streamtally.cli.shared.files import write_atomically
from streamtally.errors import SettingsError
from streamtally.local.agent_config import RAW, agent_config, fluent_bit_config, vector_config


def execute(aws: Aws, log: str, stream: str, format_name: str, shipper: str, out: Path | None, yes: bool) -> int:
    """Run ``streamtally agent-config``. Returns: the exit status. Raises: SettingsError."""
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
