"""Both ways give the same: every byte of answers, documents and envelopes, and every ledger.

Without a kernel these tests are skipped; ``KERNEL_REQUIRED=1`` makes that a failure (CI).
"""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.aws.handlers.kernel import load_kernel
from streamtally.config.source import source_settings
from streamtally.errors import SettingsError
from streamtally.local.folder import read_folder
from streamtally.transform.bounds import Bounds
from streamtally.transform.kernel.event import read_by_kernel
from streamtally.transform.kernel.layouts import SHAPES, find_layout, plain_lines
from streamtally.transform.kernel.named_columns import named_columns
from streamtally.transform.kernel.protocol import Kernel
from streamtally.transform.ledger import KERNEL, PYTHON, Ledger
from streamtally.transform.lines import CHUNK_BYTES, encode_row
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.response import encode_response
from streamtally.transform.source import Source
from streamtally.transform.transform import transform
from tests.examples import examples
from tests.system.fuzz.checks import ROOT
from tests.system.fuzz.generate import ARRIVAL, EXAMPLES
from tests.unit.transform import test_joined_rows as joined
from tests.unit.transform.kernel.named_events import make_named_event
from tests.unit.transform.kernel.random_events import (
    FURTHER_LINES,
    NEWEST_FIELDS_OF_ALB,
    make_access_line,
    make_directive_line,
    make_event,
)

SOURCES: dict[str, dict[str, Any]] = {
    "default": {},
    "combined": {"format": "combined"},
    "common": {"format": "common"},
    "nginx": {"format": "nginx"},
    "auto": {"format": "auto"},
    "unescaped": {"format": "combined", "unescape": True},
    "s3": {"format": "s3_access"},
    "line_id": {"line_id": True},
    "single": {"framing": "single"},
    "hidden": {"anonymize": True},
    "any time": {"time_field": "auto", "time_zone": "Europe/Berlin"},
}
APACHE = 'apache:%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D'
NGINX = (
    'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" $request_length'
)
OTHERS_READ = (
    *("nginx_main", "elb", "alb", "lighttpd", "cloudfront", "s3_access", "haproxy", "haproxy_tcp"),
    *(APACHE, NGINX),
)
"""Those of which the kernel knows all columns."""
OTHERS = (*OTHERS_READ, "nlb", "squid", "traefik", "haproxy_clf")
READ_BY_KERNEL = (
    "rows",
    "counts and rows",
    "default",
    "combined",
    "common",
    "nginx",
    "auto",
    "any time",
    "unescaped",
    "s3",
)
EVENTS = 40
OWN_TIME = {"time_field": "datetime", "time_format": "dd/MMM/yyyy:HH:mm:ss Z"}


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The kernel of the environment."""
    reasons: list[str] = []
    loaded = load_kernel({"STREAMTALLY_KERNEL": "on"}, reasons.append)
    if loaded is None:
        if os.environ.get("KERNEL_REQUIRED"):
            pytest.fail(reasons[0])
        pytest.skip(f"{reasons[0]} (make kernel)")
    return loaded


ROWS = """
CREATE OR REPLACE STREAM "FAILED_REQUESTS" ("host" VARCHAR(16), "bytes" BIGINT, "came" TIMESTAMP);
CREATE OR REPLACE PUMP "FAILED_PUMP" AS INSERT INTO "FAILED_REQUESTS"
    SELECT STREAM s."host", s."bytes", s."APPROXIMATE_ARRIVAL_TIME" FROM "SOURCE_SQL_STREAM_001" AS s
    WHERE s."response" >= 400;
