"""Giving an evaluated value another type: CAST, and a column's declared type.

Text is cut to the length of its VARCHAR; a number or a time whose text is too long for it is an error (Kinesis
Analytics' SQL Reference, CAST). Numbers become integers by truncation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.types import FLOATS, INTEGER_BITS, SqlType, coercion, to_decimal
from streamtally.times.iso import MS_PER_DAY
from streamtally.times.writing import compile_time_formatter

Cast = Callable[[Any], Any]
"""A value that is not None → a value of the type. Raises EvaluationError."""

_TIME_TEXT = {
    "TIMESTAMP": compile_time_formatter("yyyy-MM-dd HH:mm:ss.SSS"),
    "TIME": compile_time_formatter("HH:mm:ss"),
}


def compile_cast(of: SqlType, to: SqlType) -> Cast | None:
    """How a value of one type becomes one of the other; None where it already is.

    Raises: PlanError: there is no such cast.
    """
    if of == to or (of.name == to.name and (to.length is None or to.name in FLOATS)):
        return None
    if to.name == "VARCHAR" and of.name == "VARCHAR" and None not in (of.length, to.length) and _shorter(of, to):
        return None
    if to.is_text:
        return _text_cast(of, to)
    if of.is_text:
        coerce = coercion(to)
        return lambda text: coerce(text.strip() if isinstance(text, str) else text)
    if to.is_number and (of.is_number or of.name == "BOOLEAN"):
        return _number_cast(of, to)
    if of.name == "TIMESTAMP" and to.name in ("DATE", "TIME"):
        return (lambda ms: ms // MS_PER_DAY) if to.name == "DATE" else (lambda ms: ms % MS_PER_DAY)
    if of.name == "DATE" and to.name == "TIMESTAMP":
        return lambda days: days * MS_PER_DAY
    raise PlanError(f"there is no cast from {of} to {to}")


def _shorter(of: SqlType, to: SqlType) -> bool:
    return (of.length or 0) <= (to.length or 0)


def _number_cast(of: SqlType, to: SqlType) -> Cast | None:
    if to.is_integer:
        if of.is_integer and INTEGER_BITS[of.name] <= INTEGER_BITS[to.name]:
            return None
        return _integer_cast(to)
    if to.name == "DECIMAL":
        return lambda number: to_decimal(number, to, rounded=True)
    return _float


def _integer_cast(to: SqlType) -> Cast:
    smallest, largest = to.integer_range

    def cast(number: int | float | Decimal) -> int:
        whole = int(number)
        if not smallest <= whole <= largest:
            raise EvaluationError(f"out of range for {to}")
        return whole

    return cast


def _float(number: int | float | Decimal) -> float:
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise EvaluationError("out of range for DOUBLE")
    return result


def _text_cast(of: SqlType, to: SqlType) -> Cast:
    length = to.length
    if to.name == "CHAR" and length is not None:  # CHAR is filled up with blanks
        write_char = value_to_text(of) if not of.is_text else str
        return lambda value: fill_char(write_char(value), length, of.is_text)
    if of.is_text:
        return (lambda text: text[:length]) if length is not None else (lambda text: text)
    write = value_to_text(of)

    def cast(value: Any) -> str:
        text = write(value)
        if length is not None and len(text) > length:
            raise EvaluationError(f"too long for {to}")
        return text

    return cast


def fill_char(text: str, length: int, may_cut: bool = True) -> str:
    """Text as CHAR(length): cut, or filled up with blanks. Raises: EvaluationError: too long, and not to be cut."""
    if len(text) > length and not may_cut:
        raise EvaluationError(f"too long for CHAR({length})")
    return text[:length].ljust(length)


def value_to_text(of: SqlType) -> Callable[[Any], str]:
    """How a value of the type is written as text."""
    if of.name in _TIME_TEXT:
        return _TIME_TEXT[of.name]
    if of.name == "DATE":
        write = compile_time_formatter("yyyy-MM-dd")
        return lambda days: write(days * MS_PER_DAY)
    if of.name == "BOOLEAN":
        return lambda value: "TRUE" if value else "FALSE"
    return str
