"""Formats from nginx's log_format and Apache's LogFormat: what a directive writes is parsed back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streamtally.errors import FormatError, SettingsError
from streamtally.formats import Field, FormatOptions, find_format
from tests.endless import must_end
from tests.examples import examples

NGINX_COMBINED = (
    'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent"'
)
NGINX_NAMES = [
    "remote_addr", "remote_user", "time_local", "time_iso8601", "request", "status", "body_bytes_sent", "bytes_sent",
    "request_length", "request_time", "msec", "http_referer", "http_user_agent", "http_x_forwarded_for", "host",
    "upstream_response_time", "upstream_addr", "ssl_protocol", "request_id", "connection", "gzip_ratio", "server_port",
]  # fmt: skip
NGINX_VARIABLES = [f"${name}" for name in NGINX_NAMES] + [f"${{{name}}}" for name in NGINX_NAMES]
APACHE_VARIABLES = [
    "%h", "%a", "%l", "%u", "%t", "%r", "%>s", "%s", "%b", "%B", "%D", "%T", "%{ms}T", "%v", "%p", "%U", "%q", "%m",
    "%H", "%{Referer}i", "%{User-agent}i", "%{X-Forwarded-For}i", "%{Content-Type}o", "%{session}C", "%{UNIQUE_ID}e",
    "%I", "%O",
    "%{sec}t", "%{msec}t", "%{tid}P", "%400,501{User-agent}i", "%!200,304{X-Y}i",
]  # fmt: skip
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters='"\\'), max_size=20)
# Any literal; $, % and \ are special to the servers, and a letter after nginx's variable would belong to its name.
LITERAL = st.text(st.sampled_from(" \t|;,:-[]()'\"<>#~^.*+?!/=&@"), min_size=1, max_size=4)
TIME_VALUES = {
    "time_local": "10/Oct/2025:13:55:36 -0700",
    "datetime": "10/Oct/2025:13:55:36 -0700",
    "time_iso8601": "2025-10-10T13:55:36+02:00",
}
NUMBERS = {
    "INTEGER": st.integers(-(10**8), 10**9 - 1).map(str),
    "BIGINT": st.integers(0, 10**18 - 1).map(str),
    "DOUBLE": st.decimals(0, 10**9, places=3).map(lambda value: f"{value:.3f}"),
}


ADDRESSES = st.sampled_from(["192.0.2.1", "10.0.0.1:80", "2001:db8::7", "unix:/tmp/a", "-"])
LISTS = ("http_x_forwarded_for", "x_forwarded_for", "upstream_response_time", "upstream_addr")


def typed(text: str, kind: str) -> Any:
    """The value that a row must contain."""
    if text == "-":
        return None
    return float(text) if kind == "DOUBLE" else int(text) if kind in ("INTEGER", "BIGINT") else text


def draw_value(draw: st.DrawFn, field: Field, literal: str) -> str:
    """A value that the literal after it ends: a text that does not contain it, a number that it does not continue."""
    for name, value in TIME_VALUES.items():
        if field.name.startswith(name):  # the second one is called time_local_2
            return value
    if field.type in NUMBERS:
        text = draw(NUMBERS[field.type] | st.just("-"))
        assume(literal[0] != "." and not (text == "-" and literal[0] == "-"))
        return text
    text = draw_list(draw, literal) if field.name.startswith(LISTS) else draw(TEXT)
    assume(text or literal[0] != ":")  # an empty address could end at any colon
    assume(end_of(text + literal, literal, field.name.startswith(LISTS)) == len(text))
    return text


def end_of(line: str, literal: str, is_list: bool) -> int:
    """Where a text at the line's beginning ends: at the literal, which is not one of a list's own separators."""
    end = literal[0] if literal[0] == '"' else literal
    separators = [", ", " : "] if is_list and literal[0] not in ',"' else []
    if literal.startswith(" :"):
        separators = separators[:1]
    at = 0
    while at < len(line):
        own = next((separator for separator in separators if line.startswith(separator, at)), "")
        if not own and line.startswith(end, at):
            break
        at += len(own) or 1
    return at


def draw_list(draw: st.DrawFn, literal: str) -> str:
    """Several servers' values, or a client and its proxies, as the servers write them for one variable."""
    text = draw(ADDRESSES)
    for _ in range(draw(st.integers(0, 3))):
        text += draw(st.sampled_from([", ", " : "])) + draw(ADDRESSES)
    return text


