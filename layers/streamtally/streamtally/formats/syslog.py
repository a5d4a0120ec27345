r"""BSD syslog as written to files and sent over the network, with or without a priority.

``<34>Oct 11 22:14:15 host program[123]: message``. In a line without a program all text after the host is the message.
Source: RFC 3164, section 4; FreeBSD, syslogd(8) ``-v`` (facility and severity after the time).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from streamtally.errors import FormatError
from streamtally.formats.base import Example, Field, Format, FormatOptions, Parser, Roles, Row
from streamtally.formats.engine.columns import FLAGS
from streamtally.formats.engine.layout import match_end
from streamtally.formats.role_names import SEVERITIES

PRIORITY = r"(?:<([0-9]{1,3})>)?+"
_TIME = (
    r"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"\x20{1,2}[0-9]{1,2}"  # a day below 10 is padded with a space
    r"\x20(?:[0-9]{4}\x20)?+"  # some devices write the year
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?+)"
)
_FACILITY_AND_SEVERITY = r"\x20(?:<([0-9]{1,2})\.([0-9])>\x20)?+"
_HOST = r"(\S{1,255}+)\x20"
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
TAIL = (_FACILITY_AND_SEVERITY, _HOST, _PROGRAM, _MESSAGE)
"""What follows the time, here and in ``rfc3339_syslog``."""
PIECES = (PRIORITY, _TIME, *TAIL)

FIELDS = (
    Field("facility", "INTEGER", "kind of sender, 0 (kernel) to 23 (local7), null without a priority"),
    Field("severity", "INTEGER", "0 (emergency) to 7 (debug), null without a priority"),
    Field("timestamp", "VARCHAR", "MMM dd HH:mm:ss in the host's zone, without a year"),
    Field("hostname", "VARCHAR", "name or address of the host"),
    Field("program", "VARCHAR", "the program, null for a line without one"),
    Field("processid", "VARCHAR", "text in brackets after the program, usually the process id"),
    Field("message", "VARCHAR", "the message"),
)


def to_facility_and_severity(priority: str) -> tuple[int, int]:
    """``"165"`` → (20, 5): the priority is facility · 8 + severity."""
    return divmod(int(priority), 8)


def compile_like(name: str, reason: str, pattern: re.Pattern[str]) -> Callable[[FormatOptions], Parser]:
    """A compile function for a pattern with syslog's groups: this format's, or that of ``rfc3339_syslog``."""
    match = pattern.match

    def parse(line: str) -> Row:
        matched = match(line)
        if matched is None:
            raise FormatError(name, reason)
        priority, timestamp, facility, severity, host, program, pid, spaced, spaced_pid, message = matched.groups()
        both: tuple[int | None, int | None] = (None, None)
        if priority is not None:
            both = to_facility_and_severity(priority)
        elif facility is not None:
            both = (int(facility), int(severity))
        return {
            "facility": both[0],
            "severity": both[1],
            "timestamp": timestamp,
            "hostname": host,
            "program": program or spaced,
            "processid": pid or spaced_pid or None,
            "message": message,
        }

    return lambda options: parse


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
    compile=compile_like("syslog", "not a syslog line", re.compile("".join(PIECES), FLAGS)),
    time_field="timestamp",
    time_format="syslog",
    locate=partial(match_end, PIECES),
    roles=Roles(level="severity", levels=SEVERITIES),
)
