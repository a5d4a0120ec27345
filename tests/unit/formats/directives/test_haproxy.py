"""Formats from HAProxy's log-format: what a real HAProxy wrote is read back, and what cannot be split is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.errors import FormatError, SettingsError
from streamtally.formats import REGISTRY, FormatOptions, find_format
from streamtally.formats.base import Row
from streamtally.formats.engine.generate import generate_exact
from streamtally.formats.unwrapping.inside import compile_inside
from tests.endless import must_end
from tests.examples import examples

SAMPLES = Path(__file__).parents[3] / "samples/haproxy-log-formats.jsonl"
LOGS = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
SERVED = {
    "status_code": 200, "bytes_read": 58, "protocol": "HTTP/1.1", "backend": "web", "server": "srv1",
    "var_txn_scheme": "http",
}  # fmt: skip
ALWAYS = {"client_ip": "192.0.2.1", "hostname": "lb1", "frontend": "http-in"}
# What the three requests of scripts/make_haproxy_samples.py must give, whatever the log-format is.
FACTS: list[Row] = [
    ALWAYS | SERVED | {
        "method": "GET", "path": "/a/b", "query": "?c=d", "uri": "/a/b?c=d", "request": "GET /a/b?c=d HTTP/1.1",
        "captured_request_cookie": "ID=abc/d==", "capture_req_hdr_0": "www.example.com",
    },
    ALWAYS | SERVED | {
        "method": "POST", "path": "/", "query": "", "uri": "/", "request": "POST / HTTP/1.1",
        "captured_request_cookie": None, "capture_req_hdr_0": "x.example",
    },
    ALWAYS | {
        "status_code": 400, "bytes_read": 0, "protocol": "<BADREQ>", "backend": "http-in", "server": "<NOSRV>",
        "method": "<BADREQ>", "path": "<BADREQ>", "query": "<BADREQ>", "uri": "<BADREQ>", "request": "<BADREQ>",
        "captured_request_cookie": None, "capture_req_hdr_0": None,
    },
]  # fmt: skip
HTTP = "haproxy:$HAPROXY_HTTP_LOG_FMT"


def parse(directive: str, line: str) -> Row:
    return find_format(directive).compile(FormatOptions())(line)


# Log-formats that people use, each with what a real HAProxy wrote for the same requests, with captures and without.
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log["source"])
def test_real_lines(log: dict[str, Any]) -> None:
    log_format = find_format(f"haproxy:{log['log_format']}")
    parser = compile_inside(log_format, FormatOptions())
    for has_captures, lines in ((True, log["lines"]), (False, log["without_captures"])):
        for line, facts in zip(lines, FACTS, strict=bool(lines)):
            row = parser(line)
            assert row["syslog_program"] == "haproxy"
            expected = {name: value for name, value in facts.items() if name in row}
            cookie = facts["captured_request_cookie"] if has_captures else None
            if "captured_request_cookie" in row:  # in quotes, HAProxy writes no - for a value that is missing
                expected["captured_request_cookie"] = cookie or ("" if "%{+Q}o" in log["log_format"] else None)
            assert {name: row[name] for name in expected} == expected
            exact = generate_exact(log_format.compile.args[0], FormatOptions())  # type: ignore[attr-defined]
            assert exact(line.partition("]: ")[2]) == {name: row[name] for name in row if not name.startswith("syslog")}


# The strings of HAProxy's own formats give the rows of the formats haproxy, haproxy_tcp and haproxy_clf.
@pytest.mark.parametrize(
    ("variable", "name"),
    [("HAPROXY_HTTP_LOG_FMT", "haproxy"), ("HAPROXY_TCP_LOG_FMT", "haproxy_tcp"),
     ("HAPROXY_HTTP_CLF_LOG_FMT", "haproxy_clf")],
)  # fmt: skip
def test_default_formats(variable: str, name: str) -> None:
    plain = REGISTRY[name]
    log_format = find_format(f'haproxy:log-format "${{{variable}}}"')
    assert (log_format.roles, log_format.time_field) == (plain.roles, plain.time_field)
    assert log_format.time_format == plain.time_format
    for example in plain.examples:
        row = parse(log_format.name, example.line.removeprefix(f"{example.row['header']}: "))
        assert row == {key: value for key, value in example.row.items() if key not in ("header", "extra")}


# A line and its row, from HAProxy 2.6 unless a comment says otherwise.
@pytest.mark.parametrize(
    ("directive", "line", "row"),
    [
        # Quotes and escapes of haproxy.cfg.
        (r"%ci\ \"%ST\"", '192.0.2.1 "200"', {"client_ip": "192.0.2.1", "status_code": 200}),
        ('log-format "%ci \\"%ST\\""', '192.0.2.1 "200"', {"client_ip": "192.0.2.1", "status_code": 200}),
        ("log-format '%ci \"%ST\"'", '192.0.2.1 "200"', {"client_ip": "192.0.2.1", "status_code": 200}),
        ("log-format \"%ci\"' %ST'\\ %B # all", "192.0.2.1 200 7",
         {"client_ip": "192.0.2.1", "status_code": 200, "bytes_read": 7}),
        ('log-format "%ci \\\n            %ST"', "192.0.2.1 200", {"client_ip": "192.0.2.1", "status_code": 200}),
        (r"%ci\t%ST\x7c%B", "192.0.2.1\t200|7", {"client_ip": "192.0.2.1", "status_code": 200, "bytes_read": 7}),
        ('error-log-format "%ci 100%% %ST"', "192.0.2.1 100% 0", {"client_ip": "192.0.2.1", "status_code": 0}),
        # Spaces are merged, also where %o stands.
        (" %{+Q}o  %{-Q}ci   %HM ", '192.0.2.1 "GET" ', {"client_ip": "192.0.2.1", "method": "GET"}),
        # Flags: hexadecimal, escapes, missing numbers in quotes.
        ("%{+X}o %ci:%cp %Ts %B", "C0000201:1F90 6B0A8CD3 7",
         {"client_ip": "C0000201", "client_port": "1F90", "timestamp": "6B0A8CD3", "bytes_read": 7}),
        ("%{+Q,+E}[capture.req.hdr(0)] %ST", r'"Mo \"z\" \\ {x|y} \] end\\" 200',
         {"capture_req_hdr_0": r'Mo \"z\" \\ {x|y} \] end\\', "status_code": 200}),
        ("%{+Q}o %bi:%bp %si:%sp", '"":"" "192.0.2.9":443',
         {"backend_source_ip": "", "backend_source_port": None, "server_ip": "192.0.2.9", "server_port": 443}),
        # Addresses: IPv6, and a UNIX socket.
        ("%ci:%cp %fi:%fp", "2001:db8::1:58328 unix:1",
         {"client_ip": "2001:db8::1", "client_port": 58328, "frontend_ip": "unix", "frontend_port": 1}),
        # option logasap, and a redispatched request.
        ("%ST %Ta/%B %rc", "200 +12/+85 +1", {"status_code": 200, "time_active": 12, "bytes_read": 85, "retries": 1}),
        # Adjacent values of which the second one has a beginning or a length of its own.
        ("%HP%HQ %Ts%ms", "/a?b=c 1795853524255",
         {"path": "/a", "query": "?b=c", "timestamp": 1795853524, "milliseconds": 255}),
        ("%HPO%HQ", "<BADREQ><BADREQ>", {"path": "<BADREQ>", "query": "<BADREQ>"}),
        # A request outside quotes, whole and cut.
        ("%r %ST %sslc", "GET /a HTTP/1.1 200 -",
         {"request": "GET /a HTTP/1.1", "status_code": 200, "ssl_ciphers": None}),
        ("%r %ST", "GET /aaaaaaa 200", {"request": "GET /aaaaaaa", "status_code": 200}),
        ("%r %ST", "<BADREQ> 400", {"request": "<BADREQ>", "status_code": 400}),
        # One text that can hold what follows it ends where the rest fits.
        ("%ci %[capture.req.hdr(0)] %ST %HM", "192.0.2.1 a 404 POST b 200 GET",
         {"client_ip": "192.0.2.1", "capture_req_hdr_0": "a 404 POST b", "status_code": 200, "method": "GET"}),
        ('"%[capture.req.hdr(0)]" %ST', '"a" 404 "b" 200', {"capture_req_hdr_0": 'a" 404 "b', "status_code": 200}),
        # Several are told apart where none holds it.
        ("%[req.hdr(Host)]|%[req.hdr(user-agent),lower] %ST", "a.example|x/1 200",
         {"req_hdr_host": "a.example", "req_hdr_user_agent": "x/1", "status_code": 200}),
        ("%b-%s %ST", "web-srv1 200", {"backend": "web", "server": "srv1", "status_code": 200}),
        # HAProxy 3.0's names, and the variables' names of 1.4.
        ("%(ua)[req.hdr(User-Agent)]", "a b", {"ua": "a b"}),
        ("%(client:ipv4)ci %Ci:%Cp %st %cc", "192.0.2.1 192.0.2.2:80 200 -",
         {"client_ip": "192.0.2.1", "client_ip_2": "192.0.2.2", "client_port": 80, "status_code": 200,
          "captured_request_cookie": None}),
        # Brackets in the arguments of a converter.
        ('%[path,regsub("[a-z]+]","x",g)] %ST', "/x 200", {"path": "/x", "status_code": 200}),
        # Captured headers in front.
        ("%hr %ST", "{a|b} 200", {"captured_request_headers": "a|b", "status_code": 200}),
        ("%hr %ST", "200", {"captured_request_headers": None, "status_code": 200}),
        ("%{+Q}hrl %{+Q}r", '"a" "" "GET / HTTP/1.1"',
         {"captured_request_headers": '"a" ""', "request": "GET / HTTP/1.1"}),
        ("%ST %{+Q}hrl %{+Q}r", '200 "<BADREQ>"',
         {"status_code": 200, "captured_request_headers": None, "request": "<BADREQ>"}),
    ],
)  # fmt: skip
def test_lines(directive: str, line: str, row: Row) -> None:
    assert parse(f"haproxy:{directive}", line) == row


# A value that holds what the next literal begins with is never cut: the line does not fit.
@pytest.mark.parametrize(
    ("directive", "line"),
    [
        ("%[capture.req.hdr(0)] %[capture.req.hdr(1)] %ST", "a b c 200"),
        ("%[capture.req.hdr(0)] %ST %[capture.req.hdr(1)]", "a 404 b 200 c"),
        ('"%[capture.req.hdr(0)]" "%[capture.req.hdr(1)]"', '"a" "b" "c"'),
        ("%b-%s", "my-web-srv1"),
        ("%b:%s", "t5::e:s1"),
        ("%ci:%cp", "192.0.2.1"),
        ("%ST", "200 5"),
    ],
)
def test_ambiguous_lines(directive: str, line: str) -> None:
    with pytest.raises(FormatError, match="not a line of this log-format"):
        parse(f"haproxy:{directive}", line)


@pytest.mark.parametrize(
    ("directive", "named"),
    [
        ("%ci%cp", "there is nothing between 'client_ip' and 'client_port'"),
        ("%b%s", "'backend' and 'server'"),
        ("no variable", "no variable"),
        ("%ci %zz", "%zz is not one of HAProxy's variables"),
        ("%ci 5% of", "'% of' is not a variable of HAProxy"),
        ("%{+Z}ci", "'+Z' in {+Z} is not a flag"),
        ("%{+json}o %ci", "{+json} writes JSON objects: read its lines with the format json"),
        ("%[capture.req.hdr(0)", "is not closed"),
        ("%[capture.req.hdr(0)] %hrl %ST", "%hrl and %hsl write any number of values"),
        ("%hrl %{+Q}hsl", "need the same flags"),
        ('log-format-sd "%ci"', "log-format-sd describes the structured data"),
        ("log-format %ci %cp", "takes one argument"),
        ('log-format "%ci', "a quote is not closed"),
        ('log-format "%ci $FORMAT"', "the environment variable FORMAT is not known"),
    ],
)
def test_refused(directive: str, named: str) -> None:
    with pytest.raises(SettingsError) as error:
        find_format(f"haproxy:{directive}")
    assert named in str(error.value)
    assert "\n" not in str(error.value)


# The event time is that of the request before that of its connection, with an offset before one without.
@pytest.mark.parametrize(
    ("directive", "field", "written"),
    [
        ("%t %tr %ST", "accept_date_2", "dd/MMM/yyyy:HH:mm:ss.SSS"),
        ("%T %ST", "accept_date", "dd/MMM/yyyy:HH:mm:ss Z"),
        ("%Tl %ms", ("accept_date", "milliseconds"), "strftime:%d/%b/%Y:%H:%M:%S %z %{msec_frac}"),
        ("%tr %trl", "accept_date_2", "dd/MMM/yyyy:HH:mm:ss Z"),
        ("%Ts.%ms", ("timestamp", "milliseconds"), "strftime:%{sec} %{msec_frac}"),
        ("%Ts", "timestamp", "unix"),
        ("%{+X}Ts", None, None),
        ("%ms %ST", None, None),
        ("%[accept_date(ms)]", "accept_date_ms", "unix_ms"),
        ("%[date(0,us)]", "date_0_us", "strftime:%{usec}"),
        ('%[date,ltime("%Y-%m-%dT%H:%M:%S%z")] %t', "date", "strftime:%Y-%m-%dT%H:%M:%S%z"),
        ("%[request_date(ms),ms_utime(%FT%T.%3N)]", "request_date_ms", "strftime:%FT%T.%{msec_frac}"),
        ("%[date(-3600)]", None, None),
    ],
)
def test_times(directive: str, field: str | tuple[str, ...] | None, written: str | None) -> None:
    log_format = find_format(f"haproxy:{directive}")
    assert (log_format.time_field, log_format.time_format) == (field, written)
    assert log_format.time_is_utc == ("ms_utime" in directive)


def test_roles() -> None:
    roles = find_format("haproxy:%ci %ST %HM %HP %HU %HQ %HV %B %Tt %[req.hdr(host)] %[capture.req.hdr(0)]").roles
    assert (roles.client, roles.status, roles.method, roles.path) == ("client_ip", "status_code", "method", "uri")
    assert (roles.query, roles.protocol, roles.bytes, roles.duration) == ("", "protocol", "bytes_read", "time_total")
    assert (roles.vhost, roles.agent) == ("req_hdr_host", "")
    expressions = find_format(
        'haproxy:"%[capture.req.method] %[capture.req.uri,json(utf8s)]" %[http_auth_user] %[status]'
    )
    assert (expressions.roles.method, expressions.roles.path) == ("capture_req_method", "capture_req_uri")
    assert (expressions.roles.user, expressions.roles.status) == ("http_auth_user", "status")
    apart = find_format("haproxy:%HP %HQ %Ta %Tt %[req.fhdr(User-Agent)]").roles
    assert (apart.path, apart.query, apart.duration) == ("path", "query", "time_active")
    assert apart.agent == "req_fhdr_user_agent"


# Escapes of the flag E and of the converter json are undone where unescape asks for it.
def test_unescape() -> None:
    options = FormatOptions(unescape=True)
    escaped = find_format("haproxy:%{+Q,+E}[capture.req.hdr(0)]").compile(options)
    assert escaped(r'"Mo \"z\" \\ \] \\\] end\\"') == {"capture_req_hdr_0": 'Mo "z" \\ ] \\] end\\'}
    encoded = find_format('haproxy:{"ua":"%[capture.req.hdr(0),json(utf8s)]"}').compile(options)
    url = find_format('haproxy:{"url":"%[capture.req.uri,json(utf8s)]","status":%ST}').compile(options)
    assert url(r'{"url":"\/a\/b?c=d","status":200}') == {"capture_req_uri": "/a/b?c=d", "status_code": 200}
    assert encoded(r'{"ua":"Mo \"z\" \\ \u00e9"}') == {"capture_req_hdr_0": 'Mo "z" \\ é'}


# A first value that can hold spaces does not swallow the syslog header.
def test_inside_syslog() -> None:
    parser = compile_inside(find_format("haproxy:%[var(txn.id)] %ST"), FormatOptions())
    line = "Nov 28 09:12:07 lb1 haproxy[21317]: a b 200"
    assert parser(line) == {
        "syslog_facility": None, "syslog_severity": None, "syslog_timestamp": "Nov 28 09:12:07",
        "syslog_hostname": "lb1", "syslog_program": "haproxy", "syslog_processid": "21317", "var_txn_id": "a b",
        "status_code": 200,
    }  # fmt: skip
    assert parser("a b 200") == {"var_txn_id": "a b", "status_code": 200}


WORDS = st.text(st.sampled_from("ab1.-"), min_size=1, max_size=6).filter(lambda text: text != "-")
TEXTS = st.text(st.sampled_from('ab1.- /:|{}"'), max_size=8)


# Whatever the clients send, a line gives the values that were logged, or does not fit.
@settings(max_examples=examples(160), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["%[var(txn.a)]", "%ST", "%b", "%{+Q}[var(txn.b)]", "%CC"]), TEXTS, WORDS), min_size=1
    ),
    st.lists(st.sampled_from([" ", "|", ":", ' "', '" ', "] [", " x="]), min_size=12, max_size=12),
)
def test_never_split_wrongly(values: list[tuple[str, str, str]], literals: list[str]) -> None:
    values, directive, line, logged = values[:8], "", "", []
    for (variable, text, word), literal in zip(values, literals, strict=False):
        written = {"%ST": "200", "%b": word, "%CC": word}.get(variable, text or "-")
        directive += variable + literal
        line += (f'"{written}"' if "+Q" in variable else written) + literal
        logged.append(None if written == "-" else 200 if variable == "%ST" else written)
    try:
        row = parse(f"haproxy:{directive}", line)
    except FormatError:
        return
    assert list(row.values()) == logged


# A line of a megabyte takes linear time, whatever it holds.
@pytest.mark.parametrize("flood", ["a", '"', " ", '" ', ' "', "\\", "- ", " [", "1", "{a} ", '"a" ', " 1", "1:", "/"])
def test_linear_time(flood: str) -> None:
    directives = [
        HTTP, "haproxy:$HAPROXY_HTTP_CLF_LOG_FMT", "haproxy:$HAPROXY_HTTPS_LOG_FMT",
        'haproxy:%ci %[capture.req.hdr(0)] %ST %B %{+Q}r %HM %HU "%b" %hr %hs x',
        "haproxy:%{+Q}hrl %{+Q}r %{+Q}CC %ST", "haproxy:%r %hrl x",
    ]  # fmt: skip
    with must_end():
        for directive in directives:
            parser = find_format(directive).compile(FormatOptions())
            for head in ("", "192.0.2.1 ", '192.0.2.1 a 200 5 "', '"a" '):
                with pytest.raises(FormatError):
                    parser(head + flood * (300_000 // len(flood)) + "\n")
