"""RFC 5424 as Heroku's Logplex writes it: without structured data, and with the number of bytes in front."""

from __future__ import annotations

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import Row
from streamtally.formats.rfc5424 import compile_rfc5424

TIME = "2012-11-30T06:45:29+00:00"
TOKEN = "d.73ea7440-270a-435a-a0ea-adf50b4e5f5a"


def row(host: str, program: str, pid: str, message: str, priority: tuple[int, int] = (5, 0)) -> Row:
    return {
        "facility": priority[0], "severity": priority[1], "version": 1, "timestamp": TIME, "hostname": host,
        "program": program, "processid": pid, "msgid": None, "structured_data": None, "message": message,
    }  # fmt: skip


# Sources: Heroku's documentation, "Log Drains"; heroku/logplex#204; EasyPost/syslog-rfc5424-parser#18.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"<40>1 {TIME} host app web.3 - State changed from starting to up",
         row("host", "app", "web.3", "State changed from starting to up")),
        (f"83 <40>1 {TIME} host app web.3 - State changed from starting to up",
         row("host", "app", "web.3", "State changed from starting to up")),
        (f"<40>1 {TIME} {TOKEN} heroku web.3 - Starting process with command `bin/start`",
         row(TOKEN, "heroku", "web.3", "Starting process with command `bin/start`")),
        (f"<134>1 {TIME} {TOKEN} app web.1 - [INFO] started", row(TOKEN, "app", "web.1", "[INFO] started", (16, 6))),
        (f"<134>1 {TIME} host app heroku-postgres - source=DATABASE sample#db_size=1bytes",
         row("host", "app", "heroku-postgres", "source=DATABASE sample#db_size=1bytes", (16, 6))),
        # With structured data, as RFC 5424 has it, also of a host of that name.
        (f"<40>1 {TIME} host app web.3 - - text", row("host", "app", "web.3", "text")),
        (f'<40>1 {TIME} host app web.3 - [a@1 b="c"] text',
         row("host", "app", "web.3", "text") | {"structured_data": '[a@1 b="c"]'}),
        (f"<40>1 {TIME} web1 app 3 - [INFO] text", row("web1", "app", "3", "text") | {"structured_data": "[INFO]"}),
    ],
)  # fmt: skip
def test_logplex(line: str, expected: Row) -> None:
    assert compile_rfc5424(FormatOptions())(line) == expected
    assert compile_auto(FormatOptions())(line) == expected


def test_router() -> None:
    line = f'<158>1 {TIME} host heroku router - at=info method=GET path="/" fwd="192.0.2.9" status=200 bytes=13'
    assert compile_auto(FormatOptions())(line).items() >= {
        "syslog_hostname": "host", "syslog_program": "heroku", "syslog_processid": "router", "method": "GET",
        "path": "/", "fwd": "192.0.2.9", "status": "200",
    }.items()  # fmt: skip


# Another sender's message without structured data is none of RFC 5424.
@pytest.mark.parametrize("line", [f"<40>1 {TIME} web1 app 3 - text", f"<40>1 {TIME} host app 3 ID7 text", f"8 {TIME}"])
def test_refused(line: str) -> None:
    with pytest.raises(FormatError):
        compile_rfc5424(FormatOptions())(line)