"""


def _with_rows(folder: Path) -> dict[str, Any]:
    """The default pipeline, which also passes on what failed."""
    default = ROOT / "layers/pipeline/pipeline"
    (folder / "counts.sql").write_text((default / "counts.sql").read_text(encoding="utf-8") + ROWS, encoding="utf-8")
    settings = (default / "pipeline.toml").read_text(encoding="utf-8")
    (folder / "pipeline.toml").write_text(
        f'{settings}\n[outputs.FAILED_REQUESTS]\nindex = "failed"\n', encoding="utf-8"
    )
    return read_folder(folder)


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pipeline]:
    """The checkout's pipelines, the default one with other sources, and one that counts by all fields."""
    default = read_folder(ROOT / "layers/pipeline/pipeline")
    mixed = _with_rows(tmp_path_factory.mktemp("mixed"))
    made = {"rows": load_pipeline(read_folder(ROOT / "pipelines/rows"), ZoneInfo)}
    made["counts and rows"] = load_pipeline(mixed, ZoneInfo)
    made["rows of s3"] = load_pipeline({**mixed, "source": {**mixed["source"], "format": "s3_access"}}, ZoneInfo)
    for name, source in {**SOURCES, **{name: {"format": name, **OWN_TIME} for name in OTHERS}}.items():
        document = json.loads(json.dumps(default))
        document["source"] |= source
        made[name] = load_pipeline(document, ZoneInfo)
    return made


Done = tuple[dict[str, Any], list[tuple[str | None, list[bytes]]], list[bytes], Ledger]


def answer(pipeline: Pipeline, event: dict[str, Any], kernel: Kernel | None, bounds: Bounds | None = None) -> Done:
    """An event's answer, its documents by stream, its envelopes, and its ledger."""
    sent: list[tuple[str | None, list[bytes]]] = []
    back: list[bytes] = []
    response, ledger = answer_batch(
        pipeline,
        lambda deliveries, _: sent.extend((delivery.stream, delivery.documents) for delivery in deliveries),
        event,
        lambda: 300.0,
        ARRIVAL,
        lambda _, envelopes, __: back.extend(envelopes),
        bounds=bounds,
        kernel=kernel,
    )
    return response, sent, back, ledger


@pytest.mark.parametrize("name", OTHERS)
def test_random_events_of_other_formats(kernel: Kernel, pipelines: dict[str, Pipeline], name: str) -> None:
    drawn, by_kernel = Random(f"kernel {name}"), 0
    plain = plain_lines(pipelines[name].source)
    assert (plain is not None) == (name in OTHERS_READ)
    for _ in range(examples(2 * EVENTS)):
        event = make_event(drawn, name)
        expected, given = answer(pipelines[name], event, None), answer(pipelines[name], event, kernel)
        assert given == expected
        assert given[3].kernel_error == ""
        by_kernel += given[3].way == KERNEL
    assert (by_kernel > 0) == (name in OTHERS_READ)


NAMED: dict[str, dict[str, Any]] = {
    "w3c": {"format": "w3c"},
    "w3c with names": {"format": "w3c", "fields": ["date", "time", "cs-method", "cs-uri-stem", "sc-status"]},
    "w3c without a day": {"format": "w3c", "fields": ["time", "sc-status"]},
    "ltsv": {"format": "ltsv"},
    "ltsv unescaped": {"format": "ltsv", "unescape": True},
    "ltsv with types": {"format": "ltsv", "types": {"ua": "INTEGER", "size": "VARCHAR", "host": "VARCHAR(4)"}},
    "ltsv with decimals": {"format": "ltsv", "types": {"ua": "DOUBLE"}},
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.large if " " in name else ()) for name in NAMED])
def test_random_events_of_formats_that_name_their_columns(kernel: Kernel, name: str) -> None:
    document = read_folder(ROOT / "layers/pipeline/pipeline")
    document["source"] |= {"time_field": "format", "time_format": None, **NAMED[name]}
    pipeline = load_pipeline(document, ZoneInfo)
    drawn, read, plain = Random(f"kernel {name}"), 0, 0
    for _ in range(examples(3 * EVENTS)):
        event = make_named_event(drawn, name.partition(" ")[0])
        expected, given = answer(pipeline, event, None), answer(pipeline, event, kernel)
        assert given == expected
        assert given[3].kernel_error == ""
        read += given[3].way == KERNEL
        plain += given[3].rows
    assert read
    assert plain


