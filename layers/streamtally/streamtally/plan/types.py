"""SQL types: their names, their values in Python, and how JSON values and text are converted to them.

========================  ===============================================================
BOOLEAN                   bool
TINYINT … BIGINT          int within the type's range
REAL, DOUBLE              float, always finite
DECIMAL(p, s)             decimal.Decimal with s decimal places
VARCHAR(n), CHAR(n)       str of at most n characters
TIMESTAMP                 int: milliseconds since 1970-01-01T00:00:00Z
DATE, TIME                int: days since the epoch; milliseconds since midnight
========================  ===============================================================

NULL is None. Input is coerced as in Kinesis Analytics' table (*Mapping Streaming Source Elements to SQL Input
Columns*); values that Kinesis Analytics sends to the error stream raise EvaluationError.
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
from streamtally.times.iso import parse_sql_time

Coercion = Callable[[Any], Any]
"""JSON value → value of the type, or None. Raises EvaluationError."""

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

_TYPE = re.compile(
    r"""
    ([A-Za-z\ ]+?) \s*             # 1: the name, possibly of two words
    (?:
        \( \s* (\d{1,9}) \s*       # 2: the length or precision
        (?: , \s* (\d{1,9}) \s* )?  # 3: the scale
        \)
    )?
    """,
    re.VERBOSE,
)
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
MAX_DECIMAL_DIGITS = 18
MAX_DECIMAL_CHARS = 64
"""The longest text of a DECIMAL: its digits, with room for zeros on either side."""
MAX_DOUBLE_CHARS = 1_100
"""The longest text of a REAL or DOUBLE: every double written out in full fits."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """An SQL type.

    Attributes:
        name: its name, without length or precision.
        length: the length of a VARCHAR or CHAR (None: unlimited), or the precision of a DECIMAL.
        scale: the decimal places of a DECIMAL.
    """

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
    def kind(self) -> str:
        """``"number"``, ``"text"`` or the type's name: values of one kind can be compared."""
        return "number" if self.is_number else "text" if self.is_text else self.name

    @property
    def integer_range(self) -> tuple[int, int]:
        """The smallest and the largest value of an integer type."""
        half = 1 << (INTEGER_BITS[self.name] - 1)
        return -half, half - 1


BOOLEAN = SqlType("BOOLEAN")
INTEGER = SqlType("INTEGER")
BIGINT = SqlType("BIGINT")
DOUBLE = SqlType("DOUBLE")
VARCHAR = SqlType("VARCHAR")
TIMESTAMP = SqlType("TIMESTAMP")
DATE = SqlType("DATE")
TIME = SqlType("TIME")


@lru_cache(maxsize=1024)
def parse_type(text: str) -> SqlType:
    """``"VARCHAR(16)"`` → SqlType("VARCHAR", 16). Raises: PlanError: there is no such type."""
    match = _TYPE.fullmatch(text.strip())
    name = " ".join(match[1].upper().split()) if match else ""
    name = _SYNONYMS.get(name, name)
    if match is None or name not in _KNOWN:
        raise PlanError(f"unknown type {text!r}: the types are {', '.join(sorted(_KNOWN))}")
    length = int(match[2]) if match[2] else None
    if name == "DECIMAL":
        precision, scale = length or MAX_DECIMAL_DIGITS, int(match[3] or 0)
        if not 1 <= precision <= MAX_DECIMAL_DIGITS or scale > precision:
            raise PlanError(f"type {text!r}: the precision must be 1 to {MAX_DECIMAL_DIGITS}, and the scale no larger")
        return SqlType(name, precision, scale)
    if name in TEXTS:
        return SqlType(name, length)
    return SqlType(name)


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
