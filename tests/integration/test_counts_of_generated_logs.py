"""``streamtally run`` counts in logs of managed services, which nobody can run here, what a count by position gives.

The lines have the form that the vendor's page documents, with times, statuses, addresses and requests of their own;
some are cut off or of no format; some files are compressed, some lines wrapped. They are counted here as awk would: a
line's words, by their number.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from streamtally.cli.main import cli

Key = tuple[str, int | str | None]
Read = Callable[[str], Key | None]
START = datetime(2025, 10, 10, 13, 55, tzinfo=UTC)
LINES = 300
STATUSES = ("200", "200", "200", "204", "206", "301", "304", "403", "404", "499", "500", "502", "503")
CLIENTS = ("192.0.2.7", "198.51.100.21", "203.0.113.9", "2001:db8::7b7b")
PATHS = ("/", "/index.html", "/a/b.png", "/search?q=a%20b", "/caf%C3%A9", "/1.2.3.4")
AGENTS = ("curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64)", "-", "Go-http-client/1.1")
BROKEN = ("--- the log was rotated ---", "\x00\x00\x00", "{", "<190>", "#", '"', "200 200 200")


@dataclass(frozen=True)
class Log:
    """A log to generate.

    Attributes:
        name: what it is; unique.
        line: a line, with the names of ``values_of`` in braces.
        read: the minute and what is counted of a whole line; None: nothing.
        head: the lines before it.
        wrapped: a line → what stands around it.
        unwrapped: a line → the line inside.
        pack: how the file is compressed.
        options: of the command.
        by: what is counted by, if it is not the status.
    """

    name: str
    line: str
    read: Read
    head: tuple[str, ...] = ()
    wrapped: Callable[[str], str] = str
    unwrapped: Callable[[str], str] = str
    pack: Callable[[bytes], bytes] = bytes
    options: tuple[str, ...] = ()
    by: str = ""
    cuts: bool = field(default=True)


def values_of(moment: datetime, chosen: random.Random) -> dict[str, str]:
    path = chosen.choice(PATHS)
    agent = chosen.choice(AGENTS)
    return {
        "iso": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        "millis": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        "seconds": f"{moment:%Y-%m-%dT%H:%M:%S}",
        "date": f"{moment:%Y-%m-%d}",
        "time": f"{moment:%H:%M:%S}",
        "clf": f"{moment:%d/%b/%Y:%H:%M:%S} +0000",
        "clf_west": f"{moment - timedelta(hours=3, minutes=30):%d/%b/%Y:%H:%M:%S} -0330",
        "epoch": f"{moment.timestamp():.3f}",
        "second": f"{int(moment.timestamp())}",
        "later": f"{int(moment.timestamp()) + 60}",
        "status": chosen.choice(STATUSES),
        "client": chosen.choice(CLIENTS),
        "path": path,
        "stem": path.partition("?")[0],
        "query": path.partition("?")[2] or "-",
        "agent": agent,
        "encoded": agent.replace(" ", "%20"),
        "plus": agent.replace(" ", "+"),
        "number": str(chosen.randrange(100_000)),
        "action": chosen.choice(("ACCEPT", "ACCEPT", "REJECT")),
        "tls": chosen.choice(("tlsv12", "tlsv13")),
        "id": f"{chosen.getrandbits(128):032x}",
    }


def fill(line: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], line)


def write(log: Log, seed: int) -> list[str]:
    """The log's lines; about one in fifteen is cut off, of no format, or empty."""
    chosen = random.Random(seed)
    lines = [*log.head]
    for _ in range(LINES):
        moment = START + timedelta(microseconds=chosen.randrange(8 * 60 * 1_000_000))
        line = fill(log.line, values_of(moment, chosen))
        kind = chosen.randrange(45)
        if kind == 0 and log.cuts:
            line = line[: chosen.randrange(1, 20)]
        lines.append("" if kind == 1 else chosen.choice(BROKEN) if kind == 2 else log.wrapped(line))
    return lines


def count(log: Log, lines: list[str]) -> Counter[Key]:
    counts: Counter[Key] = Counter()
    for line in lines:
        if line and line not in (*BROKEN, *log.head):
            key = log.read(log.unwrapped(line))
            if key is not None:
                counts[key] += 1
    return counts


