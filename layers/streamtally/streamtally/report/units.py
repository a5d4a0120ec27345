"""Sizes and times as people read them."""

from __future__ import annotations

from typing import Final

_SIZES: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_TIMES: Final = ((1_000_000, "s"), (1_000, "ms"), (1, "µs"))


def size_text(size: int) -> str:
    """``1234`` → ``1.23 kB``: three digits, in powers of 1,000."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size:,} B" if not unit else f"{_three_digits(value)} {_SIZES[unit]}"


def time_text(microseconds: int) -> str:
    """``12300`` → ``12.3 ms``: three digits."""
    if not microseconds:
        return "0 s"
    length, unit = next((length, unit) for length, unit in _TIMES if microseconds >= length)
    return f"{_three_digits(microseconds / length)} {unit}"


def _three_digits(value: float) -> str:
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text