@st.composite
def directives(draw: st.DrawFn, prefix: str, variables: list[str]) -> tuple[str, str, dict[str, Any]]:
    """A directive, a line that its server would write, and the row that must result."""
    chosen = draw(st.lists(st.sampled_from(variables), min_size=1, max_size=9))
    literals = draw(st.lists(LITERAL, min_size=len(chosen) + 1, max_size=len(chosen) + 1))
    directive = prefix + literals[0] + "".join(name + text for name, text in zip(chosen, literals[1:], strict=True))
    line, row, lists = literals[0], {}, []
    for index, field in enumerate(find_format(directive).fields):
        bracketed = chosen[index] == "%t"
        text = draw_value(draw, field, literals[index + 1])
        line += (f"[{text}]" if bracketed else text) + literals[index + 1]
        lists += [len(line) - len(literals[index + 1])] * field.name.startswith(LISTS)
        row[field.name] = typed(text, field.type)
    # A space and a colon after a list belong to the list, whatever was meant.
    assume(not any(line.startswith((" : ", ", "), end) for end in lists))
    return directive, line, row


# Whatever the variables, their order and the text between them, the line that nginx would write gives the values.
@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(directives("nginx:", NGINX_VARIABLES))
def test_nginx_round_trip(case: tuple[str, str, dict[str, Any]]) -> None:
    directive, line, row = case
    assert list(find_format(directive).compile(FormatOptions())(line).items()) == list(row.items())


# The same for Apache.
@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(directives("apache:", APACHE_VARIABLES))
def test_apache_round_trip(case: tuple[str, str, dict[str, Any]]) -> None:
    directive, line, row = case
    assert list(find_format(directive).compile(FormatOptions())(line).items()) == list(row.items())


# Whole directives from real configurations, each with a real line.
@pytest.mark.parametrize(
    ("directive", "line", "row"),
    [
        (
            NGINX_COMBINED,
            r'2001:db8::1 - jane doe [10/Oct/2025:13:55:36 -0700] "GET /\x22 HTTP/1.1" 200 5 "-" "a b"',
            {
                "remote_addr": "2001:db8::1", "remote_user": "jane doe", "time_local": "10/Oct/2025:13:55:36 -0700",
                "request": r"GET /\x22 HTTP/1.1", "status": 200, "body_bytes_sent": 5, "http_referer": None,
                "http_user_agent": "a b",
            },
        ),
        (
            "nginx:log_format main '$remote_addr [$time_iso8601] '\n  '\"$request\" $request_time $msec';",
            '192.0.2.1 [2025-10-10T13:55:36+02:00] "" 0.004 1760000000.123',
            {
                "remote_addr": "192.0.2.1", "time_iso8601": "2025-10-10T13:55:36+02:00", "request": "",
                "request_time": 0.004, "msec": 1760000000.123,
            },
        ),
        (
            r'apache:LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" vhost_combined',
            r'example.com:443 192.0.2.1 - a b [10/Oct/2025:13:55:36 -0700] "GET /\"q HTTP/1.1" 200 5 "-" "x \"y\"" 977',
            {
                "vhost": "example.com", "port": 443, "host": "192.0.2.1", "ident": None, "authuser": "a b",
                "datetime": "10/Oct/2025:13:55:36 -0700", "request": r"GET /\"q HTTP/1.1", "response": 200,
                "bytes_out": 5, "referer": None, "agent": r'x \"y\"', "duration_us": 977,
            },
        ),
        (
            'nginx:$remote_addr:$remote_port "$request" $upstream_addr $upstream_response_time $request_time',
            '2001:db8::1:5000 "GET / HTTP/1.1" 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.001, 0.002 : 0.003 0.004',
            {
                "remote_addr": "2001:db8::1", "remote_port": 5000, "request": "GET / HTTP/1.1",
                "upstream_addr": "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80",
                "upstream_response_time": "0.001, 0.002 : 0.003", "request_time": 0.004,
            },
        ),
        (
            "nginx:log_format json escape=json '{\"status\":$status,'\n"
            "'\"len\":\"$content_length\",\"ua\":\"$http_user_agent\"}';",
            r'{"status":200,"len":"","ua":"a \"b\" \u001f"}',
            {"status": 200, "content_length": None, "http_user_agent": r"a \"b\" \u001f"},
        ),
        (
            "nginx:$scheme://$host$request_uri $request_method $uri$is_args$args;$status",
            "https://example.com/a?b=/c GET /a?b=/c;200",
            {
                "scheme": "https", "host": "example.com", "request_uri": "/a?b=/c", "request_method": "GET",
                "uri": "/a", "is_args": "?", "args": "b=/c", "status": 200,
            },
        ),
        (
            'apache:%{X-Forwarded-For}i %l %u "%m %U%q %H" %>s %{SSL_PROTOCOL}x %^FB',
            '192.0.2.1, 10.0.0.1 - - "GET /a HTTP/1.1" 200 TLSv1.3 55',
            {
                "x_forwarded_for": "192.0.2.1, 10.0.0.1", "ident": None, "authuser": None, "method": "GET",
                "path": "/a", "query": "", "protocol": "HTTP/1.1", "response": 200, "ssl_protocol": "TLSv1.3",
                "first_byte_us": 55,
            },
        ),
        (
            r'apache:%a:%{remote}p "%U%q" %{c}a',
            r'2001:db8::1:5000 "/a\"b?x=\"1" 192.0.2.1',
            {
                "client_ip": "2001:db8::1", "client_port": 5000, "path": r"/a\"b",
                "query": r'?x=\"1',
                "peer_ip": "192.0.2.1",
            },
        ),
        (
            "nginx:$remote_addr $request $status $http_user_agent $request_time",
            "192.0.2.1 GET /a b HTTP/1.1 200 Mozilla/5.0 (X11; 64) Gecko 1 0.25",
            {
                "remote_addr": "192.0.2.1", "request": "GET /a b HTTP/1.1", "status": 200,
                "http_user_agent": "Mozilla/5.0 (X11; 64) Gecko 1", "request_time": 0.25,
            },
        ),
        (
            "apache:%h %r,%>s %{User-Agent}i|%D|",
            "h GET /a,b HTTP/1.1,404 a|b 7 c|12|",
            {"host": "h", "request": "GET /a,b HTTP/1.1", "response": 404, "agent": "a|b 7 c", "duration_us": 12},
        ),
        ("apache:%h %b%% %{X-Forwarded-For}i", "h 5% a, b", {"host": "h", "bytes": 5, "x_forwarded_for": "a, b"}),
    ],
)  # fmt: skip
def test_real_directives(directive: str, line: str, row: dict[str, Any]) -> None:
    assert find_format(directive).compile(FormatOptions())(line) == row