def column(number: int, least: int, separator: str, minute: Callable[[list[str]], str]) -> Read:
    """awk's ``NF >= least { print minute, $number }``, counted from 0."""

    def read(line: str) -> Key | None:
        words = line.split(separator)
        if len(words) < least:
            return None
        text = words[number]
        return minute(words), int(text) if text.isdigit() else None if text == "-" else text

    return read


def iso(position: int) -> Callable[[list[str]], str]:
    return lambda line: line[position].lstrip("[")[:16]


def date_and_time(line: list[str]) -> str:
    return f"{line[0]}T{line[1][:5]}"


def epoch(position: int) -> Callable[[list[str]], str]:
    return lambda line: f"{datetime.fromtimestamp(float(line[position]), UTC):%Y-%m-%dT%H:%M}"


def clf(first: int, second: int) -> Callable[[list[str]], str]:
    """The time in two words, ``[10/Oct/2025:13:55:36`` and ``-0330]``."""

    def minute(line: list[str]) -> str:
        text = f"{line[first].lstrip('[')} {line[second][:5]}"
        return f"{datetime.strptime(text, '%d/%b/%Y:%H:%M:%S %z').astimezone(UTC):%Y-%m-%dT%H:%M}"

    return minute


def caddy(line: str) -> Key | None:
    if not line.endswith("}"):
        return None
    record = json.loads(line)
    return f"{datetime.fromtimestamp(record['ts'], UTC):%Y-%m-%dT%H:%M}", record["status"]


def syslog(line: str) -> str:
    return f"<190>Oct 10 13:55:36 web1 logs: {line}"


def cri(line: str) -> str:
    return f"2025-10-10T13:55:36.123456789Z stdout F {line}"


def docker(line: str) -> str:
    return json.dumps({"log": f"{line}\n", "stream": "stdout", "time": "2025-10-10T13:55:36.123456789Z"})


def after_words(number: int) -> Callable[[str], str]:
    return lambda line: (line.split(" ", number) + [""] * number)[number]


CLOUDFRONT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
CLOUDFRONT_LINE = (
    "{date}\t{time}\tSOF50-P2\t{number}\t{client}\tGET\td111111abcdef8.cloudfront.net\t{stem}\t{status}\t-\t{encoded}\t"
    "{query}\t-\tHit\tSOX4xwn4XV6Q==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\t"
    "ECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-"
)
REALTIME = (
    "{epoch}\t{client}\t0.332\t{status}\t347\tGET\thttps\td111111abcdef8.cloudfront.net\t{stem}\t50\tARN1-C1\t"
    "uou6Ljhoc34wyRb55wNDXeO836E8Cqkf==\td111111abcdef8.cloudfront.net\t0.332\tHTTP/2.0\tIPv4\t{encoded}\t-\t-\t"
    "{query}\tError\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\t-\t-\tapplication/json\t23\t-\t-\t39096\tError\tSE\t-\t"
    "*/*\t*\thost:d111111abcdef8.cloudfront.net%0A\thost%0Auser-agent%0A\t2"
)
S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be amzn-s3-demo-bucket1 [{clf}] {client} "
    'arn:aws:iam::123456789012:user/ann A1206F460EXAMPLE REST.GET.OBJECT a/b.pdf "GET {path} HTTP/1.1" {status} - '
    '{number} - 11 - "-" "{agent}" - s9lzHYrFp76ZVxRcpX9= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader '
    "amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSv1.2 - -"
)
ALB = (
    "https {iso} app/my-loadbalancer/50dc6c495c0c9188 192.0.2.131:2817 10.0.0.1:80 0.086 0.048 0.037 {status} 200 0 "
    '{number} "GET https://www.example.com:443{path} HTTP/1.1" "{agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
    'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/1 "Root=1-58337281-1d84f3d73c47ec4e58577259" '
    '"www.example.com" "session-reused" 1 {iso} "waf,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_{id}'
)
ELB = (
    "{iso} my-loadbalancer 192.0.2.131:2817 10.0.0.1:80 0.000086 0.001048 0.001337 {status} 200 0 {number} "
    '"GET https://www.example.com:443{path} HTTP/1.1" "{agent}" DHE-RSA-AES128-SHA TLSv1.2'
)
NLB = (
    "tls 2.0 {seconds} net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.154:51341 "
    "198.51.100.185:443 5 2 98 {number} - arn:aws:acm:us-east-2:123456789012:certificate/2a108f19 - "
    "ECDHE-RSA-AES128-SHA {tls} - my-network-loadbalancer.elb.us-east-2.amazonaws.com - - - {seconds}"
)
VPC_FLOW = (
    "2 123456789012 eni-1235b8ca123456789 192.0.2.139 198.51.100.21 20641 22 6 20 {number} {second} {later} {action} OK"
)
ENVOY = (
    '[{millis}] "GET {path} HTTP/2" {status} - 154 0 226 100 "192.0.2.28" "{agent}" '
    '"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://198.51.100.1:80"'
)
TRAEFIK = (
    '{client} - - [{clf}] "GET {path} HTTP/1.1" {status} {number} "-" "-" 50405 "web@docker" '
    '"http://198.51.100.11:8080" 881ms'
)
INGRESS = (
    '{client} - ann [{clf_west}] "GET {path} HTTP/2.0" {status} 612 "-" "{agent}" 34 0.003 [default-web-80] [] '
    "198.51.100.12:8080, 198.51.100.13:8080 0, 612 0.001, 0.002 502, 200 {id}"
)
CADDY = (
    '{"level":"info","ts":{epoch},"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"{client}",'
    '"proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"{path}","headers":{"User-Agent":["{agent}"]}},'
    '"duration":0.001,"size":{number},"status":{status},"resp_headers":{"Server":["Caddy"]}}'
)
IIS = "{date} {time} 198.51.100.9 GET {stem} {query} 443 - {client} {plus} - {status} 0 0 {number}"
IIS_FIELDS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
GATEWAY = '{client} - - [{clf}]"GET {stem} HTTP/1.1" {status} {number} c6af9ac6-7b61-11e6-9a41-93e8deadbeef'
GATEWAY_CSV = "{client},-,-,{clf},GET,{stem},HTTP/1.1,{status},{number},c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
GATEWAY_JSON = (
    '{"requestId":"{id}","ip":"{client}","caller":"-","user":"-","requestTime":"{clf}","httpMethod":"GET",'
    '"resourcePath":"{stem}","status":"{status}","protocol":"HTTP/1.1","responseLength":"{number}"}'
)