@pytest.mark.parametrize(
    ("name", "lines", "others"),
    [
        ("ltsv", EXAMPLES["ltsv"][:1] * 3, 0),
        ("w3c", EXAMPLES["w3c"][:1] * 3, 0),
        (
            "w3c",
            ["#Version: 1.0", "#Fields: date time sc-status", *["2025-11-22 21:21:41 200"] * 3, "#Date: x", "a b 1"],
            3,
        ),
        ("w3c", ["#Fields: date time sc-status", "a b 1", "#Fields: date time", "a b", "a b 1"], 4),
    ],
)
def test_usual_lines_of_formats_that_name_their_columns(
    kernel: Kernel, name: str, lines: list[str], others: int
) -> None:
    source = Source(source_settings({"format": name}), ZoneInfo)
    data = _encoded("\n".join(lines).encode())
    records = [{"recordId": str(number), "approximateArrivalTimestamp": ARRIVAL, "data": data} for number in range(2)]
    plain = named_columns(source, records)
    layout = find_layout(kernel, plain) if plain is not None else None
    assert layout is not None
    batch = kernel.read(layout, records)
    assert batch is not None
    pending = batch.scan()
    assert pending is not None
    assert sum(len(item[1]) for item in pending if item[0] == "lines") == 2 * others
    assert batch.plain_lines == 2 * (len(lines) - others)


@pytest.mark.parametrize("name", ["combined", NGINX, "haproxy"])
@pytest.mark.parametrize("end", ["\ufeff", "\n\ufeff", "\r\n\ufeff\n", "\n\ufeff\r"])
def test_a_byte_order_mark_alone(kernel: Kernel, pipelines: dict[str, Pipeline], name: str, end: str) -> None:
    example = EXAMPLES.get(name, EXAMPLES["apache_combined"])[0]
    data = [_encoded(text.encode()) for text in (example + end, end, example)]
    records = [
        {"recordId": str(number), "approximateArrivalTimestamp": ARRIVAL, "data": text}
        for number, text in enumerate(data)
    ]
    event = {"records": records}
    assert answer(pipelines[name], event, kernel) == answer(pipelines[name], event, None)


_UNICODE = "é\u2028\U0001f600".encode()
NO_FORMAT = (b"worker 7", b'he said "no"\\', b"\xff\xe2\x82 \x00\x08\x1f", b"\xef\xbb\xbfa", _UNICODE)


