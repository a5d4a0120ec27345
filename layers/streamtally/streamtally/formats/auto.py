"""``auto``: each line by its own looks, for streams that several kinds of servers and agents write to.

How a line begins says which formats it can be of; these are tried, in an order that never changes. What a line means
thus hangs on nothing but the line (a retried batch may come in another order), with one exception: in a record that
holds a ``#Fields:`` line, that names the columns of the W3C lines behind it.
"""

from __future__ import annotations

import re
from types import ModuleType

from streamtally.errors import FormatError
from streamtally.formats import (
    alb,
    apache_combined,
    apache_common,
    apache_error,
    cloudfront,
    elb,
    haproxy,
    json_lines,
    logfmt,
    ltsv,
    nginx_error,
    rfc3339_syslog,
    rfc5424,
    s3_access,
    syslog,
    w3c,
)
from streamtally.formats.base import Format, FormatOptions, Parser, Row

CANDIDATES = (json_lines.FORMAT, apache_combined.FORMAT, apache_common.FORMAT)
"""The formats whose fields have their types in ``auto`` too; others' names mean other things from one to the next."""

JSON_SPACE = " \t\r"
"""JSON's white space within a line; a no-break space or a vertical tab in front makes it another line."""

# How a line begins → the formats that it can be of. The first that fits decides; all else comes last.
_BEGINNINGS: tuple[tuple[str, tuple[ModuleType, ...]], ...] = (
    (r"[\x20\t\r]*\{", (json_lines,)),
    (r"<[0-9]{1,3}>[1-9][0-9]{0,2}\x20", (rfc5424, syslog)),
    (r"<[0-9]{1,3}>[0-9]{4}-", (rfc3339_syslog,)),
    (r"(?:<[0-9]{1,3}>)?[A-Z][a-z]{2}\x20{1,2}[0-9]", (haproxy, syslog)),
    (r"\[", (apache_error, apache_combined, apache_common)),
    (r"[0-9]{4}/", (nginx_error,)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}\t", (cloudfront,)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", (elb, haproxy, rfc3339_syslog)),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}\x20|[#]", (w3c,)),
    (r"(?:https?|h2|grpcs|wss?)\x20[0-9]{4}-", (alb,)),
    (r"[0-9a-f]{64}\x20", (s3_access, apache_combined, apache_common)),
    (r"[0-9A-Za-z_.\-]{1,200}:[^\t]*+\t", (ltsv,)),
    (r"", (apache_combined, apache_common, haproxy, logfmt)),
)
DETECTED: tuple[Format, ...] = tuple(
    {module.FORMAT.name: module.FORMAT for _, modules in _BEGINNINGS for module in modules}.values()
)
"""The formats that ``auto`` tells apart."""

_is_combined = apache_combined.LAYOUT.usual_pattern.match
_BEGINNING = re.compile("|".join(f"({expression})" for expression, _ in _BEGINNINGS), re.ASCII)


def is_json_text(line: str) -> bool:
    """Whether ``auto`` takes the line for JSON: it starts as an object does, behind JSON's own white space.

    What this takes goes on as it came, so no other format may ever be asked for such a line.
    """
    return line[:1] == "{" or line.lstrip(JSON_SPACE)[:1] == "{"


class AutoParser:
    """Parses each line by how it begins; ``fresh`` gives a parser for another record.

    Combined lines are most of what comes and fit nothing else, so they are asked for before anything.
    """

    def __init__(self, parsers: dict[str, Parser]) -> None:
        self._parsers = parsers
        rows = [[self._parsers[module.FORMAT.name] for module in modules] for _, modules in _BEGINNINGS]
        self._by_beginning = [None, *rows]
        self._parse_combined = self._parsers[apache_combined.FORMAT.name]

    def fresh(self) -> Parser:
        """A parser for another record; the same where no header was seen."""
        seen = self._parsers[w3c.FORMAT.name]
        fresh = seen.fresh() if isinstance(seen, w3c.W3cParser) else seen
        return self if fresh is seen else AutoParser({**self._parsers, w3c.FORMAT.name: fresh})

    def __call__(self, line: str) -> Row:
        if line[:1] != "{" and _is_combined(line) is not None and not is_json_text(line):
            return self._parse_combined(line)
        found = _BEGINNING.match(line)
        parsers = self._by_beginning[found.lastindex or 0] if found else None
        for parse in parsers or ():
            try:
                return parse(line)
            except FormatError as error:
                if len(parsers or ()) == 1:
                    raise FormatError("auto", error.reason, error.position) from None
        raise FormatError("auto", "of no known format")


def compile_auto(options: FormatOptions) -> Parser:
    """A parser that tells the formats apart line by line."""
    return AutoParser({each.name: each.compile(options) for each in DETECTED})
