"""W3C extended logs by their specification (WD-logfile-960323), and as IIS, TMG, Exchange and CloudFront write them."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import FormatOptions, find_format
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import for_record
from streamtally.formats.detect import detect
from streamtally.formats.w3c import NO_HEADER
from streamtally.formats.w3c_header import HEADER, directive_of, to_names

IIS = "#Software: Microsoft Internet Information Services 10.0"
IIS7 = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status "
    "sc-substatus sc-win32-status time-taken"
)
BLUE_COAT = "#Fields: date time time-taken c-ip sc-status s-action sc-bytes cs-method cs-uri-scheme cs(User-Agent)"
TMG = "#Fields: c-ip\tcs-username\tc-agent\tdate\ttime\tsc-status\tIPS scan result\tFilterInfo"
V2 = (
    "#Fields: date time x-edge-location asn timestamp(ms) origin-fbl sc-status cs-method time-taken c-ip DistributionId"
)


def parser(name: str, fields: tuple[str, ...] = ()) -> Any:
    options = FormatOptions(fields=fields)
    return compile_auto(options) if name == "auto" else find_format(name).compile(options)


def rows(name: str, lines: list[str], fields: tuple[str, ...] = ()) -> list[Any]:
    """Each line's row, or the reason why it is none; header lines are left out."""
    parse, results = parser(name, fields), []
    for line in lines:
        try:
            results.append(parse(line))
        except FormatError as error:
            if error.reason != HEADER:
                results.append(error.reason)
    return results


@pytest.mark.parametrize("name", ["w3c", "auto"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # White space is any run of spaces and tabs, also at the ends.
        (["#Fields: date time c-ip sc-status", "2025-04-10 12:40:24   192.0.2.1\t200 "],
         {"date": "2025-04-10", "c_ip": "192.0.2.1", "sc_status": 200}),
        (["#Fields:date  time\tc-ip   sc-status ", "2025-04-10\t12:40:24\t192.0.2.1\t404\t"],
         {"c_ip": "192.0.2.1", "sc_status": 404}),
        (["#fields: date time sc-status", "2025-04-10 12:40 200"], {"time": "12:40", "sc_status": 200}),
        # A value in quotes is a string, in which two quotes stand for one.
        ([BLUE_COAT, '2025-04-10 12:40:24 31 192.0.2.1 200 TCP_HIT 512 GET http "Mozilla/4.0 (a; ""b"")"'],
         {"sc_status": 200, "time_taken": 31, "cs_user_agent": 'Mozilla/4.0 (a; "b")'}),
        ([BLUE_COAT, '2025-04-10 12:40:24 31 192.0.2.1 200 TCP_HIT 512 GET http ""'], {"cs_user_agent": ""}),
        ([BLUE_COAT, '2025-04-10 12:40:24 31 192.0.2.1 200 TCP_HIT 512 GET http "curl'], {"cs_user_agent": '"curl'}),
        ([BLUE_COAT, '2025-04-10 12:40:24 31 192.0.2.1 200 TCP_HIT 512 GET http a"b"'], {"cs_user_agent": 'a"b"'}),
        # IIS has no strings: it writes + for a space, and the client's quotes as they are.
        ([IIS, BLUE_COAT, '2025-04-10 12:40:24 31 192.0.2.1 200 TCP_HIT 512 GET http "x+y"'],
         {"cs_user_agent": '"x+y"', "sc_status": 200}),
        ([IIS, IIS7, '2022-06-04 00:15:42 "192.0.2.238 GET "/ "><script> 80 - 192.0.2.16 - 403 14 0 3'],
         {"s_ip": '"192.0.2.238', "cs_uri_stem": '"/', "sc_status": 403}),
        # IIS 6, 7 and 8 with their own headers; HTTP.sys's error log; FTP; TMG with spaces between tabs.
        ([IIS7, "2018-08-28 18:24:25 192.0.2.70 GET / - 80 - 192.0.2.31 Mozilla/4.0+(compatible) 404 4 2 792"],
         {"sc_status": 404, "sc_win32_status": 2, "time_taken": 792}),
        (["#Fields: date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
          "cs(User-Agent) sc-status sc-substatus sc-win32-status",
          "2003-11-19 22:48:39 W3SVC1 192.0.2.1 GET /help.asp - 80 - 192.0.2.9 curl/7 200 0 64"],
         {"s_sitename": "W3SVC1", "sc_status": 200, "sc_win32_status": 64}),
        (["#Software: Microsoft HTTP API 2.0", "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method "
          "cs-uri sc-status s-siteid s-reason s-queuename",
          "2025-07-05 18:45:09 fe80::1%2 2094 192.0.2.6 80 HTTP/1.1 GET /qos/1kbfile.txt 503 - ConnLimit -"],
         {"c_ip": "fe80::1%2", "sc_status": 503, "s_reason": "ConnLimit"}),
        ([TMG, "192.0.2.27\tanonymous\tExample Agent 1.0\t2025-08-01\t00:00:00\t200\t-\tReq ID: 0c3d; a=b, c"],
         {"c_agent": "Example Agent 1.0", "ips_scan_result": None, "filterinfo": "Req ID: 0c3d; a=b, c"}),
        # A time alone is on the day of #Date; an entry that is earlier than that is of the next day.
        (["#Date: 2025-04-10 00:00:00", "#Fields: time c-ip cs-method sc-status", "12:40:24 192.0.2.1 GET 304"],
         {"date": "2025-04-10", "time": "12:40:24", "sc_status": 304}),
        (["#Date: 2025-12-31 22:00:00", "#Fields: time c-ip sc-status", "00:00:24 192.0.2.1 200"],
         {"date": "2026-01-01", "time": "00:00:24"}),
        (["#Date: 2025-12-31 22:00:30", "#Fields: time c-ip sc-status", "22:00:29 192.0.2.1 200"],
         {"date": "2025-12-31"}),
        # A header in the midst of a file has new columns from there.
        (["#Fields: date time c-ip sc-status", "2025-04-10 12:40:24 192.0.2.1 200", "#Remark: x", "#Fields: date time "
          "sc-status c-ip", "2025-04-10 12:40:25 500 192.0.2.2"], {"sc_status": 500, "c_ip": "192.0.2.2"}),
        # CloudFront, standard logging (v2): any fields, tabs between the values and spaces between the names.
        ([V2, "2025-11-14\t22:36:31\tSOF50-P2\t16509\t1731620046814\t0.251\t200\tGET\t0.5\t192.0.2.7\tE1EXAMPLE"],
         {"asn": 16509, "timestamp_ms": 1731620046814, "origin_fbl": 0.251, "sc_status": 200, "time_taken": 0.5}),
        ([V2, "2025-11-14 22:36:31 SOF50-P2 16509 1731620046814 - 403 GET 0.5 192.0.2.7 E1EXAMPLE"],
         {"origin_fbl": None, "sc_status": 403, "distributionid": "E1EXAMPLE"}),
        # CloudFront's log of RTMP, whose fields are others again.
        (["#Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem",
          "2025-03-12\t23:51:20\tSEA4\t192.0.2.147\tconnect\t2014\tOK\tbfd8a98b\trtmp://h.example/cfx/st"],
         {"x_event": "connect", "sc_bytes": 2014, "x_cf_status": "OK"}),
    ],
)  # fmt: skip
def test_by_the_header(name: str, lines: list[str], expected: dict[str, Any]) -> None:
    *_, last = rows(name, lines)
    assert {field: last[field] for field in expected} == expected
    for _ in range(30):  # the function that is generated for these columns reads the same
        lines = [*lines, lines[-1]]
    assert rows(name, lines)[-1] == last


