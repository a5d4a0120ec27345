"""Conversion of evaluated values to another type: CAST, and the declared type of a column.

Text is cut to the length of the VARCHAR; a number or time whose text is too long is an error (Kinesis Analytics' SQL
Reference, CAST). Numbers are truncated to integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from streamtally.errors import EvaluationError, PlanError
from streamtally.plan.coercions import coercion, to_decimal
from streamtally.plan.types import FLOATS, INTEGER_BITS, SqlType
from streamtally.times.iso import MS_PER_DAY
from streamtally.times.writing import compile_time_formatter

Cast = Callable[[Any], Any]
"""Value that is not None → value of the type. Raises EvaluationError."""

_TIME_TEXT = {
    "TIMESTAMP": compile_time_formatter("yyyy-MM-dd HH:mm:ss.SSS"),
    "TIME": compile_time_formatter("HH:mm:ss"),
}


def compile_cast(source: SqlType, to: SqlType) -> Cast | None:
    """The function that converts a value of one type to the other; None if no conversion is needed.

    Raises: PlanError: there is no such cast.
    """
    if source == to or (source.name == to.name and (to.length is None or to.name in FLOATS)):
        return None
    if source.name == to.name == "VARCHAR" and source.length is not None and source.length <= (to.length or 0):
        return None
    if to.is_text:
        return _text_cast(source, to)
    if source.is_text:
        coerce = coercion(to)
        return lambda text: coerce(text.strip() if isinstance(text, str) else text)
    if to.is_number and (source.is_number or source.name == "BOOLEAN"):
        return _number_cast(source, to)
    if source.name == "TIMESTAMP" and to.name in ("DATE", "TIME"):
        return (lambda ms: ms // MS_PER_DAY) if to.name == "DATE" else (lambda ms: ms % MS_PER_DAY)
    if source.name == "DATE" and to.name == "TIMESTAMP":
        return lambda days: days * MS_PER_DAY
    raise PlanError(f"there is no cast from {source} to {to}")


def _number_cast(source: SqlType, to: SqlType) -> Cast | None:
    if to.is_integer:
        if source.is_integer and INTEGER_BITS[source.name] <= INTEGER_BITS[to.name]:
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


def _text_cast(source: SqlType, to: SqlType) -> Cast:
    length = to.length
    if to.name == "CHAR" and length is not None:  # CHAR is padded with blanks
        write_char = value_to_text(source) if not source.is_text else str
        return lambda value: fill_char(write_char(value), length, source.is_text)
    if source.is_text:
        return (lambda text: text[:length]) if length is not None else (lambda text: text)
    write = value_to_text(source)

    def cast(value: Any) -> str:
        text = write(value)
        if length is not None and len(text) > length:
            raise EvaluationError(f"too long for {to}")
        return text

    return cast


def fill_char(text: str, length: int, may_cut: bool = True) -> str:
    """Text as CHAR(length): cut, or padded with blanks.

    Raises: EvaluationError: the text is too long and must not be cut.
    """
    if len(text) > length and not may_cut:
        raise EvaluationError(f"too long for CHAR({length})")
    return text[:length].ljust(length)


def value_to_text(sql_type: SqlType) -> Callable[[Any], str]:
    """The function that writes a value of the type as text."""
    if sql_type.name in _TIME_TEXT:
        return _TIME_TEXT[sql_type.name]
    if sql_type.name == "DATE":
        write = compile_time_formatter("yyyy-MM-dd")
        return lambda days: write(days * MS_PER_DAY)
    if sql_type.name == "BOOLEAN":
        return lambda value: "TRUE" if value else "FALSE"
    return str
