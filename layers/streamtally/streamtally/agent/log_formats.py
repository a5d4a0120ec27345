"""The agent's own log patterns, rewritten to run in linear time.

What they take and what they capture is unchanged; a test holds them against the patterns as they are. Possessive
repeats (``++``) stand where giving back could not help: what follows cannot begin with what was taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REST = "[^\n\r\x85\u2028\u2029]*+"  # Java's .* up to the end of the line
_ANY = "[^\n\r\x85\u2028\u2029]"
_S = r"[ \t\n\x0b\f\r]"
_W = "[0-9A-Z_a-z]"
_HOST = r"(?:[0-9A-Z_a-z\-]++(?:\.[0-9A-Z_a-z\-]++)*+\.?+|[0-9.]++)"
_USER = r"[a-zA-Z0-9._\-]++"
_INT = "[+\\-]?+[0-9]++"
_MDAY = "(?:0[1-9]|[12][0-9]|3[01]|[1-9])"
_MONTH = (
    "(?:Jan(?:uary)?+|Feb(?:ruary)?+|Mar(?:ch)?+|Apr(?:il)?+|May|June?+|July?+|Aug(?:ust)?+|Sep(?:tember)?+"
    "|Oct(?:ober)?+|Nov(?:ember)?+|Dec(?:ember)?+)"
)
_DAY = "(?:Mon(?:day)?+|Tue(?:sday)?+|Wed(?:nesday)?+|Thu(?:rsday)?+|Fri(?:day)?+|Sat(?:urday)?+|Sun(?:day)?+)"
_TIME = "(?:2[0123]|[01]?[0-9]):[0-5][0-9]:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]++)?"
_YEAR = "[1-9][0-9]*+"
_QUOTED = '"([^"]++)"'

_COMMON = (
    rf"({_HOST})(?= ) ({_USER}) ({_USER}) \[({_MDAY}/{_MONTH}/{_YEAR}:{_TIME}{_S}{_INT})\] "
    rf"{_QUOTED} ({_INT}|-) ({_INT}|-)"
)
# <facility.priority>, whose dot takes any character: three digits and no dot will do.
_FACILITY = rf"(?:<[0-9]++(?:(?<=[0-9]{{3}})>|{_ANY}[0-9]++>) )?+"
_PROGRAM = rf"{_FACILITY}({_USER}) ([0-9A-Z_a-z./%\-]++)(?:\[([1-9][0-9]*+)\])?+: ({_REST})"
_RFC3339 = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]++)?+(?:Z|[-+][0-9]{2}:[0-9]{2})"
_ERROR = (
    rf"\[({_DAY}{_S}++{_MONTH}{_S}++{_MDAY}{_S}++{_TIME}{_S}++{_YEAR})\] \[(?:({_W}++):)?({_W}++)\] "
    rf"\[pid ([0-9]++)(?::tid ([0-9]++))?+\] \[client ({_HOST}(?::[1-9][0-9]*+)?+)\] ({_REST})"
)


@dataclass(frozen=True)
class LogFormat:
    """One value of ``logFormat``.

    ``dash_is_null``: a value that is just ``-`` becomes null. ``host``: the group that is a name of any many labels.
    """

    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    dash_is_null: bool
    host: int | None = None


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
