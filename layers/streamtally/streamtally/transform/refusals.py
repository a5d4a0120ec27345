"""Lines that ``auto`` certainly refuses: they are recognized together, and their JSON is written without errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from streamtally.formats.auto import OF_NO_FORMAT, AutoParser
from streamtally.formats.base import Parser
from streamtally.transform.ledger import Ledger
from streamtally.transform.record import Record

AFTER_TEXT = f',"reason":"{OF_NO_FORMAT}"}}\n'
"""What follows a line's text in its JSON."""


def rule_out(parse: Parser, records: Iterable[Record], lines: Sequence[str]) -> list[bool]:
    """Which lines are certainly refused, unless a header line precedes them; empty if it is not worth a look.

    Args:
        parse: what reads lines.
        records: those of the lines.
        lines: what is not plain in them.
    """
    if not lines or not isinstance(parse, AutoParser) or any(record.header for record in records):
        return []
    return parse.rule_out(lines)


def has_header(parse: Parser) -> bool:
    """Whether a header line was seen, after which the lines of its record may begin with anything."""
    return not isinstance(parse, AutoParser) or parse.has_header


def refused_json(line: str) -> str:
    """What the transform answers for such a line."""
    return f'{{"unparsed":{orjson.dumps(line).decode()}{AFTER_TEXT}'


def count_refused(ledger: Ledger, lines: int) -> None:
    """Count so many of them."""
    if lines:
        ledger.unparsed += lines
        ledger.reasons[OF_NO_FORMAT] += lines
