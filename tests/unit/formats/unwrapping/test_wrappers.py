"""What stands around a line comes off first, becomes fields, and changes none of the line's own."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, find_format
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import last_format, last_wrappers
from streamtally.formats.unwrapping.inside import compile_inside
from streamtally.formats.w3c_header import HEADER
from streamtally.times.iso import from_iso
from streamtally.transform.source import Source
from tests.endless import FLOOD_CHARS, FLOOD_SECONDS, must_end

ACCESS = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0"'
AUTO = compile_auto(FormatOptions())


def syslog(timestamp: str, program: str | None, pid: str | None = None, priority: Any = (None, None)) -> dict[str, Any]:
    return {
        "syslog_facility": priority[0],
        "syslog_severity": priority[1],
        "syslog_timestamp": timestamp,
        "syslog_hostname": "web1",
        "syslog_program": program,
        "syslog_processid": pid,
    }


def journal(timestamp: str, program: str = "nginx") -> dict[str, Any]:
    return {
        "syslog_timestamp": timestamp,
        "syslog_hostname": "web1",
        "syslog_program": program,
        "syslog_processid": "77",
    }


def since_boot(uptime: str) -> dict[str, Any]:
    return {"syslog_uptime": uptime} | {name: value for name, value in journal("").items() if "time" not in name}


ISO = "2025-10-10T13:55:36.123456789Z"
# What precedes the line → the wrappers, from the outside in, and their fields.
BEFORE: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    # rsyslog, RSYSLOG_TraditionalFileFormat; a BSD syslogd's file.
    "Nov 10 12:11:55 web1 nginx: ": (("syslog",), syslog("Nov 10 12:11:55", "nginx")),
    "Nov  1 12:11:55 web1 httpd[4711]: ": (("syslog",), syslog("Nov  1 12:11:55", "httpd", "4711")),
    # nginx, access_log syslog:server=…: facility local7, severity info.
    "<190>Oct 10 13:55:36 web1 nginx: ": (("syslog",), syslog("Oct 10 13:55:36", "nginx", None, (23, 6))),
    # … with nohostname.
    "<190>Oct 10 13:55:36 nginx: ": (
        ("syslog",), {**syslog("Oct 10 13:55:36", "nginx", None, (23, 6)), "syslog_hostname": None},
    ),
    # rsyslog, RSYSLOG_FileFormat and RSYSLOG_ForwardFormat.
    "2025-10-10T13:55:36.123456+02:00 web1 nginx: ": (
        ("rfc3339_syslog",), syslog("2025-10-10T13:55:36.123456+02:00", "nginx"),
    ),
    "<190>2025-10-10T13:55:36.123456+02:00 web1 nginx: ": (
        ("rfc3339_syslog",), syslog("2025-10-10T13:55:36.123456+02:00", "nginx", None, (23, 6)),
    ),
    # RFC 5424, section 6.
    "<190>1 2025-10-10T13:55:36Z web1 nginx 77 - - ": (
        ("rfc5424",),
        {
            "syslog_facility": 23,
            "syslog_severity": 6,
            "syslog_version": 1,
            "syslog_timestamp": "2025-10-10T13:55:36Z",
            "syslog_hostname": "web1",
            "syslog_program": "nginx",
            "syslog_processid": "77",
            "syslog_msgid": None,
            "syslog_structured_data": None,
        },
    ),
    # The CRI log format, also with the time in the node's zone, with further tags, and as before there were tags.
    f"{ISO} stdout F ": (("cri",), {"container_time": ISO, "container_stream": "stdout", "container_tag": "F"}),
    "2025-10-10T15:55:36.123456789+02:00 stderr F ": (
        ("cri",),
        {"container_time": "2025-10-10T15:55:36.123456789+02:00", "container_stream": "stderr", "container_tag": "F"},
    ),
    f"{ISO} stdout F:a:b ": (("cri",), {"container_time": ISO, "container_stream": "stdout", "container_tag": "F"}),
    f"{ISO} stdout ": (("cri",), {"container_time": ISO, "container_stream": "stdout", "container_tag": None}),
    # kubectl logs and docker logs.
    f"{ISO} ": (("timestamp",), {"container_time": ISO}),
    "[pod/web-5d9c/nginx] ": (("kubectl",), {"container_pod": "web-5d9c", "container_name": "nginx"}),
    f"[pod/web-5d9c/nginx] {ISO} ": (
        ("kubectl", "timestamp"), {"container_pod": "web-5d9c", "container_name": "nginx", "container_time": ISO},
    ),
    # docker compose logs, of both versions, with --timestamps, and in color.
    "web-1  | ": (("compose",), {"container_name": "web-1"}),
    "web-1 | ": (("compose",), {"container_name": "web-1"}),
    "web_1       | ": (("compose",), {"container_name": "web_1"}),
    f"web-1  | {ISO} ": (("compose", "timestamp"), {"container_name": "web-1", "container_time": ISO}),
    "\x1b[36mweb-1  | \x1b[0m": (("compose",), {"container_name": "web-1"}),
    "\x1b[33mweb_1    |\x1b[0m ": (("compose",), {"container_name": "web_1"}),
    # journalctl(1), --output: short, short-precise, short-iso of several versions, short-full, with-unit, …
    "Oct 10 13:55:36.123456 web1 nginx[77]: ": (("syslog",), syslog("Oct 10 13:55:36.123456", "nginx", "77")),
    "2025-10-10T13:55:36+0000 web1 nginx[77]: ": (
        ("rfc3339_syslog",), syslog("2025-10-10T13:55:36+0000", "nginx", "77"),
    ),
    "2025-10-10T13:55:36.123456+02:00 web1 nginx[77]: ": (
        ("rfc3339_syslog",), syslog("2025-10-10T13:55:36.123456+02:00", "nginx", "77"),
    ),
    "Fri 2025-10-10 13:55:36 CEST web1 nginx[77]: ": (("journal",), journal("2025-10-10 13:55:36 CEST")),
    "Fri 2025-10-10 13:55:36.123456 UTC web1 nginx[77]: ": (("journal",), journal("2025-10-10 13:55:36.123456 UTC")),
    "Fri 2025-10-10 13:55:36 UTC web1 nginx.service[77]: ": (
        ("journal",), journal("2025-10-10 13:55:36 UTC", "nginx.service"),
    ),
    "[ 1234.567890] web1 nginx[77]: ": (("journal",), since_boot("1234.567890")),
    "[1234567.567890] web1 nginx[77]: ": (("journal",), since_boot("1234567.567890")),
    "1760104536.123456 web1 nginx[77]: ": (("journal",), journal("1760104536.123456")),
    # aws logs tail, --format detailed and short.
    "2025-10-10T13:55:36.123000+00:00 web/nginx/0f1e ": (
        ("cloudwatch",),
        {"cloudwatch_time": "2025-10-10T13:55:36.123000+00:00", "cloudwatch_stream": "web/nginx/0f1e"},
    ),
    "2025-10-10T13:55:36+00:00 2025/10/10/[$LATEST]0f1e ": (
        ("cloudwatch",),
        {"cloudwatch_time": "2025-10-10T13:55:36+00:00", "cloudwatch_stream": "2025/10/10/[$LATEST]0f1e"},
    ),
    "2025-10-10T13:55:36 ": (("cloudwatch",), {"cloudwatch_time": "2025-10-10T13:55:36"}),
    # Two and three of them.
    "web-1  | Oct 10 13:55:36 web1 nginx: ": (
        ("compose", "syslog"), {"container_name": "web-1", **syslog("Oct 10 13:55:36", "nginx")},
    ),
    "[pod/a/b] <190>Oct 10 13:55:36 web1 nginx: ": (
        ("kubectl", "syslog"),
        {"container_pod": "a", "container_name": "b", **syslog("Oct 10 13:55:36", "nginx", None, (23, 6))},
    ),
    f"Oct 10 13:55:36 web1 docker[77]: web-1  | {ISO} stdout F ": (
        ("syslog", "compose", "cri"),
        {
            **syslog("Oct 10 13:55:36", "docker", "77"),
            "container_name": "web-1",
            "container_time": ISO,
            "container_stream": "stdout",
            "container_tag": "F",
        },
    ),
}  # fmt: skip
# Lines of formats that any wrapper may hold.
INSIDE = {
    name: REGISTRY[name].examples[0].line
    for name in ("apache_common", "apache_combined", "alb", "elb", "s3_access", "nginx_error", "cloudfront", "ltsv")
} | {"json": '{"status":200,"path":"/"}', "logfmt": 'at=info method=GET path="/" status=200 bytes=5'}


def docker(line: str) -> str:
    """The line as Docker's json-file driver writes it."""
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": ISO}, separators=(",", ":"))


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("name", INSIDE)
def test_any_format_inside(before: str, name: str) -> None:
    wrappers, fields = BEFORE[before]
    line = INSIDE[name]
    row = AUTO(before + line)
    assert row == fields | REGISTRY[name].compile(FormatOptions())(line)
    assert list(row)[: len(fields)] == list(fields)
    assert last_wrappers(AUTO) == wrappers
    assert last_format(AUTO) is REGISTRY[name]
    AUTO(ACCESS)
    assert last_wrappers(AUTO) == ()