@pytest.mark.parametrize("header", [b"", b"#Fields: cs-method cs-uri-stem sc-status date time\n"])
def test_lines_of_no_format(kernel: Kernel, pipelines: dict[str, Pipeline], header: bytes) -> None:
    """All of them are refused, with the bytes that Python writes; after a header, lines may be as it says."""
    data = [b"\n".join(NO_FORMAT), header + b"GET /a 200 2025-11-22 21:21:41\nworker 8\r\n", NO_FORMAT[0]]
    records = [
        {"recordId": str(number), "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(content)}
        for number, content in enumerate(data * 2)
    ]
    for _ in range(3):  # lines are ruled out after one was refused
        given = answer(pipelines["default"], {"records": records}, kernel)
        assert given == answer(pipelines["default"], {"records": records}, None)
        assert (given[3].way, given[3].kernel_error) == (KERNEL, "")
        assert given[3].rows == 2 * bool(header)


@pytest.mark.parametrize(("name", "column"), [("alb", "transformed_host"), ("s3_access", "source_region")])
def test_columns_that_came_later_are_counted(kernel: Kernel, tmp_path: Path, name: str, column: str) -> None:
    """A program that groups by such a column sees lines with it, and lines without it."""
    folder = ROOT / "layers/pipeline/pipeline"
    program = (folder / "counts.sql").read_text(encoding="utf-8").replace('"status" INTEGER', '"status" VARCHAR(64)')
    (tmp_path / "counts.sql").write_text(program.replace('s."response"', f's."{column}"'), encoding="utf-8")
    settings = (folder / "pipeline.toml").read_text(encoding="utf-8").replace('"auto" ', f'"{name}" ')
    (tmp_path / "pipeline.toml").write_text(settings, encoding="utf-8")
    document = read_folder(tmp_path)
    pipeline = load_pipeline(document, ZoneInfo)
    old, new = EXAMPLES["alb"][0], f"{EXAMPLES['alb'][0]} {NEWEST_FIELDS_OF_ALB}"
    s3 = FURTHER_LINES["s3_access"]
    texts = [old, new, old] if name == "alb" else [s3[0], s3[2], s3[2].replace("us-east-1", "-"), s3[0]]
    records = [
        {"recordId": f"{number}", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(text.encode())}
        for number, text in enumerate(texts)
    ]
    expected, given = answer(pipeline, {"records": records}, None), answer(pipeline, {"records": records}, kernel)
    assert given == expected
    assert given[3].way == KERNEL
    rows = [json.loads(base64.b64decode(record["data"])) for record in given[0]["records"]]
    assert [column in row for row in rows] == [False, True, False, False][: len(rows)]


@pytest.mark.parametrize("name", ["rows", "counts and rows", "rows of s3", *SOURCES])
def test_random_events(kernel: Kernel, pipelines: dict[str, Pipeline], name: str) -> None:
    drawn = Random(f"kernel {name}")
    ways: Counter[str] = Counter()
    for _ in range(examples(EVENTS)):
        event = make_event(drawn)
        expected, given = answer(pipelines[name], event, None), answer(pipelines[name], event, kernel)
        assert given == expected
        assert given[3].kernel_error == ""
        ways[given[3].way] += 1
        if expected[2]:  # what is re-ingested comes back
            again = {**event, "records": _records_of(expected[2])}
            assert answer(pipelines[name], again, kernel) == answer(pipelines[name], again, None)
    assert set(ways) <= {KERNEL, PYTHON}
    assert (ways[KERNEL] > 0) == (name in READ_BY_KERNEL)


def test_joined_rows(kernel: Kernel) -> None:
    """Rows are joined by the fields that their joins read; without its table, nothing is answered either way."""
    documents = [joined.document_of(text) for text in (joined.TEXT, None)]
    for document in documents:  # the other output's windows are those of arrivals
        del document["outputs"]["COUNTS"]
        document["plan"]["outputs"] = [node for node in document["plan"]["outputs"] if node["name"] == "ROWS_OUT"]
    pipelines = [load_pipeline(document, ZoneInfo) for document in documents]
    records = [
        {"recordId": str(number), "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(payload)}
        for number, payload in enumerate(joined.PAYLOADS * 3)
    ]
    given = answer(pipelines[0], {"records": records}, kernel)
    assert given == answer(pipelines[0], {"records": records}, None)
    assert given[3].way == KERNEL
    assert given[3].outputs["ROWS_OUT"].joined
    with pytest.raises(SettingsError, match="reference table StatusNames"):
        answer(pipelines[1], {"records": records}, kernel)


def test_rows_of_several_chunks(kernel: Kernel, pipelines: dict[str, Pipeline]) -> None:
    """Rows are documents in the order in which Python makes them: of a chunk, first those that are not plain."""
    drawn, read = Random("chunks"), 0
    for name in ("rows", "counts and rows") * examples(2):
        lines = [make_access_line(drawn, is_common=False, oddness=0.05) for _ in range(2_000)]
        lines = [drawn.choice(("worker 7", '{"host":"h"}', "")) if drawn.random() < 0.05 else line for line in lines]
        data = ["\n".join(lines[start : start + 7]).encode() for start in range(0, len(lines), 7)]
        assert sum(map(len, data)) > 2 * CHUNK_BYTES
        records = [
            {"recordId": str(number), "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(content)}
            for number, content in enumerate(data)
        ]
        given = answer(pipelines[name], {"records": records}, kernel)
        assert given == answer(pipelines[name], {"records": records}, None)
        read += given[3].way == KERNEL
    assert read


TIMES = ("08:46", "08:47", "08:47", "09:47", "09:48", "24:00")
"""Arrivals are in the second: of the same minute a week before, and of the one an hour after, a part is believed."""
TIMED = {
    "combined": '192.0.2.1 - - [{day}/Sep/2017:{minute}:{second} {offset}] "GET / HTTP/1.1" {status} 7 "-" "-"',
    "common": '192.0.2.1 - - [{day}/Sep/2017:{minute}:{second} {offset}] "GET / HTTP/1.1" {status} 7',
    "elb": "2017-09-{day}T{minute}:{second}{fraction}Z web 192.0.2.1:5 192.0.2.2:80 0.1 0.2 0.3 {status} 200 0 29 "
    '"GET http://example.com:80/ HTTP/1.1" "curl" - -',
}


def _timed_event(drawn: Random, line: str, oddness: float) -> dict[str, Any]:
    """An event of lines at the edges of what is believed. Args: oddness: the share of odd days, minutes and offsets."""

    def value(usual: str, *others: str) -> str:
        return drawn.choice(others) if drawn.random() < oddness else usual

    lines = [
        line.format(
            day=value("08", "01", "31"),
            minute=value("08:47", *TIMES),
            second=value(f"{drawn.randrange(drawn.choice((5, 60))):02}", "60", "61", "59"),
            offset=value("+0000", "-0330", "+0001", "+2400"),
            fraction=value(f".{drawn.randrange(10**6):06}", "", ".9", ".999999999"),
            status=drawn.choice((200, 404)),
        )
        for _ in range(drawn.choice((5, 40)))
    ]
    data = [f"{text}\n".encode() for text in lines]
    return {
        "invocationId": "1",
        "records": [
            {"recordId": f"r{number}", "approximateArrivalTimestamp": TIMED_ARRIVAL + number, "data": _encoded(some)}
            for number, some in enumerate(data)
        ],
    }


TIMED_ARRIVAL = 1_504_860_423_000  # 2017-09-08T08:47:03Z


@pytest.mark.parametrize("name", TIMED)
def test_minutes_are_counted_as_their_seconds(kernel: Kernel, pipelines: dict[str, Pipeline], name: str) -> None:
    """What the kernel counts by the minute is what Python adds second by second, also where not all is believed."""
    read = Counter[str]()
    pipeline = pipelines[name] if name != "elb" else _with_own_time(name)
    for number in range(examples(120)):
        drawn = Random(number)
        event = _timed_event(drawn, TIMED[name], drawn.choice((0.0, 0.0, 0.02, 0.3)))
        expected, given = answer(pipeline, event, None), answer(pipeline, event, kernel)
        assert given == expected
        read[given[3].way] += 1
    assert read[KERNEL] > 10
    assert read[PYTHON] > 5


def _with_own_time(name: str) -> Pipeline:
    document = read_folder(ROOT / "layers/pipeline/pipeline")
    document["source"] |= {"format": name, "time_field": "format", "time_format": None}
    return load_pipeline(document, ZoneInfo)


def _records_of(envelopes: list[bytes]) -> list[dict[str, Any]]:
    return [
        {"recordId": f"again-{number}", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(data)}
        for number, data in enumerate(envelopes)
    ]


def test_few_lines_an_invocation(kernel: Kernel, pipelines: dict[str, Pipeline]) -> None:
    drawn = Random("bounds")
    for limit in (1, 20, 100, 10_000):
        for _ in range(examples(8)):
            event = make_event(drawn)
            for bounds in (Bounds(lines=limit), Bounds(size_bytes=limit * 100, lines=50)):
                pipeline = pipelines["default"]
                assert answer(pipeline, event, kernel, bounds) == answer(pipeline, event, None, bounds)


def test_a_small_response(kernel: Kernel, pipelines: dict[str, Pipeline]) -> None:
    """Around the size of the answer, and far from it: what does not fit goes Python's way, and nothing else."""
    drawn, pipeline = Random("responses"), pipelines["default"]
    read = 0
    for _ in range(examples(60)):
        records = make_event(drawn)["records"]
        size = len(json.dumps(answer(pipeline, {"records": records}, None)[0]))
        for limit in (size - 1, size, size + 1, size // 2 + 2_000):
            given = read_by_kernel(kernel, pipeline, records, ARRIVAL, max_response_bytes=limit)
            if given is None:
                continue
            expected = transform(pipeline, decode_records(records, ARRIVAL), limit)
            read += 1
            assert given.response == encode_response(expected.responses)
            assert len(json.dumps(given.response)) <= limit
            assert (given.deliveries, given.ledger) == (expected.deliveries, expected.ledger)
    assert read


def test_the_kernel_takes_plain_lines_by_itself(kernel: Kernel, pipelines: dict[str, Pipeline]) -> None:
    """Usual lines do not come back to Python."""
    plain = plain_lines(pipelines["default"].source)
    assert plain is not None
    layout = find_layout(kernel, plain)
    assert layout is not None
    drawn = Random("plain")
    lines = [make_access_line(drawn, is_common=False, oddness=0.0) for _ in range(200)]
    text = "\n".join(lines)
    record = {"recordId": "id", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(text.encode())}
    batch = kernel.read(layout, [record])
    assert batch is not None
    assert batch.specials == []
    assert batch.scan() == []
    assert batch.plain_lines == len(lines)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_shapes_take_no_line_that_the_scanner_does_not(kernel: Kernel, pipelines: dict[str, Pipeline]) -> None:
    drawn = Random("shapes")
    for name in ("combined", "common"):
        scanner = pipelines[name].source.scanner
        assert scanner is not None
        assert {pattern for _, pattern in scanner.columns} <= SHAPES.keys()
        plain = plain_lines(pipelines[name].source)
        layout = find_layout(kernel, plain) if plain is not None else None
        assert layout is not None
        for _ in range(examples(4_000)):
            line = make_access_line(drawn, name == "common", drawn.choice((0.1, 0.5, 1.0)))
            record = {"recordId": "id", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(f"a{line}".encode())}
            batch = kernel.read(layout, [record])
            assert batch is not None
            batch.scan()
            if not batch.plain_lines:
                continue
            row = pipelines[name].source.parse(f"a{line}")
            answered = batch.answer(10**6, (0, 0, 0))
            assert answered is not None
            assert base64.b64decode(answered[0][0]["data"]).decode() == encode_row(row), line
            (match,) = scanner.findall(f"a{line}") if "\n" not in line else [("",)]
            assert match[0] or "\\" in line, line
            if match[0]:
                assert list(batch.count(range(len(scanner.columns)))) == [match[:-1]], line


@pytest.mark.parametrize("name", OTHERS_READ)
def test_usual_lines_of_other_formats_are_read_by_the_kernel(
    kernel: Kernel, pipelines: dict[str, Pipeline], name: str
) -> None:
    source = pipelines[name].source
    plain = plain_lines(source)
    layout = find_layout(kernel, plain) if plain is not None else None
    assert layout is not None
    drawn = Random("usual")
    lines = (
        [make_directive_line(drawn, 0.0)]
        if ":" in name
        else [*EXAMPLES[name], f"{EXAMPLES[name][0]} {NEWEST_FIELDS_OF_ALB}"]
    )
    taken = 0
    for line in lines:
        record = {"recordId": "id", "approximateArrivalTimestamp": ARRIVAL, "data": _encoded(line.encode())}
        batch = kernel.read(layout, [record])
        assert batch is not None
        batch.scan()
        answered = batch.answer(10**6, (0, 0, 0))
        if batch.plain_lines and answered is not None:
            taken += 1
            assert base64.b64decode(answered[0][0]["data"]).decode() == encode_row(source.parser_for_record()(line))
    assert taken
