"""Flow logs of VPCs and transit gateways, with the values of AWS's documentation.

Addresses and accounts are replaced.
"""

from __future__ import annotations

from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import for_record, last_format
from streamtally.formats.w3c_header import HEADER, Header

FLOW = REGISTRY["vpc_flow"]
ENI = "123456789012 eni-1235b8ca123456789"
ACCEPTED = f"2 {ENI} 192.0.2.139 198.51.100.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
# The custom format of AWS's examples: traffic through a NAT gateway.
CUSTOM = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
CUSTOM_LINE = "- eni-1235b8ca123456789 192.0.2.5 198.51.100.220 192.0.2.5 203.0.113.5"
# Names that an alphabetical order begins with.
COMPLETE = (
    "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets"
)
COMPLETE_LINE = "123456789012 REJECT use1-az1 40 192.0.2.9 23 1620140721 ingress - eni-1 OK 1"

DEFAULT_CASES: list[tuple[str, dict[str, Any]]] = [
    (
        ACCEPTED,
        {
            "version": 2,
            "account_id": "123456789012",
            "interface_id": "eni-1235b8ca123456789",
            "srcaddr": "192.0.2.139",
            "dstaddr": "198.51.100.21",
            "srcport": 20641,
            "dstport": 22,
            "protocol": 6,
            "packets": 20,
            "bytes": 4249,
            "start": 1418530010,
            "end": 1418530070,
            "action": "ACCEPT",
            "log_status": "OK",
            "extra": None,
        },
    ),
    (
        f"2 {ENI} 192.0.2.69 198.51.100.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK ",  # as in the guide
        {"dstport": 3389, "action": "REJECT", "log_status": "OK", "extra": None},
    ),
    (
        f"2 {ENI} - - - - - - - 1431280876 1431280934 - NODATA",
        {"srcaddr": None, "bytes": None, "action": None, "log_status": "NODATA", "start": 1431280876},
    ),
    (f"2 {ENI} - - - - - - - 1431280876 1431280934 - SKIPDATA", {"log_status": "SKIPDATA", "packets": None}),
    (
        "2 unknown eni-1 192.0.2.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
        {"account_id": "unknown", "protocol": 1, "packets": 4},
    ),
    (
        f"2 {ENI} 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 "
        "1477913708 1477913820 ACCEPT OK",
        {"srcaddr": "2001:db8:1234:a100:8d6e:3477:df66:f105", "srcport": 34892, "bytes": 8855},
    ),
    # Selected fields after the default ones: nothing names them.
    (
        f"5 {ENI} 192.0.2.1 198.51.100.1 443 49152 6 25 4000 1620000000 1620000060 ACCEPT OK us-east-1 use1-az1",
        {"version": 5, "log_status": "OK", "extra": "us-east-1 use1-az1"},
    ),
    (
        "6 TransitGateway 123456789012 tgw-0 tgw-attach-0 123456789012 123456789012 vpc-0 vpc-1 subnet-0 subnet-1 "
        "eni-0 eni-1 use1-az1 use1-az2 tgw-attach-1 192.0.2.50 198.51.100.196 54321 443 6 150 12500 1699315200 "
        "1699315260 OK IPv4 0 1 2 3 2 us-east-1 egress - S3",
        {
            "version": 6,
            "resource_type": "TransitGateway",
            "tgw_id": "tgw-0",
            "tgw_pair_attachment_id": "tgw-attach-1",
            "srcaddr": "192.0.2.50",
            "bytes": 12500,
            "start": 1699315200,
            "log_status": "OK",
            "type": "IPv4",
            "packets_lost_no_route": 0,
            "packets_lost_ttl_expired": 3,
            "tcp_flags": 2,
            "flow_direction": "egress",
            "pkt_src_aws_service": None,
            "pkt_dst_aws_service": "S3",
        },
    ),
]


# Lines with the default fields have their values by name and under auto.
@pytest.mark.parametrize(("line", "values"), DEFAULT_CASES)
def test_default_fields(line: str, values: dict[str, Any]) -> None:
    row = FLOW.compile(FormatOptions())(line)
    assert {name: row[name] for name in values} == values
    parse = compile_auto(FormatOptions())
    assert parse(line) == row
    assert last_format(parse) is FLOW


