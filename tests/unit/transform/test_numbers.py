"""Texts that become numbers, times and addresses: the right value or an error, whatever their length."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from streamtally.config.source import TrueClient
from streamtally.errors import EvaluationError
from streamtally.formats.wrappers.rewrite import anonymize_text
from streamtally.formats.wrappers.true_client import true_client_step
from streamtally.plan.coercions import coercion, to_field_value
from streamtally.plan.types import parse_type
from streamtally.times.iso import from_iso
from streamtally.times.parsing import RememberedTimes, compile_time_parser
from streamtally.transform.event_time import EventTimes

WRONG = object()
HUGE = 200_000

NUMBERS: list[tuple[str, Any, Any, Any]] = [  # text → as BIGINT, DOUBLE, DECIMAL(9,2)
    ("5", 5, 5.0, Decimal("5.00")),
    ("+5", 5, 5.0, Decimal("5.00")),
    ("-5", -5, -5.0, Decimal("-5.00")),
    (" 5\t", 5, 5.0, Decimal("5.00")),
    ("\x1f5\x1c", 5, 5.0, Decimal("5.00")),
    ("\x855\u2028", 5, 5.0, Decimal("5.00")),
    ("007", 7, 7.0, Decimal("7.00")),
    ("5.", WRONG, 5.0, Decimal("5.00")),
    (".5", WRONG, 0.5, Decimal("0.50")),
    ("5e1", WRONG, 50.0, Decimal("50.00")),
    ("1e999", WRONG, WRONG, WRONG),
    ("1e-999", WRONG, 0.0, WRONG),
    ("1_000", WRONG, WRONG, WRONG),
    ("\u0665", WRONG, WRONG, WRONG),
    ("\u00b2", WRONG, WRONG, WRONG),
    ("\uff15", WRONG, WRONG, WRONG),
    ("nan", WRONG, WRONG, WRONG),
    ("inf", WRONG, WRONG, WRONG),
    ("", WRONG, WRONG, WRONG),
    ("5\x00", WRONG, WRONG, WRONG),
    ("5 5", WRONG, WRONG, WRONG),
    (".", WRONG, WRONG, WRONG),
    ("9223372036854775807", 2**63 - 1, 9223372036854775807.0, WRONG),
    ("9223372036854775808", WRONG, 9223372036854775808.0, WRONG),
    ("0." + "0" * 323 + "5", WRONG, 5e-324, WRONG),
    ("1" + "0" * 308, WRONG, 1e308, WRONG),
    ("1" + "0" * 309, WRONG, WRONG, WRONG),
    ("1" * HUGE, WRONG, WRONG, WRONG),
    ("1" * HUGE + "x", WRONG, WRONG, WRONG),
    ("1." + "1" * HUGE + "x", WRONG, WRONG, WRONG),
    (" " * HUGE + "7" + "\x1f" * HUGE, 7, 7.0, Decimal("7.00")),
]


@pytest.mark.parametrize(("text", "integer", "double", "decimal"), NUMBERS, ids=range(len(NUMBERS)))
def test_numbers(text: str, integer: Any, double: Any, decimal: Any) -> None:
    for name, right in (("BIGINT", integer), ("DOUBLE", double), ("REAL", double), ("DECIMAL(9,2)", decimal)):
        coerce = coercion(parse_type(name))
        if right is WRONG:
            with pytest.raises(EvaluationError):
                coerce(text)
            if name != "DECIMAL(9,2)":
                assert to_field_value(name)(text) == text  # of a line: what does not fit stays the text it is
        else:
            value = coerce(text)
            assert (type(value), value) == (type(right), right)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1504860423", 1504860423),
        (" 1504860423\x1f", 1504860423),
        ("1504860423.5", 1504860423.5),
        ("1.504860423e9", 1504860423),
        (1504860423, 1504860423),
        (1504860423.25, 1504860423.25),
        ("1_504_860_423", WRONG),
        ("\u0661\u0665\u0660\u0664\u0668\u0666\u0660\u0664\u0662\u0663", WRONG),
        ("nan", WRONG),
        ("1e999.", WRONG),
        ("1.0e99999", WRONG),
        ("9" * 5000, WRONG),
        ("9" * HUGE + ".5", WRONG),
        (float("inf"), WRONG),
        (float("nan"), WRONG),
        ([1504860423], WRONG),
        ({"a": 1}, WRONG),
        (True, WRONG),
    ],
)
def test_unix_times(value: Any, seconds: Any) -> None:
    for name, factor in (("unix", 1000), ("unix_ms", 1)):
        read = EventTimes("time", name, UTC, {}).read
        if seconds is WRONG:
            with pytest.raises(EvaluationError):
                read({"time": value}, 0)
        else:
            assert read({"time": value}, 0) == int(seconds * factor)


# Digits of other scripts are no ISO 8601.
@pytest.mark.parametrize("text", ["\uff12\uff10\uff12\uff15-01-01", "2025-01-0\u0661", "2025-01-01\xa0Z"])
def test_iso_times_are_ascii(text: str) -> None:
    with pytest.raises(EvaluationError):
        from_iso(text)


# What is remembered of a log's texts is bounded in bytes too, not only in their number.
def test_long_texts_are_not_remembered() -> None:
    times = RememberedTimes(compile_time_parser("yyyy-MM-dd"))
    for number in range(10):
        assert times["2025-01-01" + "x" * 1000 + str(number)] == 1_735_689_600_000
    assert not times
    assert times["2025-01-01"] == 1_735_689_600_000
    assert list(times) == ["2025-01-01"]


def test_long_texts_are_no_addresses() -> None:
    long = "1" * HUGE
    assert anonymize_text(long) == long
    assert anonymize_text(f"198.51.100.7, {long},2001:db8::1") == f"198.51.100.0, {long},2001:db8::"
    step = true_client_step(TrueClient(forwarded="x_forwarded_for"))
    assert step({"host": "10.0.0.1", "x_forwarded_for": long})["host"] == "10.0.0.1"
