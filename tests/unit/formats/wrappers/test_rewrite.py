"""Optional changes to every row: request split, true client, anonymous client, dropped fields."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.config.source import source_settings
from streamtally.errors import FormatError, SettingsError
from streamtally.formats.wrappers.request_parts import parse_request
from streamtally.formats.wrappers.rewrite import anonymize_text
from streamtally.transform.source import Source

LINE = '192.0.2.77 - ann [10/Oct/2025:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 2326 "-" "x"'


def rows(line: str, **settings: Any) -> dict[str, Any]:
    """The row under these settings of [source]."""
    return Source(source_settings({"format": "apache_combined", **settings}), ZoneInfo).parse(line)


# Nothing is changed by default.
def test_off_by_default() -> None:
    assert rows(LINE)["host"] == "192.0.2.77"
    assert "method" not in rows(LINE)
    assert Source(source_settings({}), ZoneInfo).scanner is not None


# Last octet of IPv4, last 80 bits of IPv6; ports, brackets, lists and mapped addresses keep their form; names remain.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("192.0.2.77:5000", "192.0.2.0:5000"),
        ("2001:db8:85a3:1:2:8a2e:370:7334", "2001:db8:85a3::"),
        ("[2001:db8:85a3::7334]:443", "[2001:db8:85a3::]:443"),
        ("::ffff:192.0.2.77", "::ffff:192.0.2.0"),
        ("203.0.113.9, 192.0.2.1", "203.0.113.0, 192.0.2.0"),
        ("fe80::1%eth0", "fe80::"),
        ("host.example.com", "host.example.com"),
        ("", ""),
        ("999.1.1.1", "999.1.1.1"),
    ],
)
def test_anonymize(text: str, expected: str) -> None:
    assert anonymize_text(text) == expected


# All fields with clients are anonymized, or the listed ones.
def test_anonymize_rows() -> None:
    assert rows(LINE, anonymize=True)["host"] == "192.0.2.0"
    assert rows(LINE, anonymize=["authuser"])["host"] == "192.0.2.77"
    json_row = rows('{"client_ip":"2001:db8:1:2::3"}', format="json", anonymize=True)
    assert json_row == {"client_ip": "2001:db8:1::"}
    twice = rows(
        "192.0.2.7 192.0.2.8 10.0.0.9", format="nginx:$remote_addr $http_x_real_ip $remote_addr", anonymize=True
    )
    assert twice == {"remote_addr": "192.0.2.0", "http_x_real_ip": "192.0.2.0", "remote_addr_2": "10.0.0.0"}


# Anonymized JSON is not passed on unmodified.
def test_json_is_written_anew() -> None:
    source = Source(source_settings({"format": "auto", "anonymize": True}), ZoneInfo)
    assert not source.is_json('{"host":"192.0.2.7"}', source.parse)


# The request line is split into its parts; other texts have none.
@pytest.mark.parametrize(
    ("request_line", "parts"),
    [
        ("GET /a?b=1 HTTP/1.1", ("GET", "/a", "b=1", "HTTP/1.1")),
        ("GET /a b?c d HTTP/2.0", ("GET", "/a b", "c d", "HTTP/2.0")),
        ("GET /", ("GET", "/", None, None)),
        ("GET /? HTTP/1.1", ("GET", "/", "", "HTTP/1.1")),
        ("PRI * HTTP/2.0", ("PRI", "*", None, "HTTP/2.0")),
        (r"\x16\x03\x01", (None, None, None, None)),
        ("", (None, None, None, None)),
        ("- - - ", (None, None, None, None)),
        (None, (None, None, None, None)),
    ],
)
def test_parse_request(request_line: str | None, parts: tuple[str | None, ...]) -> None:
    assert parse_request(request_line) == parts


# The parts follow the request; dropped fields are removed.
def test_split_and_drop() -> None:
    row = rows(LINE, split_request=True, drop=["agent", "referer", "ident", "request"])
    assert list(row) == ["host", "authuser", "datetime", "method", "path", "query", "protocol", "response", "bytes"]


# The true client is the last address that is not a trusted proxy's; only a trusted peer's list is used.
@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # the peer is not trusted: anyone can send the header
        ("10.0.0.1", "203.0.113.9, unknown, 10.0.0.7", "10.0.0.7"),
        ("10.0.0.1", "-", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
    ],
)
def test_true_client(peer: str, chain: str, client: str) -> None:
    line = f'{peer} 200 "{chain}"'
    settings = {
        "format": 'nginx:$host $status "$http_x_forwarded_for"',
        "true_client": {"forwarded": "http_x_forwarded_for"},
    }
    row = rows(line, **settings)
    assert row["host"] == client
    assert row.get("proxy") == (peer if client != peer else None)


# Invalid settings are refused, and the error names the setting.
@pytest.mark.parametrize("wrong", [{}, {"forwarded": "x", "trusted": ["10/8"]}, {"forwarded": "x", "header": "y"}])
def test_true_client_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="true_client"):
        rows(LINE, true_client=wrong)


# The agent's options as a source: the row is the agent's object, and what it skips is unparsed.
def test_agent_options() -> None:
    options = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
    assert rows(LINE, agent_options=options)["response"] == "200"
    with pytest.raises(FormatError, match="does not match"):
        rows(LINE.replace("192.0.2.77", "2001:db8::1"), agent_options=options)
    with pytest.raises(SettingsError, match="out of reach"):
        rows(LINE, agent_options=[{"optionName": "USINGPLUGGIN", "className": "x"}])
    with pytest.raises(FormatError, match="arrival"):
        rows(LINE, agent_options=[{"optionName": "ADDMETADATA", "timestamp": "true"}])