# Microsoft Exchange separates names and values by commas, and leaves a missing value empty.
def test_commas() -> None:
    header = "#Fields: date-time,connector-id,session-id,data,context"
    line = r'2025-07-09T10:01:04.409Z,EX1\Default,08D1,"a, ""b""",'
    expected = {"date_time": "2025-07-09T10:01:04.409Z", "connector_id": r"EX1\Default", "session_id": "08D1",
                "data": 'a, "b"', "context": ""}  # fmt: skip
    assert rows("w3c", [header, *[line] * 30]) == [expected] * 30


# Without a header, only IIS 10's default columns are known; another line's columns would be a guess.
@pytest.mark.parametrize("name", ["w3c", "auto"])
@pytest.mark.parametrize(
    "line",
    [
        "2018-08-28 18:24:25 192.0.2.70 GET / - 80 - 192.0.2.31 Mozilla/4.0+(compatible) 404 4 2 792",
        "2003-11-19 22:48:39 W3SVC1 192.0.2.1 GET /help.asp - 80 - 192.0.2.9 curl/7 200 0 64",
        # 15 columns, and not those: of IIS 6 with a site's name, and with the status elsewhere
        "2003-11-19 22:48:39 W3SVC1 WEB1 192.0.2.1 GET /help.asp - 80 - 192.0.2.9 curl/7 200 0 64",
        "2025-11-22 21:21:41 192.0.2.10 GET /a a=b 443 - 198.51.100.9 x 200 0 0 15 https://example.com/",
        "2025-11-22 21:21:41 192.0.2.10 GET /a a=b - - 198.51.100.9 x y z 0 0 15",
    ],
)
def test_without_a_header(name: str, line: str) -> None:
    assert rows(name, [line]) == [NO_HEADER]


