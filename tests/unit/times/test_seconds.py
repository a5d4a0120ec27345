"""Texts of one minute differ by their seconds alone, whatever they parse to."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamtally.errors import EvaluationError
from streamtally.times.log_times import compile_log_time
from streamtally.times.seconds import seconds_at
from tests.examples import examples

CLF = "dd/MMM/yyyy:HH:mm:ss Z"
TEXTS = {
    CLF: "08/Sep/2017:08:47:33 +0000",
    "yyyy-MM-dd HH:mm:ss": "2017-09-08 08:47:33",
    "iso8601": "2017-09-08T08:47:33.123456Z",
}


@pytest.mark.parametrize(
    ("time_format", "place"),
    [
        (CLF, (18, 26)),
        ("yyyy-MM-dd HH:mm:ss", (17, 19)),
        ("iso8601", (17, 0)),
        ("dd/MMM/yyyy:HH:mm:ss.SSS", None),
        ("d/MMM/yyyy:HH:mm:ss Z", None),
        ("dd/MMM/yyyy:HH:mm", None),
        ("unix", None),
        ("auto", None),
        ("syslog", None),
        ("apache_error", None),
        ("strftime:%d/%b/%Y:%H:%M:%S %z", None),
    ],
)
def test_where_formats_have_their_seconds(time_format: str, place: tuple[int, int] | None) -> None:
    assert seconds_at(time_format) == place


@pytest.mark.parametrize(
    ("time_format", "text", "split"),
    [
        (CLF, "08/Sep/2017:08:47:33 -0330", ("08/Sep/2017:08:47: -0330", 33)),
        (CLF, "08/Sep/2017:08:47:60 +0000", None),
        (CLF, "08/Sep/2017:08:47:3 +0000", None),
        (CLF, "08/Sep/2017:08:47:٣٣ +0000", None),
        ("iso8601", "2017-09-08T08:47:33Z", ("2017-09-08T08:47:", 33)),
        ("iso8601", "2017-09-08T08:47:59.999999999Z", ("2017-09-08T08:47:", 59)),
        ("iso8601", "2017-09-08T08:47:33.0000000000Z", None),
        ("iso8601", "2017-09-08T08:47:33", None),
        ("iso8601", "2017-09-08T08:47:33+01:00", None),
        ("iso8601", "   2017-09-08T08:47Z", None),
        ("iso8601", "2017-09-08 08:47:33Z", None),
    ],
)
def test_texts_are_split_at_their_seconds(time_format: str, text: str, split: tuple[str, int] | None) -> None:
    places = seconds_at(time_format)
    assert places is not None
    assert places.split(text) == split


@pytest.mark.parametrize("time_format", TEXTS)
@given(st.data())
@example(None)
@settings(max_examples=examples(200), deadline=None)
def test_texts_of_a_minute_parse_alike(time_format: str, data: st.DataObject | None) -> None:
    """Two texts with the same minute are the same time but for their seconds, or fail in the same way."""
    text, places, parse = TEXTS[time_format], seconds_at(time_format), compile_log_time(time_format, UTC)
    assert places is not None
    if data is not None:
        changes = st.lists(
            st.tuples(st.integers(0, len(text) - 1), st.sampled_from("0123456789:.Z+- T/SePé")), max_size=3
        )
        for position, character in data.draw(changes):
            text = text[:position] + character + text[position + 1 :]
    split = places.split(text)
    if split is None:
        return
    at, seconds = places.position, split[1]
    results = []
    for other in (seconds, 0, 30, 59):
        changed = f"{text[:at]}{other:02}{text[at + 2 :]}"
        assert places.split(changed) == (split[0], other)
        try:
            results.append(str(parse(changed, 0) - other * 1000))
        except EvaluationError as error:
            results.append(str(error))
    assert len(set(results)) == 1
