"""SQL types: their names, what a value of each is in Python, and how JSON and text become one.

========================  ===============================================================
BOOLEAN                   bool
TINYINT … BIGINT          int within the type's range
REAL, DOUBLE              float, always finite
DECIMAL(p, s)             decimal.Decimal with s digits after the point
VARCHAR(n), CHAR(n)       str of at most n characters
TIMESTAMP                 int: milliseconds since 1970-01-01T00:00:00Z
DATE, TIME                int: days since the epoch; milliseconds since midnight
========================  ===============================================================

NULL is None. Coercions of input follow Kinesis Analytics' table (*Mapping Streaming Source Elements to SQL Input
Columns*): what it sends to the error stream raises EvaluationError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import orjson

from streamtally.errors import EvaluationError, PlanError

Coercion = Callable[[Any], Any]
"""A JSON value → a value of the type, or None. Raises EvaluationError."""

INTEGER_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
FLOATS = frozenset({"REAL", "DOUBLE"})
TEXTS = frozenset({"VARCHAR", "CHAR"})
TIMES = frozenset({"TIMESTAMP", "DATE", "TIME"})
_SYNONYMS = {
    "INT": "INTEGER",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL",
    "DOUBLE PRECISION": "DOUBLE",
    "STRING": "VARCHAR",
}
_KNOWN = {"BOOLEAN", "DECIMAL", *INTEGER_BITS, *FLOATS, *TEXTS, *TIMES}

_TYPE = re.compile(r"([A-Za-z ]+?)\s*(?:\(\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\))?")
_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,40}")
# Possessive, so that a field of digits alone is looked through once.
_NUMBER_TEXT = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]{1,4})?")
MAX_DECIMAL_DIGITS = 18
MAX_DECIMAL_CHARS = 64
"""Of a DECIMAL's text: its digits, with room for zeros on either side."""
MAX_DOUBLE_CHARS = 1_100
"""Of a REAL's or DOUBLE's text: every double written out in full fits."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type: its name, and length (VARCHAR), or precision and scale (DECIMAL)."""

    name: str
    length: int | None = None
    scale: int = 0

    def __str__(self) -> str:
        if self.name == "DECIMAL":
            return f"DECIMAL({self.length},{self.scale})"
        return self.name if self.length is None else f"{self.name}({self.length})"

    @property
    def is_integer(self) -> bool:
        return self.name in INTEGER_BITS

    @property
    def is_number(self) -> bool:
        return self.is_integer or self.name in FLOATS or self.name == "DECIMAL"

    @property
    def is_text(self) -> bool:
        return self.name in TEXTS

    @property
    def integer_range(self) -> tuple[int, int]:
        """The smallest and the largest value of an integer type."""
        half = 1 << (INTEGER_BITS[self.name] - 1)
        return -half, half - 1


@lru_cache(maxsize=1024)
def parse_type(text: str) -> SqlType:
    """``"VARCHAR(16)"`` → SqlType("VARCHAR", 16). Raises: PlanError: no such type."""
    match = _TYPE.fullmatch(text.strip())
    name = " ".join(match[1].upper().split()) if match else ""
    name = _SYNONYMS.get(name, name)
    if match is None or name not in _KNOWN:
        raise PlanError(f"unknown type {text!r}: the types are {', '.join(sorted(_KNOWN))}")
    length = int(match[2]) if match[2] else None
    if name == "DECIMAL":
        precision, scale = length or MAX_DECIMAL_DIGITS, int(match[3] or 0)
        if not 1 <= precision <= MAX_DECIMAL_DIGITS or scale > precision:
            raise PlanError(f"type {text!r}: a precision is 1 to {MAX_DECIMAL_DIGITS}, a scale at most that")
        return SqlType(name, precision, scale)
    if name in TEXTS:
        return SqlType(name, length)
    return SqlType(name)


