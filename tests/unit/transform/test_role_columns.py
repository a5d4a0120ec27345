"""Programs for the combined log, unchanged, on lines of other access logs: the columns come by their role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.times.iso import from_iso
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.transform import Outcome
from tests.unit.events import documents, run

COLUMNS = ("host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent")
PROJECTION = """
CREATE OR REPLACE STREAM "OUT" ("host" VARCHAR(99), "ident" VARCHAR(99), "authuser" VARCHAR(99),
    "datetime" VARCHAR(99), "request" VARCHAR(199), "response" INTEGER, "bytes" BIGINT, "referer" VARCHAR(99),
    "agent" VARCHAR(199), "time" TIMESTAMP);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
    SELECT STREAM "host", "ident", "authuser", "datetime", "request", "response", "bytes", "referer", "agent",
        CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") AS "time"
    FROM "SOURCE_SQL_STREAM_001";
"""
COUNTS = """
CREATE OR REPLACE STREAM "OUT" ("time" TIMESTAMP, "status" INTEGER, "count" BIGINT);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
    SELECT STREAM FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE) AS "time",
        s."response" AS "status", COUNT(*) AS "count"
    FROM "SOURCE_SQL_STREAM_001" AS s
    GROUP BY s."response", FLOOR(CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', s."datetime") TO MINUTE);
"""
UTC = "+0000"

# (format, line, the nine columns in order, the event time): from each log's documentation.
ACCESS_LINES = {
    "alb": (
        "https 2025-07-02T22:23:00.186641Z app/lb/50dc6c495c0c9188 192.0.2.131:2817 10.0.0.1:80 0.086 0.048 0.037 502 "
        '200 0 57 "GET https://www.example.com:443/?a=b HTTP/1.1" "curl/7.46.0" - - '
        'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/1 "Root=1" "www.example.com" "-" 1 '
        '2025-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1',
        ("192.0.2.131", None, None, f"02/Jul/2025:22:23:00 {UTC}", "GET https://www.example.com:443/?a=b HTTP/1.1", 502,
         57, None, "curl/7.46.0"),
        "2025-07-02T22:23:00.186Z",
    ),
    "alb of IPv6": (
        "https 2025-07-02T22:23:00.186641Z app/lb/50dc6c495c0c9188 [2001:db8::7]:2817 - -1 -1 -1 400 - 0 57 "
        '"GET https://www.example.com:443/ HTTP/1.1" "-" - - - "-" "-" "-" - 2025-07-02T22:22:48.364000Z "-" "-" "-" '
        '"-" "-" "-" "-" TID_1',
        ("2001:db8::7", None, None, f"02/Jul/2025:22:23:00 {UTC}", "GET https://www.example.com:443/ HTTP/1.1", 400, 57,
         None, None),
        "2025-07-02T22:23:00.186Z",
    ),
    "elb": (
        '2015-05-13T23:39:43.945958Z lb 192.0.2.5:2817 10.0.0.1:80 0.000073 0.001048 0.000057 404 200 0 29 '
        '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
        ("192.0.2.5", None, None, f"13/May/2015:23:39:43 {UTC}", "GET http://www.example.com:80/ HTTP/1.1", 404, 29,
         None, "curl/7.38.0"),
        "2015-05-13T23:39:43.945Z",
    ),
    "cloudfront": (
        "2025-12-04\t21:02:31\tLAX1\t392\t192.0.2.7\tGET\td111.cloudfront.net\t/index.html\t403\t"
        "https://www.example.com/\tMozilla/5.0%20(X11)\ta=b&c\t-\tHit\tSOX4xw==\td111.cloudfront.net\thttps\t23\t0.001"
        "\t-\tTLSv1.2\tECDHE\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
        ("192.0.2.7", None, None, f"04/Dec/2025:21:02:31 {UTC}", "GET /index.html?a=b&c HTTP/2.0", 403, 392,
         "https://www.example.com/", "Mozilla/5.0%20(X11)"),
        "2025-12-04T21:02:31Z",
    ),
    "s3_access": (
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be bucket1 [06/Feb/2019:00:00:38 +0200] "
        "192.0.2.3 arn:aws:iam::123456789012:user/ann 3E57427F3EXAMPLE REST.GET.VERSIONING - "
        '"GET /bucket1?versioning HTTP/1.1" 206 - 113 - 7 - "-" "S3Console/0.4" - s9lz SigV4 ECDHE AuthHeader '
        "bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - -",
        ("192.0.2.3", None, "arn:aws:iam::123456789012:user/ann", f"05/Feb/2019:22:00:38 {UTC}",
         "GET /bucket1?versioning HTTP/1.1", 206, 113, None, "S3Console/0.4"),
        "2019-02-05T22:00:38Z",
    ),
    "haproxy": (
        "Feb  6 12:14:14 localhost haproxy[14389]: 192.0.2.2:33317 [06/Feb/2025:12:14:14.655] http-in static/srv1 "
        '10/0/30/69/109 503 2750 - - ---- 1/1/1/1/0 0/0 {www.example.com} {} "GET /i HTTP/1.1"',
        ("192.0.2.2", None, None, f"06/Feb/2025:12:14:14 {UTC}", "GET /i HTTP/1.1", 503, 2750, None, None),
        "2025-02-06T12:14:14.655Z",
    ),
    "w3c": (  # IIS 10's default columns
        "2025-06-11 00:00:01 192.0.2.48 GET /website/a.aspx id=7 443 CORP\\ann 192.0.2.1 Mobile+Safari "
        "https://example.com/ 500 0 64 36",
        ("192.0.2.1", None, "CORP\\ann", f"11/Jun/2025:00:00:01 {UTC}", "GET /website/a.aspx?id=7", 500, None,
         "https://example.com/", "Mobile+Safari"),
        "2025-06-11T00:00:01Z",
    ),
    "ltsv": (
        "time:[22/Nov/2025:21:21:41 +0100]\thost:2001:db8::1\tuser:ann\treq:GET / HTTP/1.1\tstatus:201\tsize:12\t"
        "referer:https://example.com/\tua:curl/8.5.0",
        ("2001:db8::1", None, "ann", f"22/Nov/2025:20:21:41 {UTC}", "GET / HTTP/1.1", 201, 12, "https://example.com/",
         "curl/8.5.0"),
        "2025-11-22T20:21:41Z",
    ),
    'nginx:$remote_addr [$time_iso8601] $status $body_bytes_sent "$request" "$http_user_agent"': (
        '192.0.2.9 [2025-10-10T13:55:36+02:00] 418 5 "GET /t HTTP/1.1" "curl/8"',
        ("192.0.2.9", None, None, f"10/Oct/2025:11:55:36 {UTC}", "GET /t HTTP/1.1", 418, 5, None, "curl/8"),
        "2025-10-10T11:55:36Z",
    ),
    'nginx:$msec $remote_addr $request_method $uri$is_args$args $server_protocol $status $bytes_sent': (
        "1760104536.250 192.0.2.9 POST /t?x=1 HTTP/2.0 204 0",
        ("192.0.2.9", None, None, f"10/Oct/2025:13:55:36 {UTC}", "POST /t?x=1 HTTP/2.0", 204, 0, None, None),
        "2025-10-10T13:55:36.250Z",
    ),
    'apache:%h %t "%r" %>s %B "%{Referer}i"': (
        '192.0.2.9 [10/Oct/2025:13:55:36 +0000] "GET /t HTTP/1.1" 304 0 "-"',
        ("192.0.2.9", None, None, f"10/Oct/2025:13:55:36 {UTC}", "GET /t HTTP/1.1", 304, 0, None, None),
        "2025-10-10T13:55:36Z",
    ),
    "json of nginx": (
        '{"time_iso8601":"2025-05-13T23:39:43+00:00","remote_addr":"192.0.2.1","remote_user":"ann","request":'
        '"GET / HTTP/1.1","status":"200","body_bytes_sent":"5","http_referer":"-","http_user_agent":"curl/8"}',
        ("192.0.2.1", None, "ann", f"13/May/2025:23:39:43 {UTC}", "GET / HTTP/1.1", 200, 5, "-", "curl/8"),
        "2025-05-13T23:39:43Z",
    ),
    "json of ECS": (
        '{"@timestamp":"2025-05-13T23:39:43.120Z","http":{"response":{"status_code":404,"body":{"bytes":7}},'
        '"request":{"method":"GET","referrer":"https://example.com/"},"version":"1.1"},"url":{"path":"/a",'
        '"query":"b=1"},"host":{"name":"web1"},"agent":{"type":"filebeat"},"source":{"ip":"192.0.2.8"},'
        '"user":{"name":"ann"},"user_agent":{"original":"curl/8"}}',
        ("192.0.2.8", None, "ann", f"13/May/2025:23:39:43 {UTC}", "GET /a?b=1 HTTP/1.1", 404, 7, "https://example.com/",
         "curl/8"),
        "2025-05-13T23:39:43.120Z",
    ),
    "json of ECS with dotted names": (
        '{"@timestamp":"2025-05-13T23:39:43.120Z","http.response.status_code":404,"http.request.method":"GET",'
        '"url.path":"/a","source.ip":"192.0.2.8","http.response.body.bytes":7,"user_agent.original":"curl/8"}',
        ("192.0.2.8", None, None, f"13/May/2025:23:39:43 {UTC}", "GET /a", 404, 7, None, "curl/8"),
        "2025-05-13T23:39:43.120Z",
    ),
    "json of OpenTelemetry": (
        '{"timestamp":"2025-05-13T23:39:43Z","attributes":{"http.response.status_code":500,"http.request.method":'
        '"PUT","url.path":"/o","client.address":"192.0.2.4","user_agent.original":"otel/1",'
        '"network.protocol.version":"2"}}',
        ("192.0.2.4", None, None, f"13/May/2025:23:39:43 {UTC}", "PUT /o HTTP/2", 500, None, None, "otel/1"),
        "2025-05-13T23:39:43Z",
    ),
    "json of Caddy": (
        '{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request","request":'
        '{"remote_ip":"192.0.2.3","remote_port":"41342","client_ip":"192.0.2.3","proto":"HTTP/2.0","method":"GET",'
        '"host":"localhost","uri":"/c?d","headers":{"User-Agent":["curl/7.82.0"]}},"bytes_read":0,"user_id":"",'
        '"duration":0.000929675,"size":10900,"status":202}',
        ("192.0.2.3", None, "", f"09/Mar/2022:21:30:01 {UTC}", "GET /c?d HTTP/2.0", 202, 10900, None, "curl/7.82.0"),
        "2022-03-09T21:30:01.524Z",
    ),
    "json of Traefik": (
        '{"ClientAddr":"192.0.2.6:50544","ClientHost":"192.0.2.6","ClientUsername":"-","DownstreamStatus":301,'
        '"DownstreamContentSize":17,"OriginStatus":0,"RequestMethod":"GET","RequestPath":"/p","RequestProtocol":'
        '"HTTP/1.1","StartUTC":"2025-05-13T23:39:43.5Z","level":"info","msg":"","time":"2025-05-13T23:39:44Z"}',
        ("192.0.2.6", None, "-", f"13/May/2025:23:39:44 {UTC}", "GET /p HTTP/1.1", 301, 17, None, None),
        "2025-05-13T23:39:44Z",
    ),
    "json of Envoy": (
        '{"start_time":"2025-05-13T23:39:43.900Z","method":"GET","path":"/e","protocol":"HTTP/2","response_code":503,'
        '"response_flags":"UF","bytes_sent":91,"downstream_remote_address":"192.0.2.44:1234","user_agent":"curl/8"}',
        ("192.0.2.44", None, None, f"13/May/2025:23:39:43 {UTC}", "GET /e HTTP/2", 503, 91, None, "curl/8"),
        "2025-05-13T23:39:43.900Z",
    ),
    "json of API Gateway": (
        '{"requestId":"a-1","ip":"192.0.2.45","caller":"-","user":"-","requestTime":"13/May/2025:23:39:43 +0000",'
        '"httpMethod":"GET","resourcePath":"/pets","status":"429","protocol":"HTTP/1.1","responseLength":"31"}',
        ("192.0.2.45", None, "-", f"13/May/2025:23:39:43 {UTC}", "GET /pets HTTP/1.1", 429, 31, None, None),
        "2025-05-13T23:39:43Z",
    ),
    "json of CloudFront": (
        '{"date":"2025-05-13","time":"23:39:43","c-ip":"192.0.2.46","cs-method":"GET","cs-uri-stem":"/f",'
        '"cs-uri-query":"-","sc-status":"416","sc-bytes":"12","cs(User-Agent)":"curl/8","cs-protocol-version":"HTTP/3.0"}',
        ("192.0.2.46", None, None, f"13/May/2025:23:39:43 {UTC}", "GET /f HTTP/3.0", 416, 12, None, "curl/8"),
        "2025-05-13T23:39:43Z",
    ),
    "json of Google Cloud": (
        '{"timestamp":"2025-05-13T23:39:43Z","severity":"WARNING","httpRequest":{"requestMethod":"GET","requestUrl":'
        '"https://example.com/g","status":499,"responseSize":"33","userAgent":"curl/8","remoteIp":"192.0.2.47",'
        '"referer":"https://example.com/","protocol":"HTTP/1.1"}}',
        ("192.0.2.47", None, None, f"13/May/2025:23:39:43 {UTC}", "GET https://example.com/g HTTP/1.1", 499, 33,
         "https://example.com/", "curl/8"),
        "2025-05-13T23:39:43Z",
    ),
}  # fmt: skip


def _named_format(name: str) -> str:
    return "json" if name.startswith("json") else name if ":" in name else name.partition(" ")[0]


def _pipeline(folder: Path, sql: str, source: str = "") -> Pipeline:
    folder.joinpath("program.sql").write_text(sql)
    folder.joinpath("pipeline.toml").write_text(
        f'[source]\n{source}\n[outputs.OUT]\nindex = "out"\nmax_past = "7d"\n', encoding="utf-8"
    )
    return load_pipeline(read_folder(folder), ZoneInfo)


def _run(pipeline: Pipeline, lines: list[str], time: str) -> Outcome:
    return run(pipeline, [line.encode() for line in lines], arrival=from_iso(time) + 1000)


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "tally"} for row in documents(outcome)]


@pytest.mark.parametrize("how", ["named", "auto"])
@pytest.mark.parametrize("name", ACCESS_LINES)
def test_the_columns_of_the_combined_log(name: str, how: str, tmp_path: Path) -> None:
    line, columns, time = ACCESS_LINES[name]
    log_format = _named_format(name)
    if how == "auto" and ":" in log_format:
        pytest.skip("a directive is named")
    source = f"format = {json.dumps(log_format if how == 'named' else 'auto')}"
    outcome = _run(_pipeline(tmp_path, PROJECTION, source), [line], time)
    (row,) = _rows(outcome)
    assert tuple(row[column] for column in COLUMNS) == columns
    assert from_iso(row["time"].replace(" ", "T") + "Z") == from_iso(time)


@pytest.mark.parametrize("how", ["named", "auto"])
@pytest.mark.parametrize("name", ACCESS_LINES)
def test_counts_by_status_and_minute(name: str, how: str, tmp_path: Path) -> None:
    line, columns, time = ACCESS_LINES[name]
    log_format = _named_format(name)
    if how == "auto" and ":" in log_format:
        pytest.skip("a directive is named")
    source = f"format = {json.dumps(log_format if how == 'named' else 'auto')}"
    outcome = _run(_pipeline(tmp_path, COUNTS, source), [line, line], time)
    (partial,) = documents(outcome)
    assert (partial["status"], partial["count"]) == (columns[5], 2)
    assert from_iso(partial["time"].replace(" ", "T") + "Z") == from_iso(time) // 60_000 * 60_000


@pytest.mark.parametrize("name", ACCESS_LINES)
def test_the_lines_in_s3_keep_the_logs_own_names(name: str, tmp_path: Path) -> None:
    """What is answered to Firehose is the same as of a program that reads no column."""
    line, _, time = ACCESS_LINES[name]
    source = f"format = {json.dumps(_named_format(name))}"
    answers = []
    for number, sql in enumerate((PROJECTION, 'CREATE OR REPLACE STREAM "OUT" ("n" INTEGER); CREATE OR REPLACE PUMP "P"'
                                  ' AS INSERT INTO "OUT" SELECT STREAM 1 FROM "SOURCE_SQL_STREAM_001";')):  # fmt: skip
        folder = tmp_path / str(number)
        folder.mkdir()
        answers.append([response.data for response in _run(_pipeline(folder, sql, source), [line], time).responses])
    assert answers[0] == answers[1]


LEVELS = """
CREATE OR REPLACE STREAM "OUT" ("level" VARCHAR(20), "time" TIMESTAMP);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "level",
    CHAR_TO_TIMESTAMP('dd/MMM/yyyy:HH:mm:ss Z', "datetime") FROM "SOURCE_SQL_STREAM_001";
"""


@pytest.mark.parametrize(
    ("line", "level", "time"),
    [
        ("2025/11/22 21:21:41 [crit] 24#24: *1 open() failed", "crit", "2025-11-22T21:21:41Z"),
        ("[Fri Sep 09 10:42:29.902022 2025] [core:error] [pid 3:tid 4] AH1: no", "error", "2025-09-09T10:42:29.902Z"),
        ("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "crit", "2025-10-11T22:14:15Z"),
        ("<165>1 2025-10-11T22:14:15.003Z mymachine evntslog - ID47 - hello", "notice", "2025-10-11T22:14:15.003Z"),
        ('{"time":"2025-11-22T21:21:41Z","level":"warn","msg":"slow"}', "warn", "2025-11-22T21:21:41Z"),
        ('{"@timestamp":"2025-11-22T21:21:41Z","log.level":"ERROR","message":"x"}', "ERROR", "2025-11-22T21:21:41Z"),
        ('{"@timestamp":"2025-11-22T21:21:41Z","log":{"level":"ERROR"}}', "ERROR", "2025-11-22T21:21:41Z"),
        ("time=2025-11-22T21:21:41Z level=debug msg=x", "debug", "2025-11-22T21:21:41Z"),
    ],
)
def test_the_level_of_a_message(line: str, level: str, time: str, tmp_path: Path) -> None:
    (row,) = _rows(_run(_pipeline(tmp_path, LEVELS), [line], time))
    assert (row["level"], from_iso(row["time"].replace(" ", "T") + "Z")) == (level, from_iso(time))


# --- What is not there is not made up


@pytest.mark.parametrize(
    "line",
    [
        '{"time":"2025-11-22T21:21:41Z","code":200}',
        '{"time":"2025-11-22T21:21:41Z","httpStatusText":"200"}',
        '{"time":"2025-11-22T21:21:41Z","upstream":{"status":200}}',
        "time=2025-11-22T21:21:41Z msg=200",
        "Oct 11 22:14:15 mymachine su: status 200",
    ],
)
def test_a_line_without_a_status_is_not_counted_by_it(line: str, tmp_path: Path) -> None:
    """Not even as null; and the reason is counted."""
    outcome = _run(_pipeline(tmp_path, COUNTS), [line], "2025-11-22T21:21:42Z")
    account = outcome.ledger.outputs["OUT"]
    assert (documents(outcome), account.eval_failed) == ([], 1)
    assert dict(account.reasons) == {"P: the line has no status": 1}


@pytest.mark.parametrize("status", ["null", '"-"'])
def test_a_status_that_is_null_is_counted_as_null(status: str, tmp_path: Path) -> None:
    line = f'{{"time":"2025-11-22T21:21:41Z","status":{status}}}'
    outcome = _run(_pipeline(tmp_path, COUNTS), [line], "2025-11-22T21:21:42Z")
    if status == "null":
        (partial,) = documents(outcome)
        assert (partial["status"], partial["count"]) == (None, 1)
    else:  # a text that is no number
        assert dict(outcome.ledger.outputs["OUT"].reasons) == {"P: not of type INTEGER": 1}


@pytest.mark.parametrize(("log_format", "column"), [("nginx_error", "response"), ("syslog", "bytes"),
                                                    ("alb", "statuss"), ("s3_access", "vhost")])  # fmt: skip
def test_a_column_that_the_format_cannot_have_is_refused(log_format: str, column: str, tmp_path: Path) -> None:
    sql = f"""CREATE OR REPLACE STREAM "OUT" ("x" VARCHAR(9));
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "{column}" FROM "SOURCE_SQL_STREAM_001";"""
    with pytest.raises(SettingsError, match=f'unknown column "?{column}'):
        _pipeline(tmp_path, sql, f'format = "{log_format}"')


def test_rename_overrides_a_role(tmp_path: Path) -> None:
    """The target's status instead of the load balancer's."""
    line, _, time = ACCESS_LINES["alb"]
    pipeline = _pipeline(tmp_path, COUNTS, 'format = "alb"\nrename = { target_status_code = "response" }')
    (partial,) = documents(_run(pipeline, [line], time))
    assert (partial["status"], partial["count"]) == (200, 1)


def test_a_field_of_the_logs_own_takes_precedence(tmp_path: Path) -> None:
    line = '{"time":"2025-11-22T21:21:41Z","status":500,"response":201,"host":"web1","remote_addr":"192.0.2.1"}'
    (row,) = _rows(_run(_pipeline(tmp_path, PROJECTION), [line], "2025-11-22T21:21:42Z"))
    assert (row["response"], row["host"]) == (201, "web1")


def test_select_star_names_no_columns_of_roles(tmp_path: Path) -> None:
    sql = """CREATE OR REPLACE STREAM "OUT" ("a" INTEGER);
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM * FROM "SOURCE_SQL_STREAM_001";"""
    pipeline = _pipeline(tmp_path, sql, 'format = "json"\n[source.types]\na = "INTEGER"')
    assert [row["a"] for row in _rows(_run(pipeline, ['{"a":1,"status":200}'], "2025-11-22T21:21:42Z"))] == [1]


def test_no_line_gives_its_own_function(tmp_path: Path) -> None:
    """A member called like the program's own is only text."""
    line = json.dumps({"\x00event_time": "x", "datetime": "22/Nov/2025:21:21:41 +0000", "status": 200})
    (partial,) = documents(_run(_pipeline(tmp_path, COUNTS), [line], "2025-11-22T21:21:42Z"))
    assert partial["count"] == 1


def test_many_shapes_are_read_alike(tmp_path: Path) -> None:
    """What is remembered of the lines' shapes is bounded, and changes nothing."""
    lines = [json.dumps({f"field{n}": 1, "time": "2025-11-22T21:21:41Z", "status": 200 + n % 3}) for n in range(700)]
    outcome = _run(_pipeline(tmp_path, COUNTS), lines, "2025-11-22T21:21:42Z")
    assert {partial["status"]: partial["count"] for partial in documents(outcome)} == {200: 234, 201: 233, 202: 233}