def gateway_json(line: str) -> Key | None:
    parts = line.split('"')
    if len(parts) < 41:
        return None
    return clf(0, 1)(parts[parts.index("requestTime") + 2].split()), int(parts[parts.index("status") + 2])


def gateway(line: str) -> Key | None:
    """The time ends where the request begins, without a space: ``[10/Oct/2025:13:55:36 +0000]"GET``."""
    parts = line.split(" ")
    return (clf(3, 4)(parts), int(parts[7])) if len(parts) >= 10 else None


def csv_clf(line: list[str]) -> str:
    return clf(0, 1)(line[3].split())


LOGS = [
    Log("CloudFront, standard", CLOUDFRONT_LINE, column(8, 33, "\t", date_and_time),
        head=("#Version: 1.0", f"#Fields: {CLOUDFRONT}"), pack=gzip.compress),
    Log("CloudFront, standard, without its header", CLOUDFRONT_LINE, column(8, 33, "\t", date_and_time)),
    Log("CloudFront, v2, a selection", "{date}\t{time}\t{status}\tGET\t{stem}\t{client}\tE1EXAMPLE",
        column(2, 7, "\t", date_and_time),
        head=("#Version: 1.0", "#Fields: date time sc-status cs-method cs-uri-stem c-ip DistributionId")),
    Log("CloudFront, real-time", REALTIME, column(3, 40, "\t", epoch(0))),
    Log("S3", S3, column(12, 24, " ", clf(2, 3)), pack=gzip.compress),
    Log("S3 behind syslog", S3, column(12, 24, " ", clf(2, 3)), wrapped=syslog, unwrapped=after_words(5)),
    Log("IIS", IIS, column(11, 15, " ", date_and_time), head=("#Software: Microsoft Internet Information Services 10.0",
        "#Version: 1.0", "#Date: 2025-10-10 13:55:00", IIS_FIELDS)),
    Log("IIS by name", IIS, column(11, 15, " ", date_and_time), head=(IIS_FIELDS,), options=("--format", "w3c"),
        pack=bz2.compress),
    Log("IIS, another selection", "{date} {time} {client} {status} {stem}", column(3, 5, " ", date_and_time),
        head=("#Fields: date time c-ip sc-status cs-uri-stem",)),
    Log("ALB", ALB, column(8, 30, " ", iso(1)), pack=gzip.compress),
    Log("ALB by name", ALB, column(8, 30, " ", iso(1)), options=("--format", "alb")),
    Log("ALB behind syslog", ALB, column(8, 30, " ", iso(1)), wrapped=syslog, unwrapped=after_words(5)),
    Log("CLB", ELB, column(7, 15, " ", iso(0)), pack=lzma.compress),
    Log("NLB by the version of TLS", NLB, column(15, 22, " ", iso(2)), by="tls_protocol_version"),
    Log("API Gateway, CLF", GATEWAY, gateway),
    Log("API Gateway, CSV", GATEWAY_CSV, column(7, 10, ",", csv_clf)),
    Log("API Gateway, JSON", GATEWAY_JSON, gateway_json),
    Log("VPC flow logs by action", VPC_FLOW, column(12, 14, " ", epoch(10)), by="action"),
    Log("VPC flow logs of an own order, by action", "{action} {second} {number} 192.0.2.139 {later}",
        column(0, 5, " ", epoch(1)), head=("action start bytes srcaddr end",), by="action",
        options=("--format", "vpc_flow"), cuts=False),
    Log("Envoy", ENVOY, column(4, 15, " ", iso(0))),
    Log("Envoy in a container", ENVOY, column(4, 15, " ", iso(0)), wrapped=cri, unwrapped=after_words(3)),
    Log("Traefik", TRAEFIK, column(8, 12, " ", clf(3, 4)), options=("--format", "traefik")),
    Log("Traefik under docker compose", TRAEFIK, column(8, 12, " ", clf(3, 4)), wrapped=lambda line: f"web-1  | {line}",
        unwrapped=after_words(3)),
    Log("Caddy", CADDY, caddy),
    Log("Caddy in Docker's json-file", CADDY, caddy, wrapped=docker,
        unwrapped=lambda line: json.loads(line)["log"][:-1]),
    Log("ingress-nginx", INGRESS, column(8, 20, " ", clf(3, 4))),
    Log("ingress-nginx in a container", INGRESS, column(8, 20, " ", clf(3, 4)), wrapped=cri, unwrapped=after_words(3),
        pack=gzip.compress),
]  # fmt: skip


