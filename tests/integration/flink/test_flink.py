"""Flink's planner accepts every generated program, and a local cluster gives the rows that the functions give."""

from __future__ import annotations

import pytest

from streamtally.plan.types import parse_type
from tests.integration.flink.conftest import DRAWN, RUN, Session
from tests.integration.flink.counts import COUNTS
from tests.integration.flink.rows import Expected, comparable, expected_of, read_sink, sort_key
from tests.unit.sql.flink.programs import FLINK_PAIRS

pytestmark = [pytest.mark.large, pytest.mark.xdist_group("flink")]

PAIRS = sorted(path.stem for path in FLINK_PAIRS.glob("*.sql"))


@pytest.mark.parametrize("name", [*PAIRS, *(f"drawn_{number}" for number in range(DRAWN))])
def test_flink_plans_the_program_and_gives_equal_rows(flink: Session, name: str) -> None:
    assert flink.result["planned"][name] is None
    if name in RUN or name.startswith(("drawn_", "flink_")):
        assert flink.job_error(name) is None
        assert_equal_rows(flink, name)


# Each program that runs on Flink only is counted by hand.
def test_each_program_for_flink_only_has_a_count() -> None:
    assert {name for name in PAIRS if name.startswith("flink_")} == COUNTS.keys()


def assert_equal_rows(flink: Session, name: str) -> None:
    if name in COUNTS:
        stream, count = COUNTS[name]
        expected = Expected({stream: list(count(flink.rows[name]))})
        assert expected.documents[stream]
    else:
        expected = expected_of(flink.texts[name], flink.rows[name])
    for stream, documents in expected.documents.items():
        node = next(node for node in flink.programs[name].nodes if node.get("stream", node["name"]) == stream)
        types = {column["name"]: parse_type(column["type"]) for column in node["columns"]}
        theirs = [comparable(row, types) for row in read_sink(flink.sinks / name / stream)]
        ours = [comparable(row, types) for row in documents]
        assert sorted(theirs, key=sort_key) == sorted(ours, key=sort_key)
    if name not in COUNTS:
        assert len(read_sink(flink.sinks / name / "error_stream")) == expected.failed


def test_enough_programs_ran() -> None:
    assert set(PAIRS) >= RUN
    assert len(RUN) >= 25
    assert {"tutorial_counts", "tutorial_rows"} <= RUN


# The comparison is of many rows, and not only of good ones.
def test_rows_were_compared_and_some_failed(flink: Session) -> None:
    expected = [expected_of(flink.texts[name], flink.rows[name]) for name in sorted(RUN)]
    assert sum(len(rows) for one in expected for rows in one.documents.values()) > 1_000
    assert sum(one.failed for one in expected) > 100
