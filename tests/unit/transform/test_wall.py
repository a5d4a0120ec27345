"""A parser, a scanner or an evaluation that raises anything at any line stops that line and no other."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streamtally.aws.handlers.invocation import answer_batch
from streamtally.formats import REGISTRY, FormatOptions, Parser, find_format
from streamtally.formats.base import Format, Plain, RecordParser, Row, Scanner, for_record
from streamtally.formats.detect import detect
from streamtally.formats.wrappers import agent as agent_module
from streamtally.local.arrival import read_lines as read_for_run
from streamtally.local.logs import LogLine
from streamtally.transform import source as source_module
from streamtally.transform.pipeline import Pipeline, load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.source import Source, SourceSettings
from streamtally.transform.transform import transform
from tests.unit.events import ARRIVAL, combined, records_of, run

SECRET = "what the line said"


class OddError(Exception):
    """An exception that nobody knows."""


RAISED: tuple[Callable[[], Exception], ...] = (
    lambda: ValueError(SECRET),
    lambda: KeyError(SECRET),
    lambda: TypeError(SECRET),
    lambda: IndexError(SECRET),
    lambda: AttributeError(SECRET),
    lambda: AssertionError(SECRET),
    lambda: OverflowError(SECRET),
    lambda: ZeroDivisionError(SECRET),
    lambda: UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET),
    lambda: RecursionError(SECRET),
    lambda: MemoryError(SECRET),
    lambda: StopIteration(SECRET),
    lambda: OSError(5, SECRET),
    lambda: OddError(SECRET),
)


class Planted(RecordParser):
    """A parser that raises at lines with BOOM in them, before or after the real one has read them."""

    def __init__(self, parse: Parser, make: Callable[[], Exception]) -> None:
        self._parse = parse
        self._make = make

    def __call__(self, line: str) -> Row:
        if "BOOM" in line:
            raise self._make()
        return self._parse(line)

    def for_record(self, arrival_ms: int | None = None) -> Planted:
        return Planted(for_record(self._parse, arrival_ms), self._make)


AGENT = [{"optionName": "LOGTOJSON", "logFormat": "COMBINEDAPACHELOG"}]
REGEX = {"format": "regex", "pattern": r"(\S+) .*\[([^\]]*)\] \"([^\"]*)\" (\d+).*", "time_field": "datetime"}
SOURCES: dict[str, dict[str, Any]] = {
    "auto": {},
    "combined": {"format": "apache_combined"},
    "nginx": {"format": "nginx"},
    "regex": {**REGEX, "fields": ["host", "datetime", "request", "response"]},
    "agent": {"agent_options": AGENT, "types": {}},
    "line_field": {"line_field": "log"},
    "paths": {"paths": {"x": "$.a.b"}},
    "split": {"split_request": True},
    "anonymize": {"anonymize": True, "drop": ["ident"]},
    "true_client": {"true_client": {"forwarded": "x_forwarded_for"}},
    "unescape": {"unescape": True},
    "line_id": {"line_id": True},
}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Exception]], None]:
    """Plants the raising parser as whatever the source reads its lines with."""

    def plant(make: Callable[[], Exception]) -> None:
        def wrapping(compile_parser: Callable[[Any], Parser]) -> Callable[[Any], Parser]:
            return lambda options: Planted(compile_parser(options), make)

        def planted_format(name: str) -> Format:
            log_format = find_format(name)
            return replace(log_format, compile=wrapping(log_format.compile))

        monkeypatch.setattr(source_module, "compile_auto", wrapping(source_module.compile_auto))
        monkeypatch.setattr(agent_module, "compile_agent", wrapping(agent_module.compile_agent))
        monkeypatch.setattr(source_module, "find_format", planted_format)

    return plant


BAD = combined(agent="BOOM").replace(b"198.51.100.7", b'198.51.100.7"')  # a quote: no plain line, so not the fast way


def check(pipeline: Pipeline, payloads: list[bytes], bad: int, reason: str) -> None:
    """Every line is somewhere, and the bad ones are unparsed for that reason, whichever way the batch is read."""
    outcome = run(pipeline, payloads)
    lines = sum(payload.count(b"\n") for payload in payloads)
    assert outcome.ledger.imbalance() == []
    assert (outcome.ledger.lines, outcome.ledger.unparsed) == (lines, bad)
    assert outcome.ledger.reasons[reason] == bad
    assert len(outcome.responses) == len(payloads)
    assert SECRET.encode() not in b"".join(result.data for result in outcome.responses)
    assert all(SECRET not in name for name in outcome.ledger.reasons)
    assert outcome.ledger.rows == lines - bad


@pytest.mark.parametrize("make", RAISED, ids=lambda make: type(make()).__name__)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_parser_that_raises(
    planted: Callable[[Callable[[], Exception]], None],
    with_changes: Callable[..., Pipeline],
    kind: str,
    make: Callable[[], Exception],
) -> None:
    planted(make)
    pipeline = with_changes(source=SOURCES[kind])
    payloads = [combined(), BAD, combined(404) + BAD + combined(), BAD + BAD, combined(500)]
    check(pipeline, payloads, 4, f"cannot be read ({type(make()).__name__})")
    with_json = [b'{"log":' + json.dumps(BAD.decode()).encode() + b"}\n", combined()]
    if kind == "line_field":
        check(pipeline, with_json, 1, f"cannot be read ({type(make()).__name__})")


# What one record's lines raise does not show in the answer of the handler's own code either.
def test_the_answer_has_every_record(
    planted: Callable[[Callable[[], Exception]], None], with_changes: Callable[..., Pipeline]
) -> None:
    planted(lambda: RecursionError(SECRET))
    event = {"records": records_of([combined()] * 400 + [BAD])}
    put: list[Any] = []
    answer, ledger = answer_batch(with_changes(), lambda made, _: put.extend(made), event, lambda: 60.0, ARRIVAL)
    assert [record["recordId"] for record in answer["records"]] == [f"id-{number}" for number in range(401)]
    assert [record["result"] for record in answer["records"]] == ["Ok"] * 400 + ["ProcessingFailed"]
    assert (ledger.rows, ledger.unparsed) == (400, 1)


def test_lines_that_go_back_one_by_one(
    planted: Callable[[Callable[[], Exception]], None], with_changes: Callable[..., Pipeline]
) -> None:
    planted(lambda: ValueError(SECRET))
    pipeline = with_changes(source={"framing": "single"})
    records = decode_records(records_of([BAD + combined(), BAD + BAD]), ARRIVAL)
    outcome = transform(pipeline, records, can_reingest=True)
    assert [result.result for result in outcome.responses] == ["Dropped", "ProcessingFailed"]
    assert len(outcome.envelopes) == 2
    assert outcome.ledger.imbalance() == []


def test_local_runs_and_detection(planted: Callable[[Callable[[], Exception]], None]) -> None:
    planted(lambda: MemoryError(SECRET))
    source = Source(SourceSettings(), ZoneInfo)
    lines = [LogLine("a.log", number, data, len(data)) for number, data in enumerate([BAD, combined()], 1)]
    first, second = read_for_run(lines, source, ARRIVAL)
    assert (first.row, first.reason) == (None, "cannot be read (MemoryError)")
    assert second.row is not None


def test_detection_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamtally.formats import detect as module

    broken = replace(
        REGISTRY["ltsv"], compile=lambda options: Planted(REGISTRY["ltsv"].compile(options), lambda: OddError(SECRET))
    )
    monkeypatch.setattr(module, "_ORDER", (broken, REGISTRY["logfmt"]))
    detected = detect(["a=1 b=2 c:\tBOOM=1"] + ["a=1 b=2"] * 5)
    assert detected.best is not None
    assert detected.best.format.name == "logfmt"


# ---- the fast way: what a scanner raises leaves every line to the exact one, each counted once
class ValueRaises(Scanner):
    """Reads no value of a plain line."""

    def value(self, field_name: str, text: str) -> Any:
        raise ValueError(SECRET)


def with_scanner(pipeline: Pipeline, scanner: Scanner) -> Pipeline:
    """The pipeline again, with that scanner."""
    made = load_pipeline(pipeline.document, ZoneInfo)
    made.source.scanner = scanner
    return made


PLAIN = [combined(), combined(404) + b"no line\n" + combined(), b"\n" + combined(), combined(500)]


def raising(*_: Any) -> Any:
    raise KeyError(SECRET)


def half_encoded(scanner: Scanner) -> Callable[[list[Plain], Callable[[int, str], str]], list[str]]:
    def encode(matches: list[Plain], other: Callable[[int, str], str]) -> list[str]:
        scanner.encode(matches, other)  # so that every other line has been read, and counted, when it raises
        raise KeyError(SECRET)

    return encode


@pytest.mark.parametrize("part", ["findall", "encode at once", "encode at the end"])
def test_a_scanner_that_raises(default_pipeline: Pipeline, part: str) -> None:
    usual = run(default_pipeline, PLAIN)
    scanner = default_pipeline.source.scanner
    assert scanner is not None
    changed = {
        "findall": replace(scanner, findall=raising),
        "encode at once": replace(scanner, encode=raising),
        "encode at the end": replace(scanner, encode=half_encoded(scanner)),
    }[part]
    outcome = run(with_scanner(default_pipeline, changed), PLAIN)
    assert [result.data for result in outcome.responses] == [result.data for result in usual.responses]
    assert outcome.deliveries == usual.deliveries
    assert outcome.ledger == usual.ledger


@pytest.mark.parametrize("name", ["default_pipeline", "rows_pipeline"])
def test_a_value_that_raises(request: pytest.FixtureRequest, name: str) -> None:
    pipeline: Pipeline = request.getfixturevalue(name)
    scanner = pipeline.source.scanner
    assert scanner is not None
    fields = (scanner.findall, scanner.encode, scanner.positions, scanner.integers)
    outcome = run(with_scanner(pipeline, ValueRaises(*fields)), PLAIN)
    assert outcome.ledger.imbalance() == []
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (5, 1)
    for account in outcome.ledger.outputs.values():
        assert account.eval_failed + account.filtered == 5


# ---- conversions: what was tested is what is converted
SPACES = [" ", "\t", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u3000"]
STRANGE = [
    "",
    " ",
    "+",
    "-5",
    "+5",
    "\u00b2",
    "\u0663\u0664",
    "\uff15",
    "1_000",
    "nan",
    "inf",
    "-Infinity",
    "1e999",
    "1e-999",
    "0x10",
    "5.",
    ".5",
    "5e5",
    "9" * 19,
    "9" * 41,
    "9" * 400,
    "9" * 5000,
    "\x00" + "5",
    "5\x00",
    "\ud7ff",
    "5L",
    "true",
    "1,5",
    *(space + "5" for space in SPACES),
    *("5" + space for space in SPACES),
]
TYPES = ("INTEGER", "BIGINT", "SMALLINT", "DOUBLE", "REAL", "BOOLEAN", "DECIMAL(9,2)", "DATE", "TIME", "TIMESTAMP")


@pytest.mark.parametrize("type_name", TYPES)
def test_no_field_stops_a_parser(type_name: str) -> None:
    options = FormatOptions(
        pattern="a=([^ ]*) b=(.*)", fields=("a", "status"), types={"a": type_name, "status": type_name}
    )
    shapes = {
        "ltsv": "a:{0}\tstatus:{0}",
        "logfmt": 'a=b status="{0}"',
        "csv": 'x,"{0}",{0}',
        "tsv": "x\t{0}",
        "regex": "a=1 b={0}",
    }
    for name, shape in shapes.items():
        parse = REGISTRY[name].compile(replace(options, fields=("a", "status") if name != "ltsv" else ()))
        for text in STRANGE:
            for _ in range(7):  # so often that what was learned of the shape is used
                try:
                    row = parse(shape.format(text))
                except Exception as error:
                    assert type(error).__name__ == "FormatError", (name, text, error)  # noqa: PT017
                    break
                assert isinstance(row["status" if "status" in row else "a"], int | float | str | bool | None)


# The line that failed a batch of 401 records, in the default pipeline, and its like in the other formats.
@pytest.mark.parametrize("line", ["a:\tbytes:\x1f5", 'a=b bytes="200\x1c"', 'a=b response="\x1d200"'])
def test_control_characters_around_a_number(default_pipeline: Pipeline, line: str) -> None:
    outcome = run(default_pipeline, [combined()] * 400 + [line.encode() + b"\n"])
    assert [result.result for result in outcome.responses[:400]] == ["Ok"] * 400
    assert outcome.ledger.imbalance() == []
    assert outcome.ledger.rows + outcome.ledger.unparsed == 401
    number = next(value for name, value in default_pipeline.source.parse(line).items() if name != "a")
    assert number == int(line.strip('"\x1c\x1d')[-3:].strip("\x1f:s"))


@pytest.mark.parametrize("value", [json.dumps(value) for value in STRANGE] + ["1e999", "-1e999", "9" * 30, "9" * 5000])
def test_any_member_of_a_json_line(default_pipeline: Pipeline, rows_pipeline: Pipeline, value: str) -> None:
    line = f'{{"datetime":{value},"response":{value},"bytes":{value},"host":{value}}}\n'.encode()
    for pipeline in (default_pipeline, rows_pipeline):
        outcome = run(pipeline, [line, combined()])
        assert outcome.ledger.imbalance() == []
        assert outcome.ledger.lines == 2
        assert base64.b64encode(outcome.responses[1].data)
