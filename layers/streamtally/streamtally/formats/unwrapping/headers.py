r"""What programs that pass lines on put before or around them: container runtimes, syslog, the journal.

Sources: RFC 3164; RFC 5424; rsyslog, templates; nginx, "Logging to syslog"; Kubernetes, "kubectl logs" and the CRI log
format; Docker, "JSON File logging driver" and "docker compose logs"; systemd, journalctl(1), ``--output``; AWS CLI,
``aws logs tail``; Caddy, "log", ``format console``; Docker, "docker service logs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from streamtally.formats import cri, rfc3339_syslog, rfc5424, syslog
from streamtally.formats.base import Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.rfc3339_syslog import TIMESTAMP
from streamtally.formats.syslog import IS_HOST, PLAIN_HOST
from streamtally.lazy_patterns import pattern_when_used

MAX_DEPTH = 4
"""How many wrappers around one line come off; what is inside a further one is of no known format."""

SYSLOG_FORMATS = frozenset(module.FORMAT.name for module in (syslog, rfc3339_syslog, rfc5424))
"""The formats of syslog messages. Within one, another is a message of its own."""
MESSAGE_FORMATS = {**dict.fromkeys(SYSLOG_FORMATS, "syslog_"), cri.FORMAT.name: "container_"}
"""The formats whose ``message`` may be a line of another format → the prefix that their other fields then have."""
DOCKER = "docker"
JOURNAL = "journal"

TIMES = ("container_time", "cloudwatch_time", "syslog_timestamp", "console_time")
"""The fields of wrappers' times. They count where the line itself has no time."""

_COOKIE = "@cee:"  # of structured messages, before their JSON (Common Event Expression)


class Wrapped(NamedTuple):
    """A line as a wrapper's field and the line inside.

    Attributes:
        name: The wrapper.
        fields: Its fields, by their names in a row.
        line: The line inside.
    """

    name: str
    fields: Row
    line: str


def inside_message(log_format: str, row: Mapping[str, Any]) -> str | None:
    """The line in a row of ``MESSAGE_FORMATS``; None if it holds none, or only a part of one."""
    if row.get("tag") == cri.PARTIAL and log_format == cri.FORMAT.name:
        return None
    message: str | None = row["message"]
    if message is not None and message.startswith(_COOKIE):
        return message[len(_COOKIE) :].lstrip(" ")
    return message


def message_fields(log_format: str, row: Mapping[str, Any]) -> Row:
    """The other fields of such a row, by their names in the row of the line inside."""
    prefix = MESSAGE_FORMATS[log_format]
    return {prefix + name: value for name, value in row.items() if name != "message"}


_OF_DOCKER = frozenset(("log", "stream", "time", "attrs"))


def unwrap_docker(row: Mapping[str, Any]) -> Wrapped | None:
    """The line in an object of Docker's json-file driver; None if it is another object.

    Objects with further members (Fluent Bit's) are a pipeline's own JSON: see ``line_field``.
    """
    log = row.get("log")
    if type(log) is not str or "\n" in log[:-1] or not row.keys() <= _OF_DOCKER:
        return None
    if row.get("stream") not in ("stdout", "stderr") or type(row.get("time")) is not str:
        return None
    fields = {f"container_{name}": value for name, value in row.items() if name != "log"}
    return Wrapped(DOCKER, fields, log.removesuffix("\n").removesuffix("\r"))


