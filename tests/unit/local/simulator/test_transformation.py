"""One simulated invocation: what JSON would do to event and answer, done in less time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.local.simulator.parts import StoredRecord
from streamtally.local.simulator.transformation import MAX_PAYLOAD_BYTES, invoke, make_event

TEXTS = st.text() | st.sampled_from(["Ok", "Dropped", "aGk=", "a,b:c", "\x7f", "\ud800", "é"])
VALUES = TEXTS | st.none() | st.booleans() | st.integers() | st.lists(st.integers(), max_size=2)
PLAIN = st.fixed_dictionaries({"recordId": TEXTS, "result": TEXTS, "data": TEXTS})
ANSWERED = PLAIN | st.dictionaries(TEXTS, VALUES, max_size=4)
EVENT = make_event("invocation", "arn", [StoredRecord("1", 2, b"three"), StoredRecord("4", 5, b"")])


# Whatever a function answers, its caller reads what JSON makes of it.
@given(st.lists(ANSWERED, max_size=4))
def test_answers_are_read_as_json(records: list[dict[str, Any]]) -> None:
    answers, error = invoke(lambda _: {"records": records}, EVENT)
    assert (answers, error) == (json.loads(json.dumps(records)), ("", ""))


# The limit is held to the bytes that the runtime writes, to the last one, whichever way they are counted.
@given(st.lists(PLAIN, min_size=1, max_size=4), st.integers(-40, 40))
@pytest.mark.large
def test_the_limit_is_of_the_written_answer(records: list[dict[str, Any]], beyond: int) -> None:
    room = MAX_PAYLOAD_BYTES - len(json.dumps({"records": records}))
    records[-1]["data"] += "x" * (room + beyond)
    answers, error = invoke(lambda _: {"records": records}, EVENT)
    assert (answers is None, "exceeds the maximum" in error[1]) == (beyond > 0, beyond > 0)


# What a function does to its event is its own: the next try has the same records.
def test_a_function_may_change_its_event() -> None:
    def vandal(event: dict[str, Any]) -> Any:
        seen.append(json.dumps(event))
        event["records"][0]["data"] = "gone"
        event["records"].clear()
        raise ValueError

    seen: list[str] = []
    assert [invoke(vandal, EVENT)[0] for _ in range(2)] == [None, None]
    assert seen == [json.dumps(EVENT)] * 2
