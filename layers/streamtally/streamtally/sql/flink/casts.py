"""CAST, by the rules of :mod:`streamtally.plan.casts`, in Flink SQL.

Flink's CAST ends the job where a text is not a number, cuts a fraction off a text, and lets an integer that does not
fit wrap around. A guard gives NULL instead, and the failure.
"""

from __future__ import annotations

from streamtally.plan.types import BOOLEAN, INTEGER_BITS, VARCHAR, SqlType
from streamtally.sql.flink.syntax import constant, type_name
from streamtally.sql.flink.times import iso_time
from streamtally.sql.flink.values import FlinkError, Value

_LARGEST_DOUBLE = "1.7976931348623157E308"
_INTEGER = r"^\s*[+-]?[0-9]{1,40}\s*\z"
_NUMBER = r"^\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*\z"


def cast_value(value: Value, to: SqlType) -> Value:
    """The value cast to another type. Raises: FlinkError: there is no such cast."""
    if value.type == to or (value.type.name == to.name and to.length is None and to.name != "DECIMAL"):
        return value
    if to.is_text:
        return _to_text(value, to)
    if value.type.is_text:
        return _from_text(value, to)
    if value.type.is_number and to.is_number:
        return to_number(value, to)
    if value.type == BOOLEAN and to.is_number:
        return Value(f"CAST({value.sql} AS {type_name(to)})", to, value.failures)
    if {value.type.name, to.name} <= {"TIMESTAMP", "DATE", "TIME"}:
        return Value(f"CAST({value.sql} AS {type_name(to)})", to, value.failures)
    raise FlinkError(f"CAST from {value.type} to {to} has no counterpart in Flink SQL", "CAST it to VARCHAR")


def to_number(value: Value, to: SqlType) -> Value:
    """A number as another number type; integers and DECIMAL are limited to their range."""
    source, sql = value.type, value.sql
    if source == to:
        return value
    cast = f"CAST({sql} AS {type_name(to)})"
    widens = source.is_integer and to.is_integer and INTEGER_BITS[source.name] <= INTEGER_BITS[to.name]
    if widens and value.constant is not None:
        return Value(sql, to, constant=value.constant)
    if widens or to.name in ("REAL", "DOUBLE"):
        return Value(cast, to, value.failures)
    if to.is_integer:
        low, high = to.integer_range
        fits = f"{sql} > {low - 1}E0 AND {sql} < {high + 1}E0" if source.name in ("REAL", "DOUBLE") else ""
        fits = fits or f"{sql} BETWEEN {_whole(low)} AND {_whole(high)}"
        if source.name == "DECIMAL":
            fits = f"TRUNCATE({sql}, 0) BETWEEN {_whole(low)} AND {_whole(high)}"
        return _guarded(value, fits, cast, to)
    if source.name in ("REAL", "DOUBLE"):
        # A DECIMAL of the shortest text of the double, as it is shown, not of its binary value.
        cast = f"TRY_CAST(CAST({sql} AS STRING) AS {type_name(to)})"
        return _guarded(value, f"{cast} IS NOT NULL", cast, to)
    room = (to.length or 18) - to.scale
    if source.is_integer and room >= 19:
        return Value(cast, to, value.failures)
    return _guarded(value, f"ABS(ROUND({sql}, {to.scale})) < 1{'0' * room}", cast, to)


def _whole(number: int) -> str:
    return f"CAST({number} AS DECIMAL(20, 0))" if abs(number) >= 2**63 - 1 else str(number)


def _guarded(value: Value, condition: str, cast: str, to: SqlType) -> Value:
    """The cast where the condition holds, else NULL, which is a failure."""
    guarded = Value(f"(CASE WHEN {condition} THEN {cast} END)", to, value.failures)
    reason = f"not of type {to}" if value.type.is_text else f"out of range for {to}"
    return guarded.checked(f"{value.sql} IS NOT NULL AND {guarded.sql} IS NULL", reason)


def _from_text(value: Value, to: SqlType) -> Value:
    trimmed = f"TRIM({value.sql})"
    cast = f"TRY_CAST({trimmed} AS {type_name(to)})"
    if to.is_integer:
        return _guarded(value, f"REGEXP({value.sql}, '{_INTEGER}')", cast, to)
    if to.name in ("REAL", "DOUBLE"):
        fits = f"REGEXP({value.sql}, '{_NUMBER}') AND ABS({cast}) <= {_LARGEST_DOUBLE}"
        return _guarded(value, fits, cast, to)
    if to.name == "DECIMAL":
        exact = f"TRY_CAST({trimmed} AS DECIMAL(38, 18))"
        return _guarded(value, f"REGEXP({value.sql}, '{_NUMBER}') AND {exact} = {cast}", cast, to)
    if to == BOOLEAN:
        return Value(f"(LOWER({trimmed}) = 'true')", to, value.failures)
    return iso_time(value, to)


def _to_text(value: Value, to: SqlType) -> Value:
    written = _written(value)
    length = to.length
    if length is None:
        return Value(written, VARCHAR, value.failures)
    sql = f"CAST({written} AS VARCHAR({length}))" if value.type.is_text else f"{written}"
    if to.name == "CHAR":  # padded with blanks
        sql = f"RPAD({written}, {length}, ' ')"
    if value.type.is_text:
        return Value(sql, to, value.failures)
    if value.constant is not None and to.name != "CHAR":
        return Value(f"CAST({written} AS VARCHAR({length}))", to, value.failures)
    fits = f"CHAR_LENGTH({written}) <= {length}"
    guarded = Value(f"(CASE WHEN {fits} THEN {sql} END)", to, value.failures)
    return guarded.checked(f"CHAR_LENGTH({written}) > {length}", f"too long for {to}")


def _written(value: Value) -> str:
    """A value as text, as :func:`streamtally.plan.casts.value_to_text` writes it."""
    if value.type.is_text:
        return value.sql
    if value.type.name == "TIMESTAMP":
        return f"DATE_FORMAT({value.sql}, 'yyyy-MM-dd HH:mm:ss.SSS')"
    if value.constant is not None and value.type.is_integer:
        return constant(str(value.constant), VARCHAR)
    return f"CAST({value.sql} AS STRING)"
