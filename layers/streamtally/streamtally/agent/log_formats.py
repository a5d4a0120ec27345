"""The agent's own log patterns, rewritten to run in linear time.

They match and capture the same; a test compares them with the agent's own. A repeat is possessive (``++``) where
backtracking could not help: what follows cannot begin with what was matched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ANY = "[^\n\r\x85\u2028\u2029]"  # Java's "."
_REST = f"{_ANY}*+"  # the rest of the line
_S = r"[ \t\n\x0b\f\r]"  # Java's \s
_W = "[0-9A-Z_a-z]"  # Java's \w
_HOST = (
    r"(?:[0-9A-Z_a-z\-]++"  # a name: its first label,
    r"(?:\.[0-9A-Z_a-z\-]++)*+"  # further labels,
    r"\.?+"  # and a dot at its end;
    r"|[0-9.]++)"  # or an IPv4 address
)
_USER = r"[a-zA-Z0-9._\-]++"
_INT = "[+\\-]?+[0-9]++"
_MDAY = "(?:0[1-9]|[12][0-9]|3[01]|[1-9])"
_MONTH = (
    "(?:Jan(?:uary)?+|Feb(?:ruary)?+|Mar(?:ch)?+|Apr(?:il)?+|May|June?+|July?+|Aug(?:ust)?+|Sep(?:tember)?+"
    "|Oct(?:ober)?+|Nov(?:ember)?+|Dec(?:ember)?+)"
)
_DAY = "(?:Mon(?:day)?+|Tue(?:sday)?+|Wed(?:nesday)?+|Thu(?:rsday)?+|Fri(?:day)?+|Sat(?:urday)?+|Sun(?:day)?+)"
_TIME = (
    "(?:2[0123]|[01]?[0-9])"  # hour
    ":[0-5][0-9]"  # minute
    ":(?:[0-5]?[0-9]|60)"  # second
    "(?:[:.,][0-9]++)?"  # fraction
)
_YEAR = "[1-9][0-9]*+"
_QUOTED = '"([^"]++)"'

_COMMON = (
    rf"({_HOST})(?= )"  # host
    rf" ({_USER}) ({_USER})"  # ident, authuser
    rf" \[({_MDAY}/{_MONTH}/{_YEAR}:{_TIME}{_S}{_INT})\]"  # datetime
    rf" {_QUOTED}"  # request
    rf" ({_INT}|-) ({_INT}|-)"  # response, bytes
)
_FACILITY = (  # <facility.priority>, whose dot matches any character:
    r"(?:<[0-9]++"
    rf"(?:(?<=[0-9]{{3}})>"  # three digits without a dot match too
    rf"|{_ANY}[0-9]++>)"
    r" )?+"
)
_PROGRAM = (
    rf"{_FACILITY}"
    rf"({_USER}) "  # hostname
    rf"([0-9A-Z_a-z./%\-]++)"  # program
    rf"(?:\[([1-9][0-9]*+)\])?+"  # processid
    rf": ({_REST})"  # message
)
_RFC3339 = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"  # date
    r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]++)?+"  # time
    r"(?:Z|[-+][0-9]{2}:[0-9]{2})"  # offset
)
_ERROR = (
    rf"\[({_DAY}{_S}++{_MONTH}{_S}++{_MDAY}{_S}++{_TIME}{_S}++{_YEAR})\]"  # timestamp
    rf" \[(?:({_W}++):)?({_W}++)\]"  # module, severity
    r" \[pid ([0-9]++)(?::tid ([0-9]++))?+\]"  # processid, threadid
    rf" \[client ({_HOST}(?::[1-9][0-9]*+)?+)\]"  # client, with its port
    rf" ({_REST})"  # message
)


@dataclass(frozen=True)
class LogFormat:
    """One value of ``logFormat``."""

    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    """The names of the pattern's groups."""
    dash_is_null: bool
    """Whether a value that is only ``-`` becomes null."""
    host: int | None = None
    """The group that is a host name, with any number of labels."""


_SYSLOG_FIELDS = ("timestamp", "hostname", "program", "processid", "message")
_COMMON_FIELDS = ("host", "ident", "authuser", "datetime", "request", "response", "bytes")

LOG_FORMATS: dict[str, LogFormat] = {
    "COMMONAPACHELOG": LogFormat(re.compile(_COMMON + _REST), _COMMON_FIELDS, True, 1),
    "COMBINEDAPACHELOG": LogFormat(
        re.compile(rf"{_COMMON} {_QUOTED} {_QUOTED}{_REST}"), (*_COMMON_FIELDS, "referer", "agent"), True, 1
    ),
    "APACHEERRORLOG": LogFormat(
        re.compile(_ERROR), ("timestamp", "module", "severity", "processid", "threadid", "client", "message"), True, 6
    ),
    "SYSLOG": LogFormat(re.compile(rf"({_MONTH}{_S}++{_MDAY}{_S}++{_TIME}) {_PROGRAM}"), _SYSLOG_FIELDS, False),
    "RFC3339SYSLOG": LogFormat(re.compile(rf"({_RFC3339}) {_PROGRAM}"), _SYSLOG_FIELDS, False),
}
