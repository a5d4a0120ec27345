"""CloudFront's real-time log: lines of public reports, with replaced addresses and names."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest

from streamtally.errors import FormatError
from streamtally.formats import REGISTRY, FormatOptions, cloudfront_realtime
from streamtally.formats.auto import compile_auto
from streamtally.formats.base import last_format
from streamtally.formats.cloudfront_realtime_fields import SELECTIONS
from streamtally.times.parsing import compile_time_parser

REALTIME = REGISTRY["cloudfront_realtime"]
# The console's first selection, without the server's address (elastic/integrations#6219).
CONSOLE = [
    "1684226820.937",
    "192.0.2.21",
    "0.332",
    "403",
    "347",
    "GET",
    "https",
    "d111111abcdef8.cloudfront.net",
    "/",
    "50",
    "ARN1-C1",
    "uou6Ljhoc34wyRb55wNDXeO836E8CqkfsxLhvhNGrR_447xMT10PNA==",
    "d111111abcdef8.cloudfront.net",
    "0.332",
    "HTTP/2.0",
    "IPv4",
    "curl/7.88.1",
    "-",
    "-",
    "-",
    "Error",
    "-",
    "TLSv1.3",
    "TLS_AES_128_GCM_SHA256",
    "Error",
    "-",
    "-",
    "application/json",
    "23",
    "-",
    "-",
    "39096",
    "Error",
    "SE",
    "-",
    "*/*",
    "*",
    "host:d111111abcdef8.cloudfront.net%0Aaccept:*/*%0A",
    "host%0Aaccept%0A",
    "2",
]
WITH_SERVER = [*CONSOLE[:2], "198.51.100.7", *CONSOLE[2:]]
CMCD = ["-"] * 18
NUMBERS = {field.name for field in REALTIME.fields if field.type != "VARCHAR"}
COMMON: dict[str, Any] = {
    "timestamp": "1684226820.937",
    "c_ip": "192.0.2.21",
    "time_to_first_byte": 0.332,
    "sc_status": 403,
    "sc_bytes": 347,
    "cs_method": "GET",
    "cs_host": "d111111abcdef8.cloudfront.net",
    "cs_uri_stem": "/",
    "cs_bytes": 50,
    "time_taken": 0.332,
    "cs_protocol_version": "HTTP/2.0",
    "cs_user_agent": "curl/7.88.1",
    "cs_referer": None,
    "x_edge_result_type": "Error",
    "sc_content_len": 23,
    "c_port": 39096,
    "c_country": "SE",
    "cs_header_names": "host%0Aaccept%0A",
    "cs_headers_count": 2,
}

# (cells, further values): the documented fields of different years
CASES: list[tuple[list[str], dict[str, Any]]] = [
    (CONSOLE, {}),
    ([*CONSOLE, "0.330", "0.331"], {"origin_fbl": 0.33, "origin_lbl": 0.331}),
    ([*CONSOLE, "0.330", "0.331", "64496"], {"origin_lbl": 0.331, "asn": 64496}),
    (WITH_SERVER, {"s_ip": "198.51.100.7"}),
    ([*WITH_SERVER, "-", "-", "64496"], {"origin_fbl": None, "asn": 64496}),
    (
        [*WITH_SERVER, "E1EXAMPLE", "d2.cloudfront.net", "-", "-", "64496"],
        {"primary_distribution_id": "E1EXAMPLE", "primary_distribution_dns_name": "d2.cloudfront.net", "asn": 64496},
    ),
    (
        [*WITH_SERVER, "-", "-", "-", "-", "1", *CMCD, "origin.example.com", "Failover:403", "-", "dt_1", "-"],
        {"r_host": "origin.example.com", "sr_reason": "Failover:403", "distribution_tenant_id": "dt_1"},
    ),
]


# A line with all documented fields has its values, by name and under auto.
@pytest.mark.parametrize(("cells", "values"), CASES, ids=[str(len(cells)) for cells, _ in CASES])
def test_documented_fields(cells: list[str], values: dict[str, Any]) -> None:
    line = "\t".join(cells)
    row = REALTIME.compile(FormatOptions())(line)
    expected = {**COMMON, **values}
    assert {name: row[name] for name in expected} == expected
    assert len(row) == len(cells)
    parse = compile_auto(FormatOptions())
    assert parse(line) == row
    assert last_format(parse) is REALTIME
    for _ in range(100):  # the same once a function has been generated
        assert parse(line) == row


SELECTED = ["timestamp", "c-ip", "sc-status", "cs-method", "cs-uri-stem", "time-taken"]
SELECTED_LINE = "1684226820.937\t192.0.2.21\t200\tGET\t/index.html\t0.002"


# fields names a selection, as CloudFront writes the names or as columns are called; by itself no line tells.
@pytest.mark.parametrize("names", [SELECTED, [name.replace("-", "_") for name in SELECTED]])
def test_selected_fields(names: list[str]) -> None:
    parse = REALTIME.compile(FormatOptions(fields=tuple(names)))
    assert parse(SELECTED_LINE) == {
        "timestamp": "1684226820.937",
        "c_ip": "192.0.2.21",
        "sc_status": 200,
        "cs_method": "GET",
        "cs_uri_stem": "/index.html",
        "time_taken": 0.002,
    }
    for misfit in (SELECTED_LINE + "\tx", SELECTED_LINE.replace("200", "OK"), SELECTED_LINE.replace("\t", " ")):
        with pytest.raises(FormatError):
            parse(misfit)
    for unnamed in (REALTIME.compile(FormatOptions()), compile_auto(FormatOptions())):
        with pytest.raises(FormatError):
            unnamed(SELECTED_LINE)


def _value(name: str, text: str) -> object:
    return None if text == "-" else float(text) if name in NUMBERS else text


# Another selection of as many fields as a documented one is refused, or gives each field what it has.
def test_other_selections() -> None:
    (names,) = SELECTIONS[69]
    parse, rng = REALTIME.compile(FormatOptions()), random.Random(5)
    cells = [*WITH_SERVER, "-", "-", "-", "0.331", "64496", *CMCD, "-", "-", "-", "-", "-"]
    full = dict(zip(names, cells, strict=True))
    for _ in range(2_000):
        count = rng.choice([count for count in SELECTIONS if count < len(names)])
        near = names[: count + rng.randint(1, 4)]
        left_out = set(rng.sample(near[2:], len(near) - count))
        selected = {name: full[name] for name in near if name not in left_out}
        with suppress(FormatError):
            row = parse("\t".join(selected.values()))
            for name, value in row.items():
                assert value == _value(name, selected.get(name, "-")), (name, left_out)


# The time has milliseconds, and is that of the event.
def test_time() -> None:
    assert (REALTIME.time_field, REALTIME.time_format) == ("timestamp", "unix")
    assert compile_time_parser("unix")("1684226820.937") == 1_684_226_820_937


# Lines that the fast path reads have the rows that their cells give one by one, whatever lines came before.
def test_the_fast_path_gives_the_same_rows() -> None:
    rng = random.Random(5)
    example = REALTIME.examples[0].line.split("\t")
    texts = ["-", "", "0", "-1", "1e5", "1_0", "٣", "9" * 19, "IPv4", "TLSv1.3", "192.0.2.1", "x y", "\x00", "200"]
    parse = REALTIME.compile(FormatOptions())
    rows = 0
    for _ in range(3_000):
        cells = example + [rng.choice(texts) for _ in range(rng.choice([0, 0, 0, 2, 5]))]
        for _ in range(rng.randint(0, 2)):
            cells[rng.randrange(len(cells))] = rng.choice(texts)
        line = "\t".join(cells)
        try:
            expected, _ = cloudfront_realtime._read_documented(line)
        except FormatError:
            with pytest.raises(FormatError):
                parse(line)
            continue
        row = parse(line)
        assert [*map(repr, row.items())] == [*map(repr, expected.items())]
        rows += 1
    assert rows > 1_000


# The fast path is really used, from the second line on.
@pytest.mark.parametrize("count", SELECTIONS)
def test_each_selection_has_a_fast_path(count: int) -> None:
    example = dict(zip(REALTIME.examples[0].row, REALTIME.examples[0].line.split("\t"), strict=True))
    line = "\t".join(example.get(name, "1") for name in SELECTIONS[count][0])
    row = cloudfront_realtime._fast_path(count)(line)
    assert row is not None
    assert row == cloudfront_realtime._read_documented(line)[0]
