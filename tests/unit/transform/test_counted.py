"""Lines whose event times make no difference are added together: exactly as if each had been added by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamtally.plan.windowed import WindowedOutput
from streamtally.transform.pipeline import Pipeline
from streamtally.transform.window_writer import WindowWriter
from tests.examples import examples
from tests.unit.events import ARRIVAL, combined
from tests.unit.plan.test_time_use import EVENT, HOUR, ONE, call, greatest, key, steps_of, text
from tests.unit.transform.test_two_ways import both_ways

WEEK = 604_800_000
# Arrivals are at 08:47:03: of the minute a week before, and of the one an hour after, a part is believed.
DAYS = st.sampled_from(["08/Sep/2017", "08/Sep/2017", "01/Sep/2017", "31/Aug/2017", "31/Feb/2017", "1/Sep/2017"])
MINUTES = st.sampled_from(["08:47", "08:47", "08:46", "09:47", "09:48", "23:59", "24:00", "8:47"])
SECONDS = st.sampled_from(["00", "01", "02", "03", "04", "30", "58", "59", "60", "61", "٠١", "5", ""])
OFFSETS = st.sampled_from(["+0000", "+0000", "-0330", "+0001", "+2400", "Z", ""])
lines = st.builds(
    lambda day, minute, second, offset, status: combined(status, f"{day}:{minute}:{second} {offset}"),
    DAYS, MINUTES, SECONDS, OFFSETS, st.sampled_from([200, 200, 404, "-"]),
)  # fmt: skip
arrivals = st.lists(st.sampled_from([ARRIVAL, ARRIVAL + 500, ARRIVAL + WEEK, ARRIVAL - HOUR]), max_size=8)
CHANGES: dict[str, dict[str, Any]] = {
    "minutes": {},
    "a minute and a half": {"window_ms": 90_000},
    "seconds": {"window_ms": 1_000},
    "steps": {"window_ms": HOUR} | key(steps_of(90_000)),
    "months": key(call("floor_time", text("MONTH"), EVENT)),
    "minutes of the hour": {"window_ms": HOUR} | key(call("extract", text("MINUTE"), EVENT), "INTEGER"),
    "text": key({"column": "datetime"}, "VARCHAR"),
    "times": key(EVENT),
    "last time": greatest(EVENT),
    "sum": {"aggregates": [{"name": "a0", "function": "sum", "type": "BIGINT", "argument": {"column": "bytes"}}]},
    "nothing else": {"where": None} | key(ONE, "INTEGER"),
}  # fmt: skip
pipelines: dict[str, Pipeline] = {}


@pytest.mark.parametrize("name", CHANGES)
@given(data=st.lists(lines, max_size=12), times=arrivals)
@settings(max_examples=examples(60), deadline=None)
def test_added_together_is_added_one_by_one(
    with_changes: Callable[..., Pipeline], name: str, data: list[bytes], times: list[int]
) -> None:
    """Documents and ledger are the same, also at the edges of what is believed, for leap seconds, and by arrival."""
    if name not in pipelines:
        pipelines[name] = with_changes(output=CHANGES[name])
    at_once, one_by_one = both_ways(pipelines[name], data, times)
    assert at_once == one_by_one


@pytest.mark.parametrize("zone", ["Africa/Monrovia", "Asia/Kathmandu"])
@pytest.mark.parametrize("years", ["1950", "2017"])
def test_a_zone_may_be_apart_by_seconds(with_changes: Callable[..., Pipeline], zone: str, years: str) -> None:
    """Until 1972 the minutes of Monrovia were not those of UTC."""
    source = {"time_zone": zone, "time_format": "dd/MMM/yyyy:HH:mm:ss"}
    ages = {"max_past_seconds": 10**10, "max_ahead_seconds": 10**10}
    pipeline = with_changes(source=source, settings=ages)
    data = [combined(200, f"08/Sep/{years}:08:47:{second:02} +0000") for second in range(60)]
    at_once, one_by_one = both_ways(pipeline, data, [])
    assert at_once == one_by_one
    documents = [json.loads(document) for document in at_once[1]]
    is_apart = (zone, years) == ("Africa/Monrovia", "1950")
    assert sorted(document["statusCount"] for document in documents) == ([30, 30] if is_apart else [60])


# Otherwise an event over many minutes costs one evaluation for each second and status.
def test_a_minute_is_evaluated_once(default_pipeline: Pipeline) -> None:
    data = [
        combined(status, f"08/Sep/2017:08:4{second % 3}:{second:02} +0000")
        for second in range(60)
        for status in (200, 404)
    ]
    evaluated: list[int] = []
    add = WindowWriter._add

    def count(self: WindowWriter, *arguments: Any) -> int:
        evaluated.append(arguments[-1])
        return add(self, *arguments)

    with patch.object(WindowWriter, "_add", count):
        at_once, _ = both_ways(default_pipeline, data, [])
    assert evaluated.count(20) >= 6
    output = default_pipeline.output("DESTINATION_SQL_STREAM")
    assert isinstance(output, WindowedOutput)
    assert len(at_once[1]) == 6