@pytest.mark.parametrize("name", INSIDE)
def test_docker(name: str) -> None:
    row = AUTO(docker(INSIDE[name]))
    expected = {"container_stream": "stdout", "container_time": ISO} | REGISTRY[name].compile(FormatOptions())(
        INSIDE[name]
    )
    assert row == expected
    assert last_wrappers(AUTO) == ("docker",)


# A named format reads its own lines inside wrappers, and its other lines as ever.
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("name", [name for name in INSIDE if name != "ltsv"])
def test_named_format(before: str, name: str) -> None:
    wrappers, fields = BEFORE[before]
    parse, alone = (compile_inside(REGISTRY[name], FormatOptions()), REGISTRY[name].compile(FormatOptions()))
    assert parse(before + INSIDE[name]) == fields | alone(INSIDE[name])
    assert last_wrappers(parse) == wrappers
    assert parse(INSIDE[name]) == alone(INSIDE[name])
    assert last_wrappers(parse) == ()
    assert parse(docker(INSIDE[name])) if name == "json" else parse(docker(INSIDE[name]))["container_time"] == ISO
    with pytest.raises(FormatError):
        parse(before + "no such line")


def test_directive_inside() -> None:
    log_format = find_format('nginx:$remote_addr "$request" $status')
    parse = compile_inside(log_format, FormatOptions())
    assert parse('<190>Oct 10 13:55:36 web1 nginx: 192.0.2.1 "GET / HTTP/1.1" 200')["status"] == 200