def run(log: Log, lines: list[str], folder: Path) -> tuple[int, Counter[Key], dict[str, int]]:
    path = folder / "log"
    path.write_bytes(log.pack("".join(f"{line}\n" for line in lines).encode()))
    by = ("--by", log.by) if log.by else ()
    done = CliRunner().invoke(cli, ["run", str(path), "--json", "--out", str(folder / "out"), *log.options, *by])
    printed = json.loads(done.stdout)
    key, number = (log.by, "count") if log.by else ("status", "statusCount")
    counts: Counter[Key] = Counter()
    for document in documents(printed):
        if number in document and key in document:
            counts[document["datetime"][:16], document[key]] += document[number]
    return done.exit_code, counts, printed


def documents(printed: dict[str, dict[str, list[dict[str, str]]]]) -> Iterator[dict[str, str]]:
    for rows in printed["outputs"].values():
        yield from rows


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_counts(log: Log, tmp_path: Path) -> None:
    lines = write(log, len(log.name))
    expected = count(log, lines)
    status, counts, printed = run(log, lines, tmp_path)
    assert counts == expected
    assert sum(expected.values()) > 0.85 * LINES
    assert status == 0
    assert printed["lines"] == printed["rows"] + printed["unparsed"] + printed["empty"]
    whole = [line for line in lines if line and line not in (*BROKEN, *log.head)]
    # What is broken inside a wrapper is a row of the wrapper's own, without a status.
    is_row = log.wrapped in (syslog, cri, docker)
    assert printed["rows"] == (len(whole) if is_row else sum(expected.values()))


# A header in the midst of a file names other columns for the lines after it.
def test_headers_in_the_midst(tmp_path: Path) -> None:
    head, other_head = "#Fields: date time c-ip sc-status", "#Fields: date time sc-status c-ip"
    by_client = Log("", "{date} {time} {client} {status}", column(3, 4, " ", date_and_time), (head,))
    by_status = Log("", "{date} {time} {status} {client}", column(2, 4, " ", date_and_time), (other_head,))
    parts = [(log, write(log, seed)) for seed, log in enumerate((by_client, by_status, by_client))]
    expected: Counter[Key] = Counter()
    for log, lines in parts:
        expected += count(log, lines)
    _, counts, _ = run(Log("", "", by_client.read), [line for _, lines in parts for line in lines], tmp_path)
    assert counts == expected
