"""``streamtally parse``: log lines to JSON lines."""

from __future__ import annotations

import sys
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from streamtally.cli.source_options import SourceOptions, format_options
from streamtally.errors import FormatError
from streamtally.local.logs import STANDARD_INPUT, check_logs, read_log
from streamtally.records import to_text
from streamtally.report.text import visible
from streamtally.source import Source, source_settings


@click.command("parse")
@click.argument("file", default=STANDARD_INPUT, metavar="[FILE]")
@format_options
def command(file: str, format_name: str | None, pattern: str | None, fields: str | None) -> int:
    """Print a JSON line for each line of FILE (else of standard input) that parses.

    Lines that do not are reported on standard error with their number and the reason, and the exit status is 1.

    Example: streamtally parse access.log --format apache_combined
    """
    settings: dict[str, Any] = SourceOptions(format_name, pattern, fields).apply({})
    source = Source(source_settings(settings), ZoneInfo)
    check_logs([file])
    out, unparsed = sys.stdout.buffer, 0
    for line in read_log(file):
        text = to_text(line.data.removesuffix(b"\n").removesuffix(b"\r"))
        if not text:
            continue
        try:
            row = source.parse(text)
        except FormatError as error:
            unparsed += 1
            click.echo(f"{visible(line.file)}:{line.number}: {error.reason}: {visible(text, 200)}", err=True)
            continue
        out.write(
            text.encode() + b"\n" if source.is_json(text) else orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        )
    out.flush()
    return 1 if unparsed else 0
