r"""BSD syslog as written to files and sent over the network, with or without a priority.

``<34>Oct 11 22:14:15 host program[123]: message``. In a line without a program all text after the host is the message.
Source: RFC 3164, section 4; FreeBSD, syslogd(8) ``-v`` (facility and severity after the time).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.clients import IPV6
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.engine.memo import Remembered
from streamtally.formats.engine.statements import unroll
from streamtally.formats.role_names import SEVERITIES
from streamtally.lazy_patterns import pattern_when_used

PRIORITY = r"(?:<([0-9]{1,3})>)?+"
_SEQUENCE = r"(?:[0-9]{1,10}:\x20)?+[*.]?+"  # Cisco's number of the message, and its mark of a clock that is not set
_TIME = (
    r"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"\x20{1,2}[0-9]{1,2}"  # a day below 10 is padded with a space
    r"\x20(?:[0-9]{4}\x20)?+"  # some devices write the year
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?+)"
)
_FACILITY_AND_SEVERITY = r"\x20(?:<([0-9]{1,2})\.([0-9])>\x20)?+"
_COLON = r"(?::(?=\x20%))?+"  # which Cisco's message follows
PLAIN_HOST = r"[^\s:\[\]]{1,255}+"  # no colon or bracket of a tag: RFC 3164, section 4.1.2
HOST = rf"{PLAIN_HOST}|{IPV6}|\[{IPV6}\]"
"""The name or address of a host, before a space. See also :data:`IS_HOST`."""
# Possessive as a whole: what looked like a program is not tried again as part of the message.
_PROGRAM = (
    r"(?:"
    r"([^\s:\[]{1,128}+)"  # a name without spaces ends at a bracket or a colon
    r"(?:\[([^\]\s]{0,128}+)\])?+"  # its process
    r":(?=\x20|\Z)\x20?+"
    r"|"
    r"([^:\[\]]{1,64}+)"  # a name with spaces must be followed by its process
    r"\[([0-9]{1,10})\]:\x20?+"
    r")?+"
)
_MESSAGE = r"(.*+)\Z"
TAIL = (_COLON + _FACILITY_AND_SEVERITY, rf"(?:({HOST})\x20)?+", _PROGRAM, _MESSAGE)
"""What follows the time, here and in ``rfc3339_syslog``."""
PLAIN_TAIL = rf"{_FACILITY_AND_SEVERITY}({PLAIN_HOST})\x20{_PROGRAM}{_MESSAGE}"
"""The same of usual lines, which matches faster: whatever it takes, the other takes with the same values."""
PIECES = (PRIORITY, _SEQUENCE + _TIME, *TAIL)

_LEVELS = (
    "trace", "debug", "verbose", "info", "information", "notice", "warn", "warning", "err", "error", "severe", "crit",
    "critical", "alert", "emerg", "emergency", "fatal", "panic",
)  # fmt: skip
_NO_HOSTS = frozenset(
    ("stdout", "stderr", *(form for word in _LEVELS for form in (word, word.capitalize(), word.upper())))
)

FIELDS = (
    Field("facility", "INTEGER", "kind of sender, 0 (kernel) to 23 (local7), null without a priority"),
    Field("severity", "INTEGER", "0 (emergency) to 7 (debug), null without a priority"),
    Field("timestamp", "VARCHAR", "MMM dd HH:mm:ss in the host's zone, without a year"),
    Field("hostname", "VARCHAR", "name or address of the host, null for a line without one"),
    Field("program", "VARCHAR", "the program, null for a line without one"),
    Field("processid", "VARCHAR", "text in brackets after the program, usually the process id"),
    Field("message", "VARCHAR", "the message"),
)


FACILITY_AND_SEVERITY: Remembered[tuple[int, int]] = Remembered(lambda priority: divmod(int(priority), 8))
"""``"165"`` → (20, 5): the priority is facility · 8 + severity."""


IS_HOST = Remembered(lambda text: text not in _NO_HOSTS and not text.isdecimal())
"""Whether a text is a host: other logs write a level, a container's stream or a number after the time."""


def compile_like(name: str, reason: str, time: str, pieces: Sequence[str]) -> Callable[[FormatOptions], Parser]:
    """A compile function for this format, or ``rfc3339_syslog``.

    Args:
        time: the pattern of a line's time.
        pieces: the pieces of its whole pattern, with the same groups.
    """
    plain = pattern_when_used(unroll(PRIORITY + time + PLAIN_TAIL), FLAGS)
    whole = pattern_when_used("".join(pieces), FLAGS)
    both_of = FACILITY_AND_SEVERITY

    def parse(line: str) -> Row:
        matched = plain.match(line) or whole.match(line)
        if matched is None:
            raise FormatError(name, reason)
        priority, timestamp, facility, severity, host, program, pid, spaced, spaced_pid, message = matched.groups()
        if host is None:
            program, pid, message = _without_host(line, matched) or _refuse(name, reason)
        elif not IS_HOST[host]:
            _refuse(name, reason)
        elif program is None and message[:3] == ": %":  # Cisco's message after a host
            message = message[2:]
        if priority is not None:
            facility, severity = both_of[priority]
        elif facility is not None:
            facility, severity = int(facility), int(severity)
        return {
            "facility": facility,
            "severity": severity,
            "timestamp": timestamp,
            "hostname": host,
            "program": program or spaced,
            "processid": pid or spaced_pid or None,
            "message": message,
        }

    return lambda options: parse


def _refuse(name: str, reason: str) -> NoReturn:
    raise FormatError(name, reason)


def _without_host(line: str, matched: re.Match[str]) -> tuple[str | None, str | None, str] | None:
    """The program, its process and the message of a line without a host; None if it is not syslog."""
    program, pid, message = matched[6], matched[7], matched[10]
    if program is None:
        return None
    if program[0] == "%":  # Cisco's %ASA-6-302013, which belongs to the message
        return None, None, line[matched.start(6) :]
    if message[:1] == "%":  # a zone before it
        return None, None, message
    return (program, pid, message) if IS_HOST[program] else None


FORMAT = Format(
    name="syslog",
    aliases=("rfc3164",),
    summary="BSD syslog (RFC 3164), with and without priority.",
    source="RFC 3164",
    fields=FIELDS,
    examples=(
        Example(
            "<34>Oct 11 22:14:15 mymachine su[123]: 'su root' failed for lonvick on /dev/pts/8",
            {
                "facility": 4,
                "severity": 2,
                "timestamp": "Oct 11 22:14:15",
                "hostname": "mymachine",
                "program": "su",
                "processid": "123",
                "message": "'su root' failed for lonvick on /dev/pts/8",
            },
        ),
        Example(
            "Jun  4 15:16:01 2001:db8::1 sshd(pam_unix)[19939]: authentication failure; logname= uid=0",
            {
                "facility": None,
                "severity": None,
                "timestamp": "Jun  4 15:16:01",
                "hostname": "2001:db8::1",
                "program": "sshd(pam_unix)",
                "processid": "19939",
                "message": "authentication failure; logname= uid=0",
            },
        ),
    ),
    compile=compile_like("syslog", "not a syslog line", _TIME, PIECES),
    time_field="timestamp",
    time_format="syslog",
    locate=partial(match_end, PIECES),
    roles=Roles(level="severity", levels=SEVERITIES),
)