_COLOR = r"(?:\x1b\[[0-9;]{0,16}m)?+"  # which the terminal shows a container's name in
# The identifier of journald's short forms: a host, a program with its process, a colon.
_IDENTIFIER = rf"\x20({PLAIN_HOST})\x20([^\s:\[]{{1,255}}+)(?:\[([0-9]{{1,10}})\])?+:\x20"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_SINCE_BOOT = ("syslog_uptime", "syslog_hostname", "syslog_program", "syslog_processid")
_OF_JOURNAL = ("syslog_timestamp", "syslog_hostname", "syslog_program", "syslog_processid")
# Name → pattern of what precedes the line, and the fields of its groups. The first that fits and has a known line
# inside counts, so the more specific ones come first.
_PREFIXES: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (name, pattern_when_used(pattern, FLAGS), fields)
    for name, pattern, fields in (
        (
            "kubectl",  # logs --prefix; --timestamps puts the time after it
            r"\[pod/([^\x20/\]]{1,253}+)/([^\x20/\]]{1,253}+)\]\x20",
            ("container_pod", "container_name"),
        ),
        (
            "compose",  # docker compose logs, and service logs with @node; --timestamps puts the time after it
            rf"{_COLOR}([0-9A-Za-z][0-9A-Za-z_.@\-]{{0,254}}+)\x20{{1,255}}+\|{_COLOR}\x20{_COLOR}",
            ("container_name",),
        ),
        (
            "cloudwatch",  # aws logs tail, --format detailed
            rf"({TIMESTAMP}(?<=\+00:00))\x20([^\x20:*]{{1,512}}+)\x20",
            ("cloudwatch_time", "cloudwatch_stream"),
        ),
        (
            "cloudwatch",  # --format short
            r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\x20",
            ("cloudwatch_time",),
        ),
        (
            "timestamp",  # kubectl logs --timestamps, docker logs --timestamps
            rf"({TIMESTAMP})\x20",
            ("container_time",),
        ),
        (
            JOURNAL,  # short-full, and with-unit, which has the unit's name for the program's
            rf"{_DAY}\x20([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}\x20[0-9:.]{{8,15}}+\x20[0-9A-Za-z+\-:]{{1,10}}+){_IDENTIFIER}",
            _OF_JOURNAL,
        ),
        (
            "console",  # zap's console encoder, as Caddy writes to a terminal: time, level, logger, message, fields
            r"([0-9]{4}/[0-9]{2}/[0-9]{2}\x20[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?+)"
            rf"\t{_COLOR}([A-Za-z]{{1,16}}){_COLOR}\t([^\t\x20]{{1,255}}+)\t([^\t]{{1,255}}+)\t(?=\{{)",
            ("console_time", "console_level", "console_logger", "console_message"),
        ),
        (JOURNAL, rf"\[\x20{{0,20}}+([0-9]{{1,12}}\.[0-9]{{6}})\]{_IDENTIFIER}", _SINCE_BOOT),  # short-monotonic
        (JOURNAL, rf"([0-9]{{1,12}}\.[0-9]{{6}}){_IDENTIFIER}", _OF_JOURNAL),  # short-unix
    )
)  # fmt: skip
FIELDS = frozenset(
    (
        *(
            prefix + field.name
            for module in (syslog, rfc3339_syslog, rfc5424, cri)
            for prefix in (MESSAGE_FORMATS[module.FORMAT.name],)
            for field in module.FORMAT.fields
            if field.name != "message"
        ),
        *(f"container_{name}" for name in _OF_DOCKER if name != "log"),
        *(name for _, _, names in _PREFIXES for name in names),
    )
)
"""Every field that a wrapper gives."""
PREFIX_BEGINS = (
    r"\[(?:pod/|[\x20.0-9]{8,33}\])"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T"
    rf"|{_DAY}\x20[0-9]{{4}}-|[0-9]{{1,12}}\.[0-9]{{6}}\x20"
    r"|[0-9]{4}/[0-9]{2}/[0-9]{2}\x20[0-9:.]{8,18}+\t"
    rf"|{_COLOR}[0-9A-Za-z][0-9A-Za-z_.@\-]{{0,254}}+\x20{{1,255}}+\|"
)
"""How a line may begin that has a wrapper's prefix."""
MAY_BE_PREFIXED = re.compile(PREFIX_BEGINS, FLAGS).match
"""Whether a line may have a wrapper's prefix."""


def prefixed(line: str) -> Iterator[Wrapped]:
    """The readings of a line as one with a prefix, the most certain first."""
    if MAY_BE_PREFIXED(line) is None:
        return
    for name, pattern, names in _PREFIXES:
        matched = pattern.match(line)
        if matched is None:
            continue
        fields = dict(zip(names, matched.groups(), strict=True))
        if name == JOURNAL and not IS_HOST[matched[2]]:
            continue
        yield Wrapped(name, fields, line[matched.end() :])
