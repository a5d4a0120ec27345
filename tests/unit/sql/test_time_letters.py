"""SimpleDateFormat's letters, written and read, checked against Java's documentation and a calendar."""

from __future__ import annotations

import pytest

from streamtally.errors import EvaluationError
from streamtally.times.iso import from_iso
from streamtally.times.parsing import compile_time_parser
from streamtally.times.writing import compile_time_formatter

WRITTEN = [
    ("2017-09-08T15:04:05.678Z", "G yyyy yy M MM MMM MMMM d dd", "AD 2017 17 9 09 Sep September 8 08"),
    ("2017-09-08T15:04:05.678Z", "H k K h a m s S SSS", "15 15 3 3 PM 4 5 678 678"),
    ("2017-09-08T00:04:05.007Z", "H k K h a S SSS", "0 24 0 12 AM 7 007"),
    ("2017-09-08T15:04:05.678Z", "E EEEE u D F", "Fri Friday 5 251 2"),
    # September 2017 begins on a Friday, so the 8th is in the month's second week; the year's first week has 7 days.
    ("2017-09-08T15:04:05.678Z", "W w Y", "2 36 2017"),
    ("2017-12-31T00:00:00.000Z", "w Y yyyy", "1 2018 2017"),
    ("2016-12-31T00:00:00.000Z", "w Y", "53 2016"),
    ("2017-01-01T00:00:00.000Z", "w W F u", "1 1 1 7"),
    ("2017-09-08T15:04:05.678Z", "z Z X '' 'at'", "UTC +0000 Z ' at"),
]


# Each letter as SimpleDateFormat (US) writes it.
@pytest.mark.parametrize("moment, pattern, text", WRITTEN)
def test_letters_are_written(moment: str, pattern: str, text: str) -> None:
    assert compile_time_formatter(pattern)(from_iso(moment)) == text


READ = [
    ("yyyy-DDD", "2017-251", "2017-09-08T00:00:00Z"),
    ("Y w E", "2017 36 Fri", "2017-09-08T00:00:00Z"),
    ("Y-w-u HH:mm", "2017-36-5 15:04", "2017-09-08T15:04:00Z"),
    ("Y w", "2018 1", "2017-12-31T00:00:00Z"),
    ("yyyy MM W u", "2017 09 2 5", "2017-09-08T00:00:00Z"),
    ("yyyy MM F E", "2017 09 2 Friday", "2017-09-08T00:00:00Z"),
    ("G yyyy", "AD 2017", "2017-01-01T00:00:00Z"),
    ("yyyy-MM-dd kk:mm", "2017-09-08 24:30", "2017-09-08T00:30:00Z"),
    ("hh:mm a, d MMM yy", "03:04 pm, 8 Sep 17", "2017-09-08T15:04:00Z"),
    ("yyyyMMddHHmmssX", "20170908150405+02", "2017-09-08T13:04:05Z"),
]


# Each letter as it is read; missing fields are those of 1970-01-01 00:00:00.0.
@pytest.mark.parametrize("pattern, text, moment", READ)
def test_letters_are_read(pattern: str, text: str, moment: str) -> None:
    assert compile_time_parser(pattern)(text) == from_iso(moment)


# Out of range for its letter: no result, as the reference says, and not a later day, as in lenient Java.
@pytest.mark.parametrize(
    "pattern, text",
    [("Y w", "2017 54"), ("u w", "8 1"), ("MM W", "01 7"), ("MM F", "01 6"), ("G y", "BC 5"), ("k", "25")],
)
def test_letter_out_of_range(pattern: str, text: str) -> None:
    with pytest.raises(EvaluationError):
        compile_time_parser(pattern)(text)