# The pipeline's fields name the columns of lines without a header; a header outweighs them.
def test_fields() -> None:
    names = ("date", "time", "c_ip", "sc_status")
    line = "2025-04-10 12:40:24 192.0.2.1 200"
    assert rows("w3c", [line], names) == [dict(zip(names, ("2025-04-10", "12:40:24", "192.0.2.1", 200), strict=True))]
    assert rows("w3c", ["#Fields: a b c d", line], names)[0]["d"] == "200"


# Under a header, auto reads other formats' lines as before, whatever they begin with.
def test_auto_under_a_header() -> None:
    combined = '192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0"'
    lines = [
        "#Fields: time c-ip cs-method cs-uri-stem sc-status", "12:40:24 192.0.2.1 GET /a?b=c 200", combined,
        '{"status":404}', "12:40:25 192.0.2.1 GET /a?b=c 200", "time=x level=info msg=y a=b c=d",
    ]  # fmt: skip
    first, access, json_row, second, pairs = rows("auto", lines)
    assert (first["cs_uri_stem"], second["time"]) == ("/a?b=c", "12:40:25")
    assert (access["response"], json_row) == (200, {"status": 404})
    assert pairs == {"time": "x", "level": "info", "msg": "y", "a": "b", "c": "d"}


# The standard columns give the same rows with their header and without it, as lines of CloudFront alone.
@pytest.mark.parametrize("name", ["cloudfront", "auto"])
def test_cloudfront_standard(name: str) -> None:
    example = find_format("cloudfront").examples[0]
    header = "#Fields: " + " ".join(field.replace("_", "-") for field in example.row if field != "extra")
    assert rows(name, ["#Version: 1.0", header, example.line]) == [example.row]


def test_cloudfront_selection() -> None:
    entry = "2025-11-14\t22:36:31\t192.0.2.7\t502"
    lines = ["#Version: 1.0", "#Fields: date time c-ip sc-status", entry]
    expected = {"date": "2025-11-14", "time": "22:36:31", "c_ip": "192.0.2.7", "sc_status": 502}
    assert rows("cloudfront", lines) == rows("auto", lines) == [expected]
    parse = parser("cloudfront")
    for line in lines[:2]:
        with pytest.raises(FormatError, match=HEADER):
            parse(line)
    assert parse(entry) == expected
    with pytest.raises(FormatError):  # a record without the header
        for_record(parse)(entry)


def test_detect() -> None:
    lines = [V2, *["2025-11-14\t22:36:31\tSOF50-P2\t16509\t1731620046814\t0.251\t200\tGET\t0.5\t192.0.2.7\tE1"] * 5]
    best = detect(lines).best
    assert best is not None
    assert (best.format.name, best.taken, best.missed) == ("cloudfront", 5, 0)


@pytest.mark.parametrize(
    ("line", "name"),
    [("#Fields: a", "fields"), ("# Date : 2025", "date"), ("#Start-Date: x", "start-date"), ("#", ""), ("x: y", ""),
     ("#!/bin/sh", ""), ("#" + "a" * 1000 + ":", "")],
)  # fmt: skip
def test_directives(line: str, name: str) -> None:
    assert directive_of(line) == name


def test_names() -> None:
    assert to_names(" date cs(User-Agent)\tx ") == ("date", "cs_user_agent", "x")
    assert to_names("c-ip\tIPS scan result\trule") == ("c_ip", "ips_scan_result", "rule")
    assert to_names("date  cs(X-Forwarded-For) timestamp(ms)") == ("date", "cs_x_forwarded_for", "timestamp_ms")
    assert to_names("") == ()


# Hostile entries and headers take time that grows with their length only.
@pytest.mark.parametrize("text", ['"a ', '"', '"" ', '"""b ', '"a ""b ', " \t", "x\t", ",", '",'])
@pytest.mark.parametrize("header", ["#Fields: date time a", "#Fields: a\tb\tc", "#Fields: a,b,c"])
def test_hostile(header: str, text: str) -> None:
    parse = parser("w3c")
    with pytest.raises(FormatError):
        parse(header)
    started = time.process_time()
    for line in (text * 100_000, "#Date: " + text * 100_000, "#Fields: " + text * 100_000, text * 100_000):
        with contextlib.suppress(FormatError):
            parse(line)
    assert time.process_time() - started < 5


# A day at the end of the calendar, or one that does not exist, gives no date rather than an error.
@pytest.mark.parametrize("day", ["9999-12-31 23:00:00", "2025-02-30 00:00:00", "x", ""])
def test_days_that_do_not_exist(day: str) -> None:
    row = rows("w3c", [f"#Date: {day}", "#Fields: time sc-status", "00:00:01 200"])[0]
    assert row["sc_status"] == 200
    assert row.get("date") is None
