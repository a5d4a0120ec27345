"""Names from times, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamtally.config.outputs import Rotation
from streamtally.errors import SettingsError
from streamtally.indices.names import parse_index_name, parse_suffix, to_suffix
from streamtally.indices.spec import IndexSpec, PlanOutput, check_names

DATED: tuple[Rotation, ...] = ("hour", "day", "week", "month")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# Firehose's own example, and the turns of years: weeks start on Sunday, week 1 is the first with a Saturday in it.
@pytest.mark.parametrize(
    ("rotation", "time", "suffix"),
    [
        ("hour", "2016-02-25T13:00", "2016-02-25-13"),
        ("day", "2016-02-25T13:00", "2016-02-25"),
        ("week", "2016-02-25T13:00", "2016-w09"),
        ("week", "2016-02-18T13:00", "2016-w08"),
        ("month", "2016-02-25T13:00", "2016-02"),
        ("week", "2016-01-01T00:00", "2016-w01"),  # a Friday: its week ends on Saturday the 2nd
        ("week", "2016-12-31T23:59", "2016-w53"),  # itself a Saturday
        ("week", "2017-01-01T00:00", "2017-w01"),  # a Sunday: a week begins
        ("week", "2018-12-30T00:00", "2019-w01"),  # a Sunday whose Saturday is in the new year
        ("week", "2018-12-29T23:59", "2018-w52"),
    ],
)
def test_suffix(rotation: Rotation, time: str, suffix: str) -> None:
    assert to_suffix(rotation, ms(time)) == suffix


# Any time lies in the period that its own name says, and all times of the period have that name.
@given(st.integers(min_value=0, max_value=4_102_444_800_000), st.sampled_from(DATED))
def test_period_holds_its_times(at: int, rotation: Rotation) -> None:
    suffix = to_suffix(rotation, at)

    period = parse_suffix(suffix)

    assert period is not None
    assert period.rotation == rotation
    assert period.start_ms <= at < period.end_ms
    assert to_suffix(rotation, period.start_ms) == to_suffix(rotation, period.end_ms - 1) == suffix
    assert to_suffix(rotation, period.end_ms) != suffix


# Periods of one rotation follow each other without a gap.
@pytest.mark.parametrize("rotation", DATED)
def test_periods_are_adjacent(rotation: Rotation) -> None:
    at = ms("2015-11-20T00:00")
    for _ in range(400):
        period = parse_suffix(to_suffix(rotation, at))
        assert period is not None
        assert period.start_ms == at or at == ms("2015-11-20T00:00")
        at = period.end_ms


# A name without a valid date is not the pipeline's, and such indices are never touched.
@pytest.mark.parametrize(
    "name",
    [
        "request_data-2016-02-30",
        "request_data-2016-w00",
        "request_data-2016-w54",
        "request_data-2016-13",
        "request_data-2016-02-25-24",
        "request_data-2016-02-25-13-00",
        "request_data-2016",
        "request_data-old",
        "request_data2-2016-02-25",
        "my-request_data-2016-02-25",
        "partials-request_data-2016-02",
        "partials-request_data-2016-02-25-13",
        "late-request_data-2016-02-25",
        "request_data-00001",
        "request_data-write",
        "request_data-2016-02-25-reindexed",
        "",
    ],
)
def test_other_names_are_not_ours(name: str) -> None:
    assert parse_index_name(name, "request_data") is None


# All that is ours, made by this project or by Firehose's own rotation before it.
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("request_data", "view"),
        ("request_data-2016-02-25-13", "output"),
        ("request_data-2016-02-25", "output"),
        ("request_data-2016-w08", "output"),
        ("request_data-2016-02", "output"),
        ("request_data-000001", "output"),
        ("partials-request_data-2016-02-25", "partials"),
        ("late-request_data-2016-02", "late"),
    ],
)
def test_own_names(name: str, kind: str) -> None:
    parsed = parse_index_name(name, "request_data")

    assert parsed is not None
    assert parsed.kind == kind


def spec(name: str, index: str) -> IndexSpec:
    return IndexSpec(name, index, "stream", (PlanOutput(name, "windowed", 60_000),), ())


# Two outputs of which one's pattern matches the other's names are refused, and both are named.
@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("a", "a-2x"), ("a-2016-01", "a"), ("logs", "logs-0ld")])
def test_overlapping_outputs(one: str, other: str) -> None:
    with pytest.raises(SettingsError, match=r"FIRST.*SECOND|SECOND.*FIRST"):
        check_names([spec("FIRST", one), spec("SECOND", other)])


# Names that OpenSearch refuses, or that look like Streamtally's own, are refused before anything is deployed.
@pytest.mark.parametrize("index", ["Upper", "partials-x", "inbox-x", "late-x", "streamtally-x", "_x", "a b", "", "a*"])
def test_refused_names(index: str) -> None:
    with pytest.raises(SettingsError, match="FIRST"):
        check_names([spec("FIRST", index)])


# Neighbours that do not overlap are fine.
def test_names_beside_each_other() -> None:
    check_names([spec("FIRST", "request_data"), spec("SECOND", "request_data2"), spec("THIRD", "request_data-by-host")])
    assert parse_index_name("request_data-by-host-2016-02-25", "request_data") is None


# A week's period is seven days from a Sunday.
def test_week_is_seven_days() -> None:
    period = parse_suffix("2016-w08")

    assert period is not None
    start = datetime.fromtimestamp(period.start_ms / 1000, UTC)
    assert start == datetime(2016, 2, 14, tzinfo=UTC)
    assert period.end_ms - period.start_ms == timedelta(days=7) / timedelta(milliseconds=1)