# (header, line, some of its values)
HEADED_CASES: list[tuple[str, str, dict[str, Any]]] = [
    (DEFAULT, ACCEPTED, {"version": 2, "bytes": 4249, "action": "ACCEPT"}),
    (DEFAULT, f"2 {ENI} - - - - - - - 1431280876 1431280934 - NODATA ", {"bytes": None, "log_status": "NODATA"}),
    (
        CUSTOM,
        CUSTOM_LINE,
        {
            "instance_id": None,
            "interface_id": "eni-1235b8ca123456789",
            "srcaddr": "192.0.2.5",
            "dstaddr": "198.51.100.220",
            "pkt_srcaddr": "192.0.2.5",
            "pkt_dstaddr": "203.0.113.5",
        },
    ),
    (COMPLETE, COMPLETE_LINE, {"action": "REJECT", "bytes": 40, "dstport": 23, "end": 1620140721, "packets": 1}),
    (
        "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr "
        "pkt-dstaddr protocol bytes packets start end action tcp-flags log-status",
        "3 vpc-1 subnet-1 i-01 eni-1 123456789012 IPv4 192.0.2.71 198.51.100.210 18 57 192.0.2.71 198.51.100.210 6 568 "
        "8 1566848875 1566848933 ACCEPT 19 OK",
        {"version": 3, "tcp_flags": 19, "type": "IPv4", "bytes": 568, "start": 1566848875},
    ),
    # Version 8, and a field that is newer than the format.
    (
        "version srcaddr reject-reason ecs-service-name a-newer-field",
        "8 192.0.2.1 BPA api x",
        {"reject_reason": "BPA", "ecs_service_name": "api", "a_newer_field": "x"},
    ),
]


# A header names the fields of its record's lines, by name and under auto; it is no event.
@pytest.mark.parametrize(("header", "line", "values"), HEADED_CASES)
def test_header(header: str, line: str, values: dict[str, Any]) -> None:
    for compiled in (FLOW.compile(FormatOptions()), compile_auto(FormatOptions())):
        parse = for_record(compiled)
        with pytest.raises(FormatError) as caught:
            parse(header)
        assert caught.value.reason == HEADER
        row = parse(line)
        assert list(row) == [name.replace("-", "_") for name in header.split()]
        assert {name: row[name] for name in values} == values
        for _ in range(60):  # the same once a function has been generated for the header
            assert parse(line) == row
        assert last_format(parse) in (FLOW, None)


# A header applies to its record alone; the next record has none.
def test_header_ends_with_its_record() -> None:
    for compiled in (FLOW.compile(FormatOptions()), compile_auto(FormatOptions())):
        first = for_record(compiled)
        with pytest.raises(FormatError):
            first(CUSTOM)
        assert first(CUSTOM_LINE)["pkt_dstaddr"] == "203.0.113.5"
        second = for_record(first)
        with pytest.raises(FormatError):
            second(CUSTOM_LINE)
        assert second(ACCEPTED)["bytes"] == 4249


# A later header replaces an earlier one, also one of another kind.
def test_headers_follow_each_other() -> None:
    parse = for_record(compile_auto(FormatOptions()))
    combined = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "x"'
    for header, line, field in (
        (CUSTOM, CUSTOM_LINE, "pkt_srcaddr"),
        (DEFAULT, ACCEPTED, "action"),
        ("#Fields: date time c-ip sc-status", "2025-10-10 13:55:36 192.0.2.1 200", "sc_status"),
        (COMPLETE, COMPLETE_LINE, "az_id"),
    ):
        with pytest.raises(FormatError) as caught:
            parse(header)
        assert caught.value.reason == HEADER
        assert field in parse(line)
        assert parse(combined)["response"] == 200
        assert field in parse(line)


# What does not fit the header's fields is not read as if it did.
@pytest.mark.parametrize(
    "line",
    [
        CUSTOM_LINE + " x",
        CUSTOM_LINE.replace("192.0.2.5", "host.example.com"),
        CUSTOM_LINE.replace(" 192.0.2.5", "", 1),
        "one two three four five six",
        "",
    ],
)
def test_misfits(line: str) -> None:
    for compiled in (FLOW.compile(FormatOptions()), compile_auto(FormatOptions())):
        parse = for_record(compiled)
        with pytest.raises(FormatError):
            parse(CUSTOM)
        with pytest.raises(FormatError):
            parse(line)


# fields names the fields where there is no header, as AWS writes the names or as columns are called.
@pytest.mark.parametrize(
    "names", [CUSTOM.split(), CUSTOM.replace("-", "_").split(), [f"${{{name}}}" for name in CUSTOM.split()]]
)
def test_fields(names: list[str]) -> None:
    parse = FLOW.compile(FormatOptions(fields=tuple(names)))
    assert parse(CUSTOM_LINE)["pkt_dstaddr"] == "203.0.113.5"
    with pytest.raises(FormatError):
        parse(ACCEPTED)


# Words that are not all names of fields are no header.
@pytest.mark.parametrize(
    "line", ["version of the day", "start the engine", "region", "action REJECT", "version account-id 5", "end  start"]
)
def test_no_header(line: str) -> None:
    with pytest.raises(FormatError) as caught:
        FLOW.compile(FormatOptions())(line)
    assert caught.value.reason != HEADER


# The header reaches other records of its file as a W3C header does.
def test_header_is_carried() -> None:
    assert Header().follow_all([CUSTOM, CUSTOM_LINE]).carried == (CUSTOM,)
    assert Header().follow_all([DEFAULT, CUSTOM]).carried == (CUSTOM,)


# Headers that all differ cost little: no function is generated for names that do not come again.
def test_many_headers() -> None:
    parse = for_record(FLOW.compile(FormatOptions()))
    for number in range(300):
        with pytest.raises(FormatError):
            parse(f"version srcaddr field-{number}")
        assert parse("2 192.0.2.1 x")[f"field_{number}"] == "x"