# A directive by which lines cannot be split is refused, and the error names the reason.
@pytest.mark.parametrize(
    ("directive", "named"),
    [
        ("nginx:$status$body_bytes_sent", "there is nothing between 'status' and 'body_bytes_sent'"),
        ("nginx:no variable", "no variable"),
        ("nginx:$request$status", "'request' and 'status'"),
        ("apache:%h%l", "'host' and 'ident'"),
        ("apache:%{}i", "%{}i"),
        ("apache:%h %y", "%y"),
        ("apache:%h %{x}", "%{x}"),
        ("apache:50%", "%"),
    ],
)
def test_refused(directive: str, named: str) -> None:
    with pytest.raises(SettingsError) as error:
        find_format(directive)
    assert named in str(error.value)


# The pipeline's time is the best one of the directive.
def test_time_field() -> None:
    assert find_format(NGINX_COMBINED).time_field == "time_local"
    assert find_format("nginx:$msec $time_iso8601").time_field == "time_iso8601"
    assert find_format("apache:%{msec}t %h").time_format == "unix_ms"
    assert find_format("apache:%h").time_field is None


# A directive's format parses a line of a megabyte in linear time, whatever the line contains.
@pytest.mark.parametrize("flood", ["a", '"', " ", '" ', "\\", "- ", " [", "1", "|", " 1", " -"])
def test_linear_time(flood: str) -> None:
    more = '|$status|$host - $upstream_addr $http_x_forwarded_for - $uri$is_args$args $host$request_uri"$remote_addr:'
    parse = find_format(NGINX_COMBINED.replace("$status", more)).compile(FormatOptions())
    with must_end():
        for head in (
            "",
            "192.0.2.1 - ",
            "192.0.2.1 - x [10/Oct/2025:13:55:36 -0700] ",
            '1 - x [10/Oct/2025:13:55:36 -0700] "',
        ):
            with pytest.raises(FormatError):
                parse(head + flood * (1_000_000 // len(flood)) + "\n")
        unquoted = find_format("nginx:$request $status $http_user_agent $request_time x").compile(FormatOptions())
        with pytest.raises(FormatError):
            unquoted("a" + flood * (1_000_000 // len(flood)) + "\n")
