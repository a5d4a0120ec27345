"""Coercion: JSON values of a row → values of a column's type.

Follows Kinesis Analytics' table (*Mapping Streaming Source Elements to SQL Input Columns*); values that it sends to the
error stream raise EvaluationError. NULL is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from streamtally.errors import EvaluationError
from streamtally.plan.types import DOUBLE, FLOATS, MAX_DECIMAL_DIGITS, SqlType, parse_type
from streamtally.times.iso import parse_sql_time

Coercion = Callable[[Any], Any]
"""JSON value → value of the type, or None. Raises EvaluationError."""

_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER_TEXT = re.compile(
    r"""
    [+-]?
    (?:
        [0-9]++ (?: \. [0-9]*+ )?+   # 1, 1. and 1.5; possessive, so that a field of digits is scanned only once
        | \. [0-9]++                 # .5
    )
    (?: [eE] [+-]? [0-9]{1,4} )?
    """,
    re.VERBOSE,
)
MAX_DECIMAL_CHARS = 64
"""The longest text of a DECIMAL: its digits, with room for zeros on either side."""
MAX_DOUBLE_CHARS = 1_100
"""The longest text of a REAL or DOUBLE: every double written out in full fits."""


def coercion(sql_type: SqlType) -> Coercion:
    """The function that converts a JSON value to the type; None stays None."""
    if sql_type.is_integer:
        return _integer_coercion(sql_type)
    if sql_type.name in FLOATS:
        return _to_float
    if sql_type.name == "DECIMAL":
        return lambda value: None if value is None else to_decimal(value, sql_type)
    if sql_type.name == "BOOLEAN":
        return _to_boolean
    if sql_type.is_text:
        return _text_coercion(sql_type)
    return _time_coercion(sql_type)


def _integer_coercion(sql_type: SqlType) -> Coercion:
    smallest, largest = sql_type.integer_range

    def coerce(value: Any) -> int | None:
        if value is None:
            return None
        number = _integer(value)
        if number is None:
            raise EvaluationError(f"not of type {sql_type}")
        if not smallest <= number <= largest:
            raise EvaluationError(f"out of range for {sql_type}")
        return number

    return coerce


def _integer(value: Any) -> int | None:
    if isinstance(value, int):  # a bool is 1 or 0
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        text = value.strip()  # int() strips less than strip() does: convert exactly the text that was tested
        return int(text) if _INTEGER_TEXT.fullmatch(text) else None
    return None


def _number_text(value: str, sql_type: SqlType, max_chars: int) -> str:
    """The stripped text of a number. Raises: EvaluationError: not a number, or too long."""
    text = value.strip()
    if len(text) > max_chars or not _NUMBER_TEXT.fullmatch(text):
        raise EvaluationError(f"not of type {sql_type}")
    return text


def _to_float(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = _number_text(value, DOUBLE, MAX_DOUBLE_CHARS)
    if not isinstance(value, str | int | float):
        raise EvaluationError("not of type DOUBLE")
    try:
        number = float(value)
    except OverflowError:
        raise EvaluationError("out of range for DOUBLE") from None
    if not math.isfinite(number):
        raise EvaluationError("out of range for DOUBLE")
    return number


def to_decimal(value: Any, sql_type: SqlType, *, rounded: bool = False) -> Decimal:
    """A number or its text as DECIMAL(p, s).

    Raises: EvaluationError: not a number, too large, or (unless ``rounded``) with more decimal places than the scale.
    """
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, str):
        value = _number_text(value, sql_type, MAX_DECIMAL_CHARS)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        quantized = number.quantize(Decimal(1).scaleb(-sql_type.scale), rounding=ROUND_HALF_UP)
    except (InvalidOperation, TypeError, ValueError):
        raise EvaluationError(f"not of type {sql_type}") from None
    if quantized != number and not rounded:
        raise EvaluationError(f"too precise for {sql_type}")
    if quantized and quantized.adjusted() + 1 > (sql_type.length or MAX_DECIMAL_DIGITS) - sql_type.scale:
        raise EvaluationError(f"out of range for {sql_type}")
    return quantized


def _to_boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str):
        return value.strip().lower() == "true"
    raise EvaluationError("not of type BOOLEAN")


def _text_coercion(sql_type: SqlType) -> Coercion:
    length = sql_type.length

    def coerce(value: Any) -> str | None:
        return None if value is None else to_text(value)[:length]

    return coerce


def to_text(value: Any) -> str:
    """The text of a JSON value in a VARCHAR column; objects and arrays are written as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value).decode()


def _time_coercion(sql_type: SqlType) -> Coercion:
    def coerce(value: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise EvaluationError(f"not of type {sql_type}")
        return parse_sql_time(sql_type.name, value)

    return coerce


def to_field_value(type_name: str) -> Coercion:
    """The function by which a format converts a text field to its declared type.

    A value that cannot be converted is kept unmodified, so that no line is lost. ``-`` is NULL, as servers write it for
    numbers. DECIMAL, dates and times stay text in a row.
    """
    sql_type = parse_type(type_name)
    if not (sql_type.is_integer or sql_type.name in FLOATS or sql_type.name == "BOOLEAN"):
        return lambda value: value
    coerce = coercion(sql_type)

    def convert(value: Any) -> Any:
        if value == "-" or value is None:
            return None
        try:
            return coerce(value)
        except EvaluationError:
            return value

    return convert
