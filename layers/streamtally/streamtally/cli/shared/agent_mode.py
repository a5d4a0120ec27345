"""``streamtally parse --agent-options``: what the Kinesis Agent would send, byte for byte."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from streamtally.agent import AgentFlow, Converted, flow_of
from streamtally.cli import EXIT_FOUND
from streamtally.errors import SettingsError
from streamtally.local.logs import STANDARD_INPUT, open_log, refuse_broken
from streamtally.text import visible

_SHOWN_CHARS = 200


def read_options(text: str) -> Any:
    """The JSON of ``--agent-options``, inline or in ``@FILE``. Raises: SettingsError."""
    try:
        return json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except OSError as error:
        raise SettingsError(f"--agent-options {text}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"--agent-options is not JSON: {error}; copy the list from agent.json") from None


def print_converted(file: str, options: str) -> int:
    """Write what the agent sends; report what it skips or sends unmodified on standard error.

    Returns: 1 if any record was not sent or not converted, else 0. Raises: SettingsError: the agent would not start.
    """
    flow = flow_of(read_options(options))
    shown = "standard input" if file == STANDARD_INPUT else file
    return EXIT_FOUND if _convert(flow, file, shown) else 0


def _convert(flow: AgentFlow, file: str, shown: str) -> int:
    out, number, remarks = sys.stdout.buffer, flow.framing.skip_lines + 1, 0
    with open_log(file, is_decoded=False) as log, refuse_broken(shown, lambda: number - 1):
        for converted in flow.convert_file(log, datetime.now(UTC)):
            if converted.data is not None:
                out.write(converted.data)
            if remark := _remark(converted):
                remarks += 1
                text = visible(converted.source.decode(errors="replace").rstrip("\n"), _SHOWN_CHARS)
                click.echo(f"{visible(shown)}:{number}: {remark}: {text}", err=True)
            number += converted.source.count(b"\n")
    out.flush()
    if flow.framing.from_end:
        click.echo(f"{visible(shown)}: initialPosition END_OF_FILE: the agent skips the existing content", err=True)
    return remarks + flow.framing.from_end


def _remark(converted: Converted) -> str | None:
    if converted.reason is None or converted.data is None:
        return converted.reason or converted.warning
    return f"{converted.reason} (sent unmodified)"
