"""``line_field``: log lines inside JSON lines, as Fluent Bit and Docker write them, count as the lines do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.errors import SettingsError
from tests.unit.formats.test_in_pipeline import counts, lines_of, run

LINES = Path("tests/samples/nginx-combined.log").read_text(encoding="utf-8").splitlines()
LINE = '192.0.2.7 - - [22/Nov/2025:21:21:41 +0000] "GET /\\x22 HTTP/1.1" 404 512 "-" "a \\"b\\" ü"'


def fluent_bit(line: str, **more: object) -> bytes:
    """A record as Fluent Bit's output writes it without log_key."""
    return json.dumps({"log": line, **more}, ensure_ascii=False).encode() + b"\n"


def test_lines_in_json_are_the_lines() -> None:
    """Whole samples of a real server: rows, counts and the ledger are those of the raw lines."""
    raw = run({}, *(f"{line}\n".encode() for line in LINES))
    wrapped = run({"line_field": "log"}, *map(fluent_bit, LINES))
    assert [row for row in lines_of(wrapped) if "unparsed" not in row] == [
        row for row in lines_of(raw) if "unparsed" not in row
    ]
    assert counts(wrapped) == counts(raw)
    assert wrapped.ledger == raw.ledger
    assert len(counts(raw)) > 10


def test_what_else_the_json_says_stays_behind_the_lines_own_fields() -> None:
    """A container's name is not lost and replaces no column; Docker's line end does not belong to the line."""
    outcome = run({"line_field": "log"}, fluent_bit(LINE + "\n", stream="stdout", host="a container"))
    (row,) = lines_of(outcome)
    assert (row["host"], row["response"], row["stream"]) == ("192.0.2.7", 404, "stdout")
    assert "log" not in row
    assert sum(counts(outcome).values()) == 1


def test_other_lines_are_read_as_they_are() -> None:
    """Raw lines, the agent's JSON, several lines in one text, no text: none is lost or counted twice."""
    payload = b"\n".join(
        [
            LINE.encode(),
            b'{"response": "200", "datetime": "22/Nov/2025:21:21:41 +0000"}',
            fluent_bit(f"{LINE}\n{LINE}").rstrip(),
            fluent_bit("").rstrip(),
            b'{"log": 7}',
            fluent_bit(LINE).rstrip(),
            b'{"log": "cut off',
        ]
    )
    outcome = run({"line_field": "log"}, payload)
    assert (outcome.ledger.lines, outcome.ledger.rows, outcome.ledger.unparsed) == (7, 6, 1)
    assert sorted(status for _, status in counts(outcome)) == [200, 404]
    assert sum(counts(outcome).values()) == 3
    assert outcome.ledger.imbalance() == []


def test_a_line_in_json_that_does_not_parse_is_kept_with_its_json() -> None:
    """Raw in Firehose's error prefix, where redrive finds it."""
    outcome = run({"line_field": "log", "format": "apache_combined"}, fluent_bit("no log line", tag="x"))
    assert [result.result for result in outcome.responses] == ["ProcessingFailed"]
    assert outcome.ledger.unparsed == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_stands_in_it_each_json_line_is_one_line(text: str) -> None:
    """The ledger adds up, and a response has as many lines as were received."""
    outcome = run({"line_field": "log"}, json.dumps({"log": text}).encode() + b"\n")
    assert (outcome.ledger.lines, outcome.ledger.imbalance()) == (1, [])


@pytest.mark.parametrize("name", ["", 7, ["log"]])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    """The error has the setting's name."""
    with pytest.raises(SettingsError, match=r"\[source\] line_field = .*: expected text that is not empty"):
        run({"line_field": name}, b"x\n")