HAPROXY = REGISTRY["haproxy"].examples[0].line


# HAProxy's own header stays its field; a wrapper around that is another.
def test_haproxy_keeps_its_header() -> None:
    assert AUTO(HAPROXY) == REGISTRY["haproxy"].examples[0].row
    assert last_wrappers(AUTO) == ()
    row = AUTO(f"Oct 10 13:55:36 web1 haproxy: {REGISTRY['haproxy'].examples[1].line}")
    assert row == syslog("Oct 10 13:55:36", "haproxy") | REGISTRY["haproxy"].examples[1].row


# What is inside is of no known format: a message stays one, an object is passed on unmodified, the rest is unparsed.
UNKNOWN = ["Starting server on port 8080", "a=1 and words", "level=info msg=x", ""]


@pytest.mark.parametrize("text", [text for text in UNKNOWN if "level" not in text])
def test_unknown_inside(text: str) -> None:
    for before, (wrappers, _) in BEFORE.items():
        innermost = wrappers[-1]
        if innermost in REGISTRY and len(wrappers) == 1:
            assert AUTO(before + text) == REGISTRY[innermost].compile(FormatOptions())(before + text)
            assert last_format(AUTO) is REGISTRY[innermost]
            assert last_wrappers(AUTO) == ()
        elif innermost not in REGISTRY:
            with pytest.raises(FormatError):
                AUTO(before + text)
    assert AUTO(docker(text)) == {"log": text + "\n", "stream": "stdout", "time": ISO}
    assert last_wrappers(AUTO) == ()


# A message of syslog with key=value pairs is a message, unless the pairs are an access line.
@pytest.mark.parametrize("text", ["logname= uid=0 euid=0 rhost=192.0.2.4", "level=info msg=x", "DOWN: a\tb: c"])
def test_messages_stay_messages(text: str) -> None:
    assert AUTO(f"Oct 10 13:55:36 web1 app: {text}")["message"] == text
    assert AUTO(f"Oct 10 13:55:36 relay app: Oct 10 13:55:36 web1 app: {text}")["program"] == "app"
    assert last_wrappers(AUTO) == ()


def test_syslog_in_a_container() -> None:
    row = AUTO(f"{ISO} stdout F Oct 10 13:55:36 web1 sshd[7]: Accepted")
    assert row["container_stream"] == "stdout"
    assert (row["hostname"], row["message"]) == ("web1", "Accepted")


