"""Hosts of syslog lines: a tag, a level, a container's stream and a number are none, and a line may have none."""

from __future__ import annotations

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.rfc3339_syslog import compile_certain

PARSERS = {name: REGISTRY[name].compile(FormatOptions()) for name in ("syslog", "rfc3339_syslog", "rfc5424")}
NAMES = ("facility", "severity", "hostname", "program", "processid", "message")

READ = [
    # RFC 3164, section 4.1.2: a HOSTNAME has no colon, so this is the tag.
    ("syslog", "Jan 24 15:01:44 sshd[60972]: Accepted key", None, None, None, "sshd", "60972", "Accepted key"),
    ("syslog", "Jan 24 15:01:44 kernel: eth0: link up", None, None, None, "kernel", None, "eth0: link up"),
    ("syslog", "<38>Jan 24 15:01:44 dropbear[5]: Exit", 4, 6, None, "dropbear", "5", "Exit"),
    ("syslog", "<13>Feb 29 23:59:60 app:", 1, 5, None, "app", None, ""),
    ("syslog", "Jan 24 15:01:44 fw1 sshd[60972]: x", None, None, "fw1", "sshd", "60972", "x"),
    ("syslog", "Jan 24 15:01:44 2001:db8::1 kernel: x", None, None, "2001:db8::1", "kernel", None, "x"),
    ("syslog", "Jan 24 15:01:44 [2001:db8::1] kernel: x", None, None, "[2001:db8::1]", "kernel", None, "x"),
    ("syslog", "Jan 24 15:01:44 informatics app: x", None, None, "informatics", "app", None, "x"),
    ("syslog", "Jan 24 15:01:44 info-1.example.com app: x", None, None, "info-1.example.com", "app", None, "x"),
    ("syslog", "Jan 24 15:01:44 src@node-7 crond[1]: x", None, None, "src@node-7", "crond", "1", "x"),
    ("syslog", "Jan 24 15:01:44 mac-1 Microsoft Word[3]: x", None, None, "mac-1", "Microsoft Word", "3", "x"),
    ("syslog", "Jan 24 15:01:44 host -- MARK --", None, None, "host", None, None, "-- MARK --"),
    # Cisco: ASA syslog messages (the time with a year and a colon, EMBLEM), IOS sequence numbers.
    (
        "syslog", "<166>Oct 10 2025 13:55:36: %ASA-6-302013: Built outbound TCP connection",
        20, 6, None, None, None, "%ASA-6-302013: Built outbound TCP connection",
    ),
    (
        "syslog", "<166>Oct 10 2025 13:55:36 asa1 : %ASA-6-302013: Built outbound",
        20, 6, "asa1", None, None, "%ASA-6-302013: Built outbound",
    ),
    (
        "syslog", "<189>29: *Oct 10 13:55:36.123: %SYS-5-CONFIG_I: Configured from console",
        23, 5, None, None, None, "%SYS-5-CONFIG_I: Configured from console",
    ),
    (
        "syslog", "<189>30: Oct 10 13:55:36.123 UTC: %LINK-3-UPDOWN: Interface up",
        23, 5, None, None, None, "%LINK-3-UPDOWN: Interface up",
    ),
    ("syslog", "Oct 10 2025 13:55:36: %ASA-4-106023: Deny", None, None, None, None, None, "%ASA-4-106023: Deny"),
    ("rfc3339_syslog", "2025-10-10T13:55:36.123Z sshd[7]: x", None, None, None, "sshd", "7", "x"),
    ("rfc3339_syslog", "2025-10-10T13:55:36+02:00 web1 sshd[7]: x", None, None, "web1", "sshd", "7", "x"),
    ("rfc3339_syslog", "2025-10-10T13:55:36+0200 web1 sshd[7]: x", None, None, "web1", "sshd", "7", "x"),
    ("rfc5424", "<165>1 2025-10-11T22:14:15.003Z web1 su - - - x", 20, 5, "web1", "su", None, "x"),
    ("rfc5424", "<165>1 2025-10-11T22:14:15.003Z 2001:db8::1 su - - - x", 20, 5, "2001:db8::1", "su", None, "x"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "facility", "severity", "host", "program", "pid", "message"),
    READ,
    ids=lambda value: str(value)[:40],
)
def test_read(
    name: str,
    line: str,
    facility: int | None,
    severity: int | None,
    host: str | None,
    program: str | None,
    pid: str | None,
    message: str,
) -> None:
    row = PARSERS[name](line)
    assert [row[field] for field in NAMES] == [facility, severity, host, program, pid, message]
    assert compile_auto(FormatOptions())(line) == row


REFUSED = [
    *(f"2025-10-10T13:55:36.123Z {level} Starting server on port 8080" for level in (
        "INFO", "ERROR", "WARN", "Warning", "debug", "FATAL", "info", "Notice", "TRACE", "SEVERE", "CRITICAL",
    )),
    "2025-10-10T13:55:36.123Z ERROR: cannot bind",
    "2025-10-10T13:55:36.123Z INFO[0003] listening",
    "2025-10-10T13:55:36.123Z [main] INFO Starting",
    "2025-10-10T13:55:36Z 4711 worker started",
    "Oct 10 13:55:36 INFO Starting server",
    "Oct 10 13:55:36 ERROR: Starting server",
    "Oct 10 13:55:36 stdout app: x",
    "Oct 10 13:55:36 1234 app: x",
    "Oct 10 13:55:36 INFO app: x",
    "Oct 10 13:55:36: no message of Cisco's",
    "Oct 10 13:55:36 [1234]: x",
    "<165>1 2025-10-11T22:14:15.003Z INFO su - - - x",
    "<165>1 2025-10-11T22:14:15.003Z sshd[7]: su - - - x",
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_refused(line: str) -> None:
    for parse in (*PARSERS.values(), compile_auto(FormatOptions())):
        with pytest.raises(FormatError):
            parse(line)


# An ISO time alone does not make a line syslog; the format's name does.
@pytest.mark.parametrize(
    "line",
    [
        "2025-10-10T13:55:36.123Z Starting server on port 8080",
        "2025-10-10T13:55:36.123Z main Starting server",
        "2025-10-10T13:55:36.123Z 203.0.113.1 36280 443 TLSv1.2 ECDHE",
    ],
)
def test_iso_time_and_words(line: str) -> None:
    with pytest.raises(FormatError):
        compile_certain(FormatOptions())(line)
    assert PARSERS["rfc3339_syslog"](line)["program"] is None


@pytest.mark.parametrize(
    "line",
    [
        "2025-01-02T03:04:07.1+00:00 host last message repeated 3 times",
        "2025-01-02T03:04:07.1+00:00 host -- MARK --",
        "<30>2025-01-02T03:04:07.1+00:00 host no program",
        "2025-01-02T03:04:07.1+00:00 <4.6> host no program",
        "2025-01-02T03:04:07.1+00:00 host app: x",
    ],
)
def test_certain_lines(line: str) -> None:
    assert compile_certain(FormatOptions())(line) == PARSERS["rfc3339_syslog"](line)
