"""split_request, true_client and anonymize find their fields by what a format's fields mean, in every format."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.errors import FormatError
from streamtally.formats import REGISTRY
from streamtally.formats.field_readers import alternatives
from streamtally.formats.roles import is_open
from streamtally.formats.wrappers.addresses import mask_row
from streamtally.formats.wrappers.request_parts import PARTS, has_parts
from streamtally.transform.known_columns import known_columns
from streamtally.transform.source import Source

NGINX_PARTS = "nginx:$remote_addr $status $request_method $request_uri $server_protocol"
W3C_HEADER = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
JSON_LINES: dict[str, dict[str, Any]] = {
    "nginx": {"request_method": "GET", "request_uri": "/a?b=1", "server_protocol": "HTTP/2.0", "status": "200"},
    "Envoy": {"method": "GET", "path": "/a?b=1", "protocol": "HTTP/2.0", "response_code": 200},
    "Traefik": {"RequestMethod": "GET", "RequestPath": "/a?b=1", "RequestProtocol": "HTTP/2.0"},
    "Caddy": {"request": {"method": "GET", "uri": "/a?b=1", "proto": "HTTP/2.0", "remote_ip": "10.0.0.1"}},
    "WAF": {"httpRequest": {"httpMethod": "GET", "uri": "/a", "args": "b=1", "httpVersion": "HTTP/2.0"}},
    "ECS": {"http": {"version": "2.0", "request": {"method": "GET"}}, "url": {"path": "/a", "query": "b=1"}},
    "request_line": {"request_line": "GET /a?b=1 HTTP/2.0"},
    "S3's name": {"request_uri": "GET /a?b=1 HTTP/2.0"},
}


def source(name: str, **settings: Any) -> Source:
    return Source(source_settings({"format": name, **settings}), ZoneInfo)


def parts(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(part, "absent") for part in PARTS)


# The right values are those that the vendors' pages give for the formats' examples.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apache_combined", ("GET", "/a", "b=1", "HTTP/1.1")),
        ("apache_common", ("GET", "/apache_pb.gif", None, "HTTP/1.0")),
        ("nginx", ("GET", r"/\x22q\x22", None, "HTTP/2.0")),
        ("nginx_main", ("GET", "/a", "b=1", "HTTP/1.1")),
        ("ingress_nginx", ("GET", "/a", None, "HTTP/2.0")),
        ("nginx_error", ("GET", "/a", None, "HTTP/1.1")),
        ("alb", ("GET", "https://www.example.com:443/", "a=b", "HTTP/1.1")),
        ("elb", ("GET", "http://www.example.com:80/", None, "HTTP/1.1")),
        ("api_gateway", ("GET", "/pets/{petId}", None, "HTTP/1.1")),
        ("api_gateway_csv", ("GET", "/pets/{petId}", None, "HTTP/1.1")),
        ("cloudfront", ("GET", "/index.html", "a=b", "HTTP/2.0")),
        ("cloudfront_realtime", ("GET", "/index.html", "a=b", "HTTP/2.0")),
        ("s3_access", ("PUT", "/amzn-s3-demo-bucket1/s3-dg.pdf", None, "HTTP/1.1")),
        ("haproxy", ("GET", "/i", None, "HTTP/1.1")),
        ("haproxy_clf", ("HEAD", "/", None, "HTTP/1.0")),
        ("envoy", ("POST", "/api/v1/locations", None, "HTTP/2")),
        ("traefik", ("GET", "/", None, "HTTP/1.1")),
        ("squid", ("POST", "http://example.com/x", None, None)),
        ("lighttpd", ("GET", "/a", "b=1", "HTTP/1.1")),
        ("w3c", ("GET", "/default.htm", "a=b", None)),
        ("ltsv", ("GET", "/", None, "HTTP/1.1")),
    ],
)
@pytest.mark.parametrize("is_auto", [False, True])
def test_request_is_split(name: str, expected: tuple[Any, ...], is_auto: bool) -> None:
    line = REGISTRY[name].examples[0].line
    row, own = (_read("auto" if is_auto else name, name, line, split) for split in (True, False))
    assert parts(row) == expected
    assert {key: row[key] for key in own} == own


def _read(format_name: str, name: str, line: str, split: bool) -> dict[str, Any]:
    """The row of a line, after its header where the format needs one under auto."""
    parse = source(format_name, split_request=split).parse
    if format_name == "auto" and name == "w3c":
        with pytest.raises(FormatError, match="header"):
            parse(W3C_HEADER)
    return parse(line)


# Every format with these roles is in the table above.
def test_every_format_with_a_request_is_tried() -> None:
    tried = test_request_is_split.pytestmark[1].args[1]
    with_request = {name for name, log_format in REGISTRY.items() if has_parts(log_format) and not is_open(log_format)}
    assert with_request <= {name for name, _ in tried}


@pytest.mark.parametrize("name", JSON_LINES)
def test_json_by_common_names(name: str) -> None:
    row = source("json", split_request=True).parse(json.dumps(JSON_LINES[name]))
    own = JSON_LINES[name]
    expected = {"method": "GET", "path": "/a", "query": "b=1", "protocol": "HTTP/2.0"}
    assert row == {**expected, **own}  # a field of the log's own is not changed


# A format without a request gets no empty columns, and a program that reads them is refused.
@pytest.mark.parametrize("name", ["syslog", "alb_connection", "nlb", "vpc_flow", "haproxy_tcp", "apache_error"])
def test_format_without_a_request(name: str) -> None:
    split = source(name, split_request=True)
    line = REGISTRY[name].examples[0].line
    assert split.parse(line) == source(name).parse(line)
    assert "path" not in (known_columns(split) or ())


def test_directive_by_its_names() -> None:
    row = source(NGINX_PARTS, split_request=True).parse("192.0.2.7 200 GET /a?b=1 HTTP/1.1")
    assert parts(row) == ("GET", "/a", "b=1", "HTTP/1.1")
    both = source('nginx:$remote_addr "$request" $status $request_uri', split_request=True)
    assert parts(both.parse('192.0.2.7 "GET /a?b=1 HTTP/1.1" 200 /a?b=1')) == ("GET", "/a", "b=1", "HTTP/1.1")
    assert parts(source("nginx:$remote_addr $status $request_uri", split_request=True).parse("192.0.2.7 200 /a")) == (
        "absent",
    ) * len(PARTS)


def _with_client(name: str, address: str) -> str:
    """The format's example with this address in place of the client's."""
    for example in REGISTRY[name].examples:
        for field in alternatives(REGISTRY[name].roles.client):
            value = example.row.get(field)
            if isinstance(value, str) and value not in ("-", ""):
                host = value.rpartition(":")[0] if REGISTRY[name].roles.client_has_port else value
                return example.line.replace(host, address, 1)
    raise AssertionError(name)


WITH_CLIENT = [
    name for name, log_format in REGISTRY.items() if alternatives(log_format.roles.client) and not is_open(log_format)
]


# A name made of an address is masked in the client's field, as it is in the field host of a combined log.
@pytest.mark.parametrize("name", WITH_CLIENT)
def test_client_is_masked(name: str) -> None:
    client = REGISTRY[name].roles.client
    row = source(name, anonymize=True).parse(_with_client(name, "192.0.2.77"))
    values = [row[field] for field in alternatives(client) if row.get(field)]
    assert [value for value in values if "192.0.2.0" in value] == values
    assert "192.0.2.77" not in repr(row)


# The client behind a proxy takes the place of the client's field, whatever that is called.
@pytest.mark.parametrize(
    ("name", "line", "client", "forwarded"),
    [
        (
            "nginx_main",
            '10.0.0.1 - - [22/Nov/2025:21:21:41 +0100] "GET / HTTP/1.1" 200 5 "-" "x" "203.0.113.9, 10.0.0.7"',
            "host",
            "http_x_forwarded_for",
        ),
        ("json", '{"client_ip":"10.0.0.1","xff":"203.0.113.9, 10.0.0.7"}', "client_ip", "xff"),
        ("json", '{"remote_addr":"10.0.0.1","xff":"203.0.113.9"}', "remote_addr", "xff"),
        ("ltsv", "host:10.0.0.1\tforwardedfor:203.0.113.9\tstatus:200", "host", "forwardedfor"),
        ('nginx:$remote_addr $status "$http_x_forwarded_for"', '10.0.0.1 200 "203.0.113.9"', "remote_addr", ""),
        ('apache:%a %>s "%{X-Forwarded-For}i"', '10.0.0.1 200 "203.0.113.9"', "", "x_forwarded_for"),
    ],
)
def test_true_client_by_role(name: str, line: str, client: str, forwarded: str) -> None:
    plain = source(name).parse(line)
    forwarded = forwarded or "http_x_forwarded_for"
    client = client or next(iter(plain))
    assert plain[client] == "10.0.0.1"
    row = source(name, true_client={"forwarded": forwarded}).parse(line)
    assert (row[client], row["proxy"]) == ("203.0.113.9", "10.0.0.1")
    assert row[forwarded] == plain[forwarded]


def test_true_client_of_cloudfront() -> None:
    line = REGISTRY["cloudfront"].examples[0].line
    columns = line.split("\t")
    columns[4], columns[19] = "10.0.0.1", "203.0.113.9,%2010.0.0.7"
    row = source("cloudfront", true_client={"forwarded": "x_forwarded_for"}).parse("\t".join(columns))
    assert (row["c_ip"], row["proxy"]) == ("203.0.113.9", "10.0.0.1")


# A port stays with the peer; nested objects, and headers that are logged as lists (Caddy), are read as well.
def test_true_client_of_balancers_and_nested_objects() -> None:
    line = '{"request":{"remote_ip":"10.0.0.1","headers":{"X-Forwarded-For":["203.0.113.9"]}},"status":200}'
    row = source("json", true_client={"forwarded": "request.headers.X-Forwarded-For"}).parse(line)
    assert (row["request"]["remote_ip"], row["proxy"]) == ("203.0.113.9", "10.0.0.1")
    dotted = '{"http.client_ip":"10.0.0.1","client.ip":"10.0.0.2","xff":"203.0.113.9"}'
    row = source("json", true_client={"forwarded": "xff"}).parse(dotted)
    assert (row["client.ip"], row["proxy"]) == ("203.0.113.9", "10.0.0.2")


# The setting takes precedence over the role.
def test_named_client() -> None:
    line = '{"remote_addr":"10.0.0.1","peer":"10.0.0.2","xff":"203.0.113.9"}'
    row = source("json", true_client={"forwarded": "xff", "client": "peer"}).parse(line)
    assert row == {"remote_addr": "10.0.0.1", "peer": "203.0.113.9", "xff": "203.0.113.9", "proxy": "10.0.0.2"}


# What is remembered of a field's texts changes nothing: each row is what masking all its fields gives.
@pytest.mark.parametrize("name", [name for name, log_format in REGISTRY.items() if log_format.scanner])
def test_fast_masking_is_the_general_one(name: str) -> None:
    masking, plain = source(name, anonymize=True).parse, source(name).parse
    clients = frozenset(("host", *alternatives(REGISTRY[name].roles.forwarded)))
    texts = ["203.0.113.9", "2001:db8:1:2::3", "host-203.0.113.9", "a/203.0.113.9", "x" * 300 + ".203.0.113.9", "-"]
    for example in REGISTRY[name].examples:
        for value in filter(None, map(str, example.row.values())):
            for text in texts:
                line = example.line.replace(value, text, 1)
                for _ in range(2):  # read anew, then remembered
                    try:
                        expected = mask_row(plain(line), clients)
                    except FormatError:
                        continue
                    assert masking(line) == expected, line
