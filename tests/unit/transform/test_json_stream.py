"""JSON objects one after another, in every arrangement that producers send: rows, or kept with their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from streamtally.config.source import check_source, source_settings
from streamtally.errors import SettingsError
from streamtally.transform.json_stream import MIN_MEAN_CHARS, split_values
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.records import decode_records
from streamtally.transform.reingest import Reingestion, to_single_lines
from streamtally.transform.transform import transform
from tests.endless import must_end
from tests.unit.events import ARRIVAL, combined, documents, records_of, run

TIME = "08/Sep/2017:08:47:00 +0000"
A = json.dumps({"response": 200, "datetime": TIME, "path": "/a}{b", "nested": {"list": [{"x": 1}, {"y": "\\n"}]}})
B = json.dumps({"response": 404, "datetime": TIME, "agent": 'say "hi"\n'})
PRETTY_A, PRETTY_B = (json.dumps(json.loads(text), indent=2) for text in (A, B))
LF = "\\n"  # API Gateway's mapping templates leave it behind the object

ARRANGEMENTS = {
    "a line each": f"{A}\n{B}\n",
    "one line": f"{A}{B}",
    "one line, with a line end": f"{A}{B}\n",
    "with a space between them": f"{A} {B}",
    "with a comma between them": f"{A},{B}",
    "with commas at line ends": f"{A},\n{B},\n",
    "a literal backslash n behind each": f"{A}{LF}{B}{LF}",
    "that, and a line end": f"{A}{LF}\n{B}{LF}\n",
    "a literal \\r\\n behind each": f"{A}\\r\\n{B}\\r\\n",
    "an array": f"[{A},{B}]",
    "an array with spaces": f"[ {A} , {B} ]\n",
    "an array over several lines": f"[\n{A},\n{B}\n]\n",
    "a pretty array": json.dumps([json.loads(A), json.loads(B)], indent=4),
    "two arrays": f"[{A}][{B}]",
    "an array a line": f"[{A}]\n[{B}]\n",
    "each over several lines": f"{PRETTY_A}\n{PRETTY_B}\n",
    "each over several lines, joined": f"{PRETTY_A}{PRETTY_B}",
    "the second one over several lines": f"{A}\n{PRETTY_B}\n",
    "with Windows' line ends": f"{PRETTY_A}\n{PRETTY_B}\n".replace("\n", "\r\n"),
    "a JSON text sequence": f"\x1e{A}\n\x1e{B}\n",
    "a JSON text sequence without line ends": f"\x1e{A}\x1e{B}",
    "a pretty JSON text sequence": f"\x1e{PRETTY_A}\n\x1e{PRETTY_B}\n",
    "a byte order mark first": f"\ufeff{A}{B}",
    "white space first": f"\n  \t{A}{B}",
}


@pytest.mark.parametrize("name", ARRANGEMENTS)
@pytest.mark.parametrize("source", [{}, {"format": "json"}, {"json": "stream"}, {"format": "json", "json": "stream"}])
def test_each_object_is_a_row(with_changes: Callable[..., Pipeline], name: str, source: dict[str, Any]) -> None:
    """Whether a format is named or found; in S3 each is on a line of its own."""
    outcome = run(with_changes(source=source), [ARRANGEMENTS[name].encode()])
    assert outcome.responses[0].result == "Ok"
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (2, 0)
    assert [json.loads(line) for line in outcome.responses[0].data.splitlines()] == [json.loads(A), json.loads(B)]
    assert sorted(document["status"] for document in documents(outcome)) == [200, 404]


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_each_row_has_an_id_of_its_own(rows_pipeline: Pipeline, name: str) -> None:
    """Beside the rows of another record."""
    outcome = run(rows_pipeline, [ARRANGEMENTS[name].encode(), f"{A}\n{B}\n".encode()])
    assert len({document["tally"]["row_id"] for document in documents(outcome)}) == 4


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_single_documents(with_changes: Callable[..., Pipeline], name: str) -> None:
    """With framing single each object becomes a record of its own."""
    pipeline = with_changes(source={"framing": "single"})
    (record,) = decode_records(records_of([ARRANGEMENTS[name].encode()]), ARRIVAL)
    parts = to_single_lines(record, Reingestion(pipeline.source))
    assert run(pipeline, [ARRANGEMENTS[name].encode()]).responses[0].result == "ProcessingFailed"
    outcome = transform(pipeline, decode_records(records_of(parts), ARRIVAL))
    assert [json.loads(response.data) for response in outcome.responses] == [json.loads(A), json.loads(B)]


@pytest.mark.parametrize(
    ("text", "auto", "stream"),
    [
        pytest.param(f'{A}{{"broken": ', 0, 1, id="the last one is cut off"),
        pytest.param(f"{A}{B}]", 0, 2, id="a bracket that closes nothing"),
        pytest.param(f"[{A},{B}, x", 0, 2, id="an array that is not closed"),
        pytest.param(f"[{A}, 5]", 0, 1, id="an array of something else too"),
        pytest.param(f"{A} and {B}", 0, 1, id="words between them"),
        pytest.param(f"nothing\n{A}{B}\n", 2, 2, id="a line before them"),
        pytest.param(f"{A}\nnothing\n{B}\n", 2, 2, id="a line between them"),
        pytest.param(f"{A}\n{{'single': 'quotes'}}\n{B}\n", 2, 2, id="what only looks like JSON between them"),
        pytest.param(json.dumps(A), 0, 0, id="JSON in quotes, with escapes"),
        pytest.param(f"[[{A}]]", 0, 0, id="an array in an array"),
        pytest.param("[1, 2]", 0, 0, id="an array of numbers"),
        pytest.param(f'{A}{{"n": NaN}}', 1, 1, id="a number that is none"),
    ],
)
def test_what_is_no_object_is_unparsed(
    with_changes: Callable[..., Pipeline], text: str, auto: int, stream: int
) -> None:
    """Its text is kept; with json = "stream" the objects around it are rows."""
    for source, rows in (({}, auto), ({"json": "stream"}, stream)):
        outcome = run(with_changes(source=source), [text.encode(), combined()])
        assert outcome.ledger.rows == rows + 1
        assert outcome.ledger.unparsed >= 1
        assert outcome.ledger.imbalance() == []
        response = outcome.responses[0]
        assert response.result == ("Ok" if rows else "ProcessingFailed")
        if rows:
            lines = [json.loads(line) for line in response.data.splitlines()]
            kept = "".join(line.get("unparsed", json.dumps(line)) for line in lines)
            letters = [letter for letter in text if letter.isalnum()]
            assert sorted(letter for letter in kept if letter.isalnum()) == sorted(letters)


def test_other_lines_are_read_in_a_stream(with_changes: Callable[..., Pipeline]) -> None:
    """A stream of objects with access lines between them, in auto."""
    outcome = run(with_changes(source={"json": "stream"}), [f"{A}{B}\n".encode() + combined() + PRETTY_A.encode()])
    assert (outcome.ledger.rows, outcome.ledger.unparsed) == (4, 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":' * 200_000, id="nesting"),
        pytest.param("[{" * 500_000, id="arrays that never end"),
        pytest.param(('["' + "a" * 500 + '",\n') * 2_000, id="an array of arrays, a line each"),
        pytest.param(('{"a":["' + "a" * 300 + '",\n') * 800, id="objects in objects, a line each"),
        pytest.param("{}" * 500_000, id="half a million empty objects"),
        pytest.param("}{" * 500_000, id="half a million turned around"),
        pytest.param("[" * 1_000_000, id="brackets"),
        pytest.param("\x1e" * 1_000_000 + "{", id="separators"),
        pytest.param('{"a":"' + "\\" * 999_999, id="a text that never ends"),
        pytest.param('{"a":1}, ' * 100_000 + "x", id="many, then something else"),
    ],
)
def test_hostile_text_takes_linear_time(with_changes: Callable[..., Pipeline], text: str) -> None:
    """And is kept; another record is counted."""
    for source in ({}, {"json": "stream"}):
        pipeline = with_changes(source=source)
        with must_end():
            outcome = run(pipeline, [text.encode(), combined()])
        assert outcome.responses[1].result == "Ok"
        assert outcome.ledger.imbalance() == []


def test_ids_are_those_of_the_line_on_which_an_object_begins(rows_pipeline: Pipeline) -> None:
    """So a line has the same id whether there are empty lines before it, or an object over several lines."""
    texts = f"\n\n\n\n{B}\n", '{\n"response":\n200\n}\n' + f"{B}\n"
    outcomes = [documents(run(rows_pipeline, [text.encode()])) for text in texts]
    plain, mixed = ({row["response"]: row["tally"]["row_id"] for row in outcome} for outcome in outcomes)
    assert plain[404] == mixed[404]
    assert len(set(mixed.values())) == 2


def test_many_small_objects_are_no_rows() -> None:
    """Each row costs far more than its text; a mean of forty characters is enough."""
    assert split_values("{}" * 1_000) == ["{}"] * 1_000
    assert split_values("{}" * 1_002) is None
    large = '{"a":"' + "x" * (MIN_MEAN_CHARS - 7) + '"}'
    assert split_values(large * 5_000) == [large] * 5_000
    assert split_values("{}" * 1_002, keep_broken=True) == ["{}"] * 1_001 + ["{}"]


def test_the_setting_needs_a_format_that_reads_json() -> None:
    """One line says which."""
    settings = source_settings({"format": "apache_combined", "json": "stream"})
    with pytest.raises(SettingsError, match='json = "stream" needs format = "json" or "auto", or line_field'):
        check_source(settings, True)
    check_source(source_settings({"format": "apache_combined", "json": "stream", "line_field": "log"}), True)
