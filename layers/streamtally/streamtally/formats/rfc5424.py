r"""The syslog protocol of 2009: ``<165>1 2025-10-11T22:14:15.003Z host app 77 ID47 [id@32473 iut="3"] message``.

Heroku's drains send no structured data, not even ``-``; such a line of a host that is called as theirs is read as well.
Source: RFC 5424, section 6; RFC 6587, 3.4.1 (the number of bytes in front); Heroku documentation, "Log Drains".
"""

from __future__ import annotations

from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.engine.statements import unroll
from streamtally.formats.rfc3339_syslog import TIMESTAMP
from streamtally.formats.role_names import SEVERITIES
from streamtally.formats.syslog import FACILITY_AND_SEVERITY, HOST, IS_HOST, PLAIN_HOST
from streamtally.lazy_patterns import pattern_when_used

_ELEMENT = (
    r'\[[^\s=\]"]{1,32}+'  # [id
    r'(?:\x20[^\s=\]"]{1,32}+'  # name
    r'="[^"\\]*+(?:\\.[^"\\]*+)*+")*+'  # ="value", in which a backslash escapes the next character
    r"\]"
)
_BYTES = r"(?:[0-9]{1,9}\x20)?+"
_PRIORITY_AND_VERSION = rf"{_BYTES}<([0-9]{{1,3}})>([1-9][0-9]{{0,2}})"
_TIME = rf"\x20({TIMESTAMP}|-)"
_HOST = rf"\x20({HOST})"
_PROGRAM = _PROCESS = _MESSAGE_ID = r"\x20(\S{1,128}+)"
_STRUCTURED_DATA = rf"\x20(-|(?:{_ELEMENT})++)"
_MESSAGE = r"(?:\x20\ufeff?+(.*+))?+\Z"  # may begin with a byte order mark
PIECES = (_PRIORITY_AND_VERSION, _TIME, _HOST, _PROGRAM, _PROCESS, _MESSAGE_ID, _STRUCTURED_DATA, _MESSAGE)
_PATTERN = pattern_when_used("".join(PIECES), FLAGS)
_LOGPLEX = pattern_when_used(
    rf"{_PRIORITY_AND_VERSION}\x20({TIMESTAMP})"
    r"\x20(host|d\.[0-9a-f\-]{36})"  # what Heroku writes for the host: the word, or the drain's token
    rf"{_PROGRAM}{_PROCESS}\x20(-)()\x20(.*+)\Z",  # and then the message
    FLAGS,
)
_PLAIN = pattern_when_used(  # without a number of bytes, and with a usual host: matches faster
    unroll("".join((PIECES[0].removeprefix(_BYTES), *PIECES[1:])).replace(_HOST, rf"\x20({PLAIN_HOST})")), FLAGS
)


def compile_rfc5424(options: FormatOptions) -> Parser:
    """A parser of RFC 5424 messages. It uses no options."""

    def parse(line: str) -> Row:
        matched = _PLAIN.match(line) or _PATTERN.match(line) or _LOGPLEX.match(line)
        if matched is None:
            raise FormatError("rfc5424", "not an RFC 5424 message")
        priority, version, timestamp, host, program, pid, msgid, structured, message = matched.groups()
        if not IS_HOST[host]:
            raise FormatError("rfc5424", "not an RFC 5424 message")
        if structured == "-":
            structured = None
        elif "=" not in structured:  # of Heroku's: none, or the first word in brackets of a message
            matched = _LOGPLEX.match(line)
            if matched is not None:
                structured, message = None, matched[9]
        facility, severity = FACILITY_AND_SEVERITY[priority]
        return {
            "facility": facility,
            "severity": severity,
            "version": int(version),
            "timestamp": None if timestamp == "-" else timestamp,
            "hostname": None if host == "-" else host,
            "program": None if program == "-" else program,
            "processid": None if pid == "-" else pid,
            "msgid": None if msgid == "-" else msgid,
            "structured_data": structured,
            "message": message,
        }

    return parse


FORMAT = Format(
    name="rfc5424",
    summary="The syslog protocol (RFC 5424).",
    source="RFC 5424",
    fields=(
        Field("facility", "INTEGER", "kind of sender, 0 (kernel) to 23 (local7)"),
        Field("severity", "INTEGER", "0 (emergency) to 7 (debug)"),
        Field("version", "INTEGER", "version of the protocol, 1"),
        Field("timestamp", "VARCHAR", "ISO 8601 with an offset"),
        Field("hostname", "VARCHAR", "name or address of the host"),
        Field("program", "VARCHAR", "APP-NAME"),
        Field("processid", "VARCHAR", "PROCID"),
        Field("msgid", "VARCHAR", "MSGID, the kind of message"),
        Field("structured_data", "VARCHAR", "the elements in brackets, unmodified"),
        Field("message", "VARCHAR", "MSG, without its byte order mark"),
    ),
    examples=(
        Example(
            '<165>1 2025-10-11T22:14:15.003Z mymachine.example.com evnt - ID47 [exampleSDID@32473 iut="3" q="a\\"b"] '
            "An application event log entry",
            {
                "facility": 20,
                "severity": 5,
                "version": 1,
                "timestamp": "2025-10-11T22:14:15.003Z",
                "hostname": "mymachine.example.com",
                "program": "evnt",
                "processid": None,
                "msgid": "ID47",
                "structured_data": '[exampleSDID@32473 iut="3" q="a\\"b"]',
                "message": "An application event log entry",
            },
        ),
    ),
    compile=compile_rfc5424,
    time_field="timestamp",
    time_format="iso8601",
    locate=partial(match_end, PIECES),
    roles=Roles(level="severity", levels=SEVERITIES),
)