def coercion(of: SqlType) -> Coercion:
    """How a JSON value becomes a value of the type (None stays None)."""
    if of.is_integer:
        return _integer_coercion(of)
    if of.name in FLOATS:
        return _to_float
    if of.name == "DECIMAL":
        return lambda value: None if value is None else to_decimal(value, of)
    if of.name == "BOOLEAN":
        return _to_boolean
    if of.is_text:
        return _text_coercion(of)
    return _time_coercion(of)


def _integer_coercion(of: SqlType) -> Coercion:
    smallest, largest = of.integer_range

    def coerce(value: Any) -> int | None:
        if value is None:
            return None
        number = _integer(value)
        if number is None:
            raise EvaluationError(f"not of type {of}")
        if not smallest <= number <= largest:
            raise EvaluationError(f"out of range for {of}")
        return number

    return coerce


def _integer(value: Any) -> int | None:
    if isinstance(value, int):  # a bool is 1 or 0
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        text = value.strip()  # what was tested is what is converted: int() takes off less than strip() does
        return int(text) if _INTEGER_TEXT.fullmatch(text) else None
    return None


def _number_text(value: str, of: SqlType, max_chars: int) -> str:
    """A text without the blanks around it, if it is a number's of that length at most. Raises: EvaluationError."""
    text = value.strip()
    if len(text) > max_chars or not _NUMBER_TEXT.fullmatch(text):
        raise EvaluationError(f"not of type {of}")
    return text


_DOUBLE = SqlType("DOUBLE")


def _to_float(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = _number_text(value, _DOUBLE, MAX_DOUBLE_CHARS)
    if not isinstance(value, str | int | float):
        raise EvaluationError("not of type DOUBLE")
    try:
        number = float(value)
    except OverflowError:
        raise EvaluationError("out of range for DOUBLE") from None
    if not math.isfinite(number):
        raise EvaluationError("out of range for DOUBLE")
    return number


def to_decimal(value: Any, of: SqlType, *, rounded: bool = False) -> Decimal:
    """A number or its text as DECIMAL(p, s).

    Raises: EvaluationError: not a number, too large, or (unless ``rounded``) with more digits than the scale takes.
    """
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, str):
        value = _number_text(value, of, MAX_DECIMAL_CHARS)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        quantized = number.quantize(Decimal(1).scaleb(-of.scale), rounding=ROUND_HALF_UP)
    except (InvalidOperation, TypeError, ValueError):
        raise EvaluationError(f"not of type {of}") from None
    if quantized != number and not rounded:
        raise EvaluationError(f"too precise for {of}")
    if quantized and quantized.adjusted() + 1 > (of.length or MAX_DECIMAL_DIGITS) - of.scale:
        raise EvaluationError(f"out of range for {of}")
    return quantized


def _to_boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str):
        return value.strip().lower() == "true"
    raise EvaluationError("not of type BOOLEAN")


def _text_coercion(of: SqlType) -> Coercion:
    length = of.length

    def coerce(value: Any) -> str | None:
        return None if value is None else to_text(value)[:length]

    return coerce


def to_text(value: Any) -> str:
    """A JSON value as the text that a VARCHAR column holds; objects and arrays as their JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value).decode()


def _time_coercion(of: SqlType) -> Coercion:
    from streamtally.times.iso import parse_sql_time  # times needs no types; types needs times only here

    def coerce(value: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise EvaluationError(f"not of type {of}")
        return parse_sql_time(of.name, value)

    return coerce


def to_field_value(type_name: str) -> Coercion:
    """How a format gives a text field its declared type: what does not fit stays as it is, so no line is lost.

    ``-`` is NULL for a number, as servers write it. DECIMAL, dates and times stay text in a row.
    """
    of = parse_type(type_name)
    if not (of.is_integer or of.name in FLOATS or of.name == "BOOLEAN"):
        return lambda value: value
    coerce = coercion(of)

    def convert(value: Any) -> Any:
        if value == "-" or value is None:
            return None
        try:
            return coerce(value)
        except EvaluationError:
            return value

    return convert
