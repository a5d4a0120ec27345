"""``auto`` guesses from earlier lines, and no guess changes what a line means."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.make_formats_doc import sample_lines
from streamtally.errors import FormatError
from streamtally.formats import FormatOptions, apache_combined
from streamtally.formats.auto import compile_auto
from streamtally.formats.beginnings import DETECTED, NEEDED, SIGNS
from streamtally.formats.engine.generate import generate_fast
from streamtally.local.folder import read_folder
from streamtally.transform.pipeline import load_pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.transform import transform
from tests.examples import examples
from tests.unit.formats.engine.test_fast_ways import hostile, lines_of, result

ROOT = Path(__file__).resolve().parents[3]
LINES = [line for log_format in DETECTED for line in lines_of(log_format.name)]
# Lines that nearly fit several formats.
NEAR = [
    '{"a":1}', " {", "{", '{x - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 "-" "x"',
    '2025/a - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 "-" "x"',
    '<34>1 - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 "-" "x"',
    'k=v - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 "-" "x"',
    'a=1 b="] \\"x" c', "a=1 b=[ c= [", "a=1", "x", "#Fields: date time", "#Version: 1.0", "[", "2025-11-22T",
    "[a] [b]",
    'a:b\tc - - [10/Oct/2025:13:55:36 -0700] "GET /" 200 5 "-" "x"', 'http 2025-] "',
]  # fmt: skip


ALONE: Any = compile_auto(FormatOptions())
FAST = generate_fast(apache_combined.LAYOUT)


def alone(line: str) -> Any:
    """What a line means to a parser that has seen no other line."""
    parse = ALONE.for_record()
    parse._guess, parse._has_refused = None, False
    return result(parse, line)


# After any other lines, in any order, a line means what it means alone.
@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(hostile(LINES + NEAR) | st.sampled_from(LINES + NEAR), min_size=2, max_size=12), st.randoms())
def test_order_changes_nothing(lines: list[str], shuffle: random.Random) -> None:
    expected = {line: alone(line) for line in lines}
    parse = ALONE.for_record()
    for _ in range(3):
        for line in lines:
            assert result(parse, line) == expected[line], line
            parse = parse.for_record()  # a header applies only to its record
        shuffle.shuffle(lines)


# The same in the transform: in other batches and any order, each record gets the same response.
def test_batches_change_nothing() -> None:
    document = json.loads(json.dumps(read_folder(ROOT / "layers/pipeline/pipeline")))
    document["source"] = {**document["source"], "format": "auto"}
    pipeline = load_pipeline(document, ZoneInfo)
    shuffle = random.Random(9)
    groups = [shuffle.choices(LINES + NEAR, k=shuffle.randint(1, 4)) for _ in range(300)]
    payloads = {f"id-{number}": "\n".join(lines).encode() for number, lines in enumerate(groups)}

    def answers(batch: list[str]) -> dict[str, tuple[str, bytes]]:
        records = [
            {
                "recordId": record_id,
                "approximateArrivalTimestamp": 1_763_846_501_000,
                "data": base64.b64encode(payloads[record_id]).decode(),
            }
            for record_id in batch
        ]
        responses = transform(pipeline, decode_records(records, now_ms=1_763_846_501_000)).responses
        return {response.record_id: (response.result, response.data) for response in responses}

    whole = answers(list(payloads))
    for _ in range(4):
        names = shuffle.sample(list(payloads), len(payloads))
        size = shuffle.randint(1, 40)
        for start in range(0, len(names), size):
            for name, answer in answers(names[start : start + size]).items():
                assert answer == whole[name], payloads[name]


# Every line that fits a format contains what is said of it, so skipping the format without it changes nothing.
@pytest.mark.parametrize(("name", "text"), [*NEEDED.items(), *SIGNS.items()])
def test_needed(name: str, text: str) -> None:
    parse = {log_format.name: log_format for log_format in DETECTED}[name].compile(FormatOptions())

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(hostile(lines_of(name) + NEAR))
    def check(line: str) -> None:
        try:
            parse(line)
        except FormatError:
            return
        assert text in line

    check()


# Combined's fast path, which is tried before any beginning, needs a bracket before and after the time.
@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile(lines_of("apache_combined") + NEAR))
def test_combined_needs_its_brackets(line: str) -> None:
    if FAST(line) is not None:
        assert " [" in line
        assert '] "' in line


# The guess is really used: of lines of one kind, all but the first are tried by their own format only.
@pytest.mark.parametrize("name", ["logfmt", "haproxy", "nginx_error", "rfc5424", "elb", "s3_access"])
def test_guess(name: str) -> None:
    parse: Any = compile_auto(FormatOptions())
    line = next(line for line in sample_lines(name) if '] "' not in line)
    row = parse(line)
    parse._combined = parse._parse_any = None
    assert parse(line) == row
