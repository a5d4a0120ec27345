"""``streamtally parse``: log lines → JSON lines."""

from __future__ import annotations

import sys
from typing import Any
from zoneinfo import ZoneInfo

import click

from streamtally.cli import EXIT_FOUND
from streamtally.cli.shared.agent_mode import print_converted
from streamtally.cli.shared.source_options import SourceOptions
from streamtally.config.source import source_settings
from streamtally.errors import SettingsError, read_failure
from streamtally.formats.w3c_header import HEADER
from streamtally.local.logs import check_logs, join_log_parts, read_log
from streamtally.text import visible
from streamtally.transform.lines import encode_row
from streamtally.transform.payload_lines import to_text
from streamtally.transform.source import Source


def execute(
    file: str,
    format_name: str | None,
    pattern: str | None,
    fields: str | None,
    agent_options: str | None,
    **row_options: bool,
) -> int:
    """Run ``streamtally parse``. Returns: the exit status. Raises: SettingsError."""
    if agent_options is not None:
        if format_name or pattern or fields or any(row_options.values()):
            raise SettingsError("--agent-options cannot be combined with other options")
        check_logs([file])
        return print_converted(file, agent_options)
    settings: dict[str, Any] = SourceOptions(format_name, pattern, fields).apply(row_options)
    source = Source(source_settings(settings), ZoneInfo)
    check_logs([file])
    return EXIT_FOUND if _print_rows(file, source) else 0


def _print_rows(file: str, source: Source) -> int:
    """Print rows. Returns: how many lines did not parse; header lines do not count."""
    out, unparsed, parse = sys.stdout.buffer, 0, source.parser_for_record()
    for line in join_log_parts(read_log(file)):
        text = to_text(line.data.removesuffix(b"\n").removesuffix(b"\r"))
        if not text:
            continue
        try:
            row = parse(text)
            shown = text + "\n" if source.is_json(text, parse) else encode_row(row)
        except Exception as error:  # a hostile line may make a parser raise anything; the other lines go on
            reason = read_failure(error)
            if reason == HEADER:
                continue
            unparsed += 1
            click.echo(f"{visible(line.file)}:{line.number}: {reason}: {visible(source.hide(text), 200)}", err=True)
            continue
        out.write(shown.encode())
    out.flush()
    return unparsed
