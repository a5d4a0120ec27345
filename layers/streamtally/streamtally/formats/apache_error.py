r"""Apache's error log, 2.2 and 2.4, with or without process, client, module and operating system error.

The error's number is as log_apr_status in server/log.c writes it: ``(13)``, ``(EAI 2)``, ``(OS 10054)``.

2.4: ``[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\ %a] %M, referer %{Referer}i``.
2.2: ``[time] [level] [client a] message``.
Source: Apache HTTP Server, core, "ErrorLogFormat".
"""

from __future__ import annotations

from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.engine.statements import unroll
from streamtally.lazy_patterns import pattern_when_used

_TIME = (
    r"\[("
    r"[A-Z][a-z]{2}\x20[A-Z][a-z]{2}\x20{1,2}[0-9]{1,2}"  # weekday, month, day
    r"\x20[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?+"  # with microseconds in 2.4
    r"\x20[0-9]{4}"  # year
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}"  # or, with %{c}t, the compact form
    r"\x20[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?+"
    r"(?:\x20[+\-][0-9]{4})?+"  # with the offset, where %{z}t asks for it
    r")\]"
)
_LEVEL = (
    r"\x20\["
    r"(?:([\w\-]*+):)?+"  # the module, in 2.4; empty for some messages
    r"([a-z0-9]{1,9}+)"  # the level: error, trace1 …
    r"\]"
)
_PROCESS = (
    r"(?:\x20\["
    r"pid\x20([0-9]{1,18})"
    r"(?::tid\x20([0-9]{1,20}))?+"
    r"\])?+"
)
_SOURCE = r"(?:\x20([\w\-]++\.c\([0-9]++\)):)?+"  # file and line, with level debug: mod_ssl.c(42):
_OS_ERROR = (
    r"(?:\x20(\("
    r"(?:-?[0-9]{1,10}"  # errno
    r"|(?:EAI|OS)\x20-?[0-9]{1,10}"  # of the resolver; of Windows
    r"|os\x200x[0-9a-f]{8})"
    r"\)[^:\[]{1,200}+):)?+"  # and its text: (13)Permission denied:
)
_CLIENT = (
    r"(?:\x20\[(?:client|remote)\x20"
    r"(\S{1,300}?)"  # lazy and bounded, since an IPv6 address may itself be in brackets
    r"\](?=\x20|\Z))?+"  # so the bracket that ends it is one before a space or the end
)
_CODE = r"(?:\x20(AH[0-9]{5}):)?+"  # the message's number
_MESSAGE = r"(?:\x20(.*+))?+\Z"
# Every part but time and level is optional, and possessive: once matched, it is not tried again as part of the message.
PIECES = (_TIME, _LEVEL, _PROCESS, _SOURCE, _OS_ERROR, _CLIENT, _CODE, _MESSAGE)
_PATTERN = pattern_when_used(unroll("".join(PIECES)), FLAGS)
_REFERER = ", referer: "


def compile_apache_error(options: FormatOptions) -> Parser:
    """A parser of error log lines. It uses no options."""
    match = _PATTERN.match

    def parse(line: str) -> Row:
        matched = match(line)
        if matched is None:
            raise FormatError("apache_error", "not an Apache error log line")
        timestamp, module, severity, pid, tid, source, os_error, client, code, message = matched.groups()
        referer = None
        if message is not None and _REFERER in message:
            message, _, referer = message.rpartition(_REFERER)
        return {
            "timestamp": timestamp,
            "module": module or None,
            "severity": severity,
            "processid": pid and int(pid),
            "threadid": tid and int(tid),
            "source": source,
            "os_error": os_error,
            "client": client,
            "code": code,
            "message": message,
            "referer": None if referer == "-" else referer,
        }

    return parse


FORMAT = Format(
    name="apache_error",
    summary="Apache's error log, 2.2 and 2.4.",
    source="Apache HTTP Server: core, ErrorLogFormat",
    fields=(
        Field(
            "timestamp",
            "VARCHAR",
            "EEE MMM dd HH:mm:ss[.SSSSSS] yyyy or yyyy-MM-dd HH:mm:ss[.SSSSSS], in the server's zone",
        ),
        Field("module", "VARCHAR", "the module that wrote the line"),
        Field("severity", "VARCHAR", "emerg, alert, crit, error, warn, notice, info, debug, trace1 …"),
        Field("processid", "BIGINT", "the server's process"),
        Field("threadid", "BIGINT", "its thread"),
        Field("source", "VARCHAR", "source file and line, with level debug"),
        Field("os_error", "VARCHAR", "the operating system's error, as (number)text"),
        Field("client", "VARCHAR", "address, or address:port, of the client"),
        Field("code", "VARCHAR", "the message's number, AH00128"),
        Field("message", "VARCHAR", "the message"),
        Field("referer", "VARCHAR", "the Referer header"),
    ),
    examples=(
        Example(
            "[Fri Sep 09 10:42:29.902022 2025] [core:error] [pid 35708:tid 4328636416] (13)Permission denied: "
            "[client 2001:db8::1:5000] AH00035: access to /x denied, referer: https://example.com/",
            {
                "timestamp": "Fri Sep 09 10:42:29.902022 2025",
                "module": "core",
                "severity": "error",
                "processid": 35708,
                "threadid": 4328636416,
                "source": None,
                "os_error": "(13)Permission denied",
                "client": "2001:db8::1:5000",
                "code": "AH00035",
                "message": "access to /x denied",
                "referer": "https://example.com/",
            },
        ),
        Example(
            "[Wed Oct 11 14:32:52 2025] [error] [client 192.0.2.1] client denied by server configuration: /export/x",
            {
                "timestamp": "Wed Oct 11 14:32:52 2025",
                "module": None,
                "severity": "error",
                "processid": None,
                "threadid": None,
                "source": None,
                "os_error": None,
                "client": "192.0.2.1",
                "code": None,
                "message": "client denied by server configuration: /export/x",
                "referer": None,
            },
        ),
    ),
    compile=compile_apache_error,
    time_field="timestamp",
    time_format="apache_error",
    locate=partial(match_end, PIECES),
    roles=Roles(level="severity", client="client", client_has_port=True, referer="referer"),
)
