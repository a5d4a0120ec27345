"""``streamtally agent-config``: the configuration of a log shipper."""

from __future__ import annotations

import re
from pathlib import Path

import click

from streamtally.aws.clients import Aws
from streamtally.cli.shared.aws_options import ask
from streamtally.cli.shared.files import write_atomically
from streamtally.config.units import STREAM_PATTERN, STREAM_RULE
from streamtally.errors import SettingsError
from streamtally.local.agent_config import RAW, agent_config, fluent_bit_config, vector_config


def execute(aws: Aws, log: str, stream: str, format_name: str, shipper: str, out: Path | None, yes: bool) -> int:
    """Run ``streamtally agent-config``. Returns: the exit status. Raises: SettingsError."""
    if problem := aws.region_problem():
        raise SettingsError(problem)
    region = aws.region
    _check_names(log, stream, shipper)
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


def _check_names(log: str, stream: str, shipper: str) -> None:
    """Raises: SettingsError: the shipper could read no such log, or no stream can have the name."""
    if not Path(log).is_absolute():
        raise SettingsError(f"--log {log!r}: the agent needs an absolute path")
    folder = str(Path(log).parent)
    if shipper == "agent" and any(character in folder for character in "*?[{"):
        raise SettingsError(f"--log {log!r}: the agent takes wildcards only in the file's name, not in its folder")
    if not re.fullmatch(STREAM_PATTERN, stream):
        raise SettingsError(f"--stream {stream!r}: {STREAM_RULE}")