# Structured messages of the Common Event Expression have a cookie before their JSON.
def test_cookie() -> None:
    for cookie in ("@cee:", "@cee: "):
        row = AUTO(f'Oct 10 13:55:36 web1 app: {cookie}{{"status":200}}')
        assert row == syslog("Oct 10 13:55:36", "app") | {"status": 200}


# The line's own field counts where a wrapper has one of the same name.
def test_same_name() -> None:
    assert AUTO(f'{ISO} stdout F {{"container_tag":"x"}}') == {
        "container_time": ISO, "container_stream": "stdout", "container_tag": "x",
    }  # fmt: skip


# A part of a line is not read as a whole one.
def test_part_is_not_read() -> None:
    assert AUTO(f"{ISO} stdout P {ACCESS}") == {"time": ISO, "stream": "stdout", "tag": "P", "message": ACCESS}


# Other JSON is not Docker's, and is passed on unmodified: line_field names its member.
@pytest.mark.parametrize(
    "row",
    [
        {"log": ACCESS + "\n"},
        {"log": ACCESS + "\n", "stream": "stdout", "time": ISO, "kubernetes": {}},
        {"log": ACCESS + "\n", "stream": "x", "time": ISO},
        {"log": f"{ACCESS}\n{ACCESS}\n", "stream": "stdout", "time": ISO},
        {"log": 5, "stream": "stdout", "time": ISO},
    ],
)
def test_other_json(row: dict[str, Any]) -> None:
    assert AUTO(json.dumps(row)) == row
    assert last_wrappers(AUTO) == ()


# A W3C header inside containers is a header, valid for its record.
def test_header_inside() -> None:
    parse = AUTO.for_record()
    with pytest.raises(FormatError) as raised:
        parse(f"{ISO} stdout F #Fields: date time c-ip sc-status")
    assert raised.value.reason == HEADER
    line = f"{ISO} stdout F 2025-10-10 13:55:36 192.0.2.1 200"
    assert parse(line)["sc_status"] == 200
    assert AUTO.for_record()(line)["message"]


# Wrappers without end are no reason to go on for ever, nor are their parts.
@pytest.mark.large
@pytest.mark.parametrize(
    "flood",
    [
        f"{ISO} stdout F ", f"{ISO} ", "web-1  | ", "Oct 10 13:55:36 web1 a: ",
        "<190>1 2025-10-10T13:55:36Z a b - - - ",
        "[pod/a/b] ",
        "2025-10-10T13:55:36+00:00 a ", "web-1 ", "a", "\x1b[0m", "[ ", "1", "1.", "|", " ", '{"log":"',
        "Fri 2025-10-10 ", "@cee:",
    ],
)  # fmt: skip
def test_linear_time(flood: str) -> None:
    named = compile_inside(REGISTRY["apache_combined"], FormatOptions())
    text = flood * (FLOOD_CHARS // len(flood))
    for line in (text, text + ACCESS, f"web-1  | {text}", f"[ {text}", f"{ISO} {text}", docker(text)):
        for parse in (AUTO, named):
            with must_end(FLOOD_SECONDS), suppress(FormatError):
                parse(line)


# The line's own time is the event's; the wrapper's, where the line has none.
@pytest.mark.parametrize(
    ("line", "time"),
    [
        (f'{ISO} stdout F {{"status":200,"time":"2025-10-10T12:00:00Z"}}', "2025-10-10T12:00:00Z"),
        (f'{ISO} stdout F {{"status":200}}', "2025-10-10T13:55:36.123Z"),
        (f"{ISO} at=info status=200", "2025-10-10T13:55:36.123Z"),
        ('<190>1 2025-10-10T13:55:36Z web1 app - - - {"status":200}', "2025-10-10T13:55:36Z"),
        ('2025-10-10T13:55:36+00:00 stream {"status":200}', "2025-10-10T13:55:36Z"),
        ('1760104536.123456 web1 app[77]: {"status":200}', "2025-10-10T13:55:36.123Z"),
        ('[ 1760104536.123456] web1 app[77]: {"status":200}', None),
        (f"{ISO} stdout F {ACCESS.replace('13:55:36', '12:00:00')}", "2025-10-10T12:00:00Z"),
    ],
)
def test_event_time(line: str, time: str | None) -> None:
    source = Source(source_settings({"format": "auto"}), ZoneInfo)
    row = source.parse(line)
    source.complete(source.parse, row, 0)
    assert source.event_time(row, 0) == (None if time is None else from_iso(time))
