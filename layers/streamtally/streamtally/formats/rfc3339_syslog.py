r"""Syslog files with ISO times, as rsyslog writes them: ``2025-01-02T03:04:05.678901+09:00 host app[77]: …``.

Source: RFC 3339; rsyslog, template RSYSLOG_FileFormat.
"""

from __future__ import annotations

from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.layout import match_end
from streamtally.formats.role_names import SEVERITIES
from streamtally.formats.syslog import FIELDS, PRIORITY, TAIL, compile_like
from streamtally.lazy_patterns import pattern_when_used

TIMESTAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?+"
    r"(?:[Zz]|[+\-][0-9]{2}:?[0-9]{2})"  # RFC 3339 requires the colon; some writers omit it
)

PIECES = (PRIORITY, rf"({TIMESTAMP})", *TAIL)
_compile = compile_like("rfc3339_syslog", "not a syslog line with an ISO time", f"({TIMESTAMP})", PIECES)
_OF_SYSLOGD = pattern_when_used(r"last message repeated|-- MARK --")  # its own messages, which have no program


def compile_certain(options: FormatOptions) -> Parser:
    """A parser of the lines that no other log writes: those with a priority, a facility, a program, or of syslogd.

    Many programs write an ISO time and words, of which the first would be read as the host.
    """
    parse_any = _compile(options)

    def parse(line: str) -> Row:
        row = parse_any(line)
        if row["program"] is None and row["facility"] is None and not _OF_SYSLOGD.match(row["message"]):
            raise FormatError("rfc3339_syslog", "an ISO time without a program after it")
        return row

    return parse


FORMAT = Format(
    name="rfc3339_syslog",
    summary="Syslog files with RFC 3339 times.",
    source="RFC 3339; rsyslog: RSYSLOG_FileFormat",
    fields=(
        *FIELDS[:2],
        Field("timestamp", "VARCHAR", "ISO 8601 with an offset"),
        *FIELDS[3:],
    ),
    examples=(
        Example(
            "2025-01-02T03:04:05.678901+09:00 host app[77]: message",
            {
                "facility": None,
                "severity": None,
                "timestamp": "2025-01-02T03:04:05.678901+09:00",
                "hostname": "host",
                "program": "app",
                "processid": "77",
                "message": "message",
            },
        ),
    ),
    compile=_compile,
    time_field="timestamp",
    time_format="iso8601",
    locate=partial(match_end, PIECES),
    roles=Roles(level="severity", levels=SEVERITIES),
)
