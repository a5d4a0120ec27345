"""The plan's functions in Flink SQL: (type of the result, arguments) → value.

The failures of the arguments are the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from streamtally.plan.functions.logs import SYSLOG_PATTERN, make_lazy, w3c_expression
from streamtally.plan.types import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, TIMESTAMP, VARCHAR, SqlType
from streamtally.sql.flink.casts import cast_value, to_number
from streamtally.sql.flink.syntax import text
from streamtally.sql.flink.times import from_ms, parsed_time, to_ms, written_time
from streamtally.sql.flink.values import FlinkError, Value, by_zero, divisor

WriteCall = Callable[..., Value]
"""(type of the result, arguments) → the call. Raises: FlinkError."""

_LARGEST_DOUBLE = "1.7976931348623157E308"


def _constant_text(value: Value, what: str) -> str:
    if not isinstance(value.constant, str):
        raise FlinkError(f"{what} that is not a constant cannot be said in Flink SQL", "write it in quotes")
    return value.constant


def _plain(template: str) -> WriteCall:
    """A function whose SQL is a template over the arguments' SQL."""

    def write(result: SqlType, *values: Value) -> Value:
        return Value(template.format(*(value.sql for value in values)), result)

    return write


def _int(value: Value) -> str:
    """A whole number as INT, which Flink's functions over text take."""
    return to_number(value, INTEGER).sql


# --- Text


def _substring(result: SqlType, value: Value, start: Value, length: Value | None = None) -> Value:
    first, at = start.constant, _int(start)
    is_inside = isinstance(first, int) and first >= 1
    begin = at if is_inside else f"GREATEST({at}, 1)"
    if length is None:
        return Value(f"SUBSTRING({value.sql}, {begin})", result)
    size = _int(length)
    count = size if is_inside else f"({size} + LEAST({at} - 1, 0))"
    if not (is_inside and isinstance(length.constant, int)):
        count = f"GREATEST({count}, 0)"
    cut = Value(f"SUBSTRING({value.sql}, {begin}, {count})", result)
    return (
        cut
        if isinstance(length.constant, int) and length.constant >= 0
        else cut.checked(f"{size} < 0", "a substring of negative length")
    )


def _position(result: SqlType, part: Value, value: Value, start: Value | None = None) -> Value:
    if start is None:
        return Value(f"POSITION({part.sql} IN {value.sql})", result)
    return Value(
        f"(CASE WHEN {_int(start)} < 1 THEN 0 ELSE LOCATE({part.sql}, {value.sql}, {_int(start)}) END)", result
    )


def _overlay(result: SqlType, value: Value, placing: Value, start: Value, length: Value | None = None) -> Value:
    at = _int(start)
    size = f"CHAR_LENGTH({placing.sql})" if length is None else _int(length)
    sql = (
        f"(SUBSTRING({value.sql}, 1, GREATEST({at} - 1, 0)) || {placing.sql} || "
        f"SUBSTRING({value.sql}, GREATEST({at} + {size}, 1)))"
    )
    placed = Value(sql, result).checked(f"{at} < 1", "an overlay that starts before the text")
    return placed if length is None else placed.checked(f"{size} < 0", "an overlay of negative length")


def _trim(result: SqlType, mode: Value, chars: Value, value: Value) -> Value:
    where, char = _constant_text(mode, "a side of TRIM"), _constant_text(chars, "a character of TRIM")
    return Value(f"TRIM({where} {text(char)} FROM {value.sql})", result)


def _like(result: SqlType, pattern: Value, value: Value) -> Value:
    return Value(f"({value.sql} LIKE {pattern.sql})", result)


def _like_escape(result: SqlType, escape: Value, pattern: Value, value: Value) -> Value:
    return Value(f"({value.sql} LIKE {pattern.sql} ESCAPE {escape.sql})", result)


def _similar(result: SqlType, pattern: Value, value: Value) -> Value:
    _constant_text(pattern, "a pattern of SIMILAR TO")
    return Value(f"({value.sql} SIMILAR TO {pattern.sql})", result)


def _similar_escape(result: SqlType, escape: Value, pattern: Value, value: Value) -> Value:
    _constant_text(pattern, "a pattern of SIMILAR TO")
    return Value(f"({value.sql} SIMILAR TO {pattern.sql} ESCAPE {escape.sql})", result)


def _regex_replace(result: SqlType, pattern: Value, replacement: Value, value: Value, *more: Value) -> Value:
    written = _constant_text(replacement, "a replacement of REGEX_REPLACE")
    if re.search(r"(?<!\\)\$\d", written):
        raise FlinkError(
            "REGEX_REPLACE with a group ($1) in its replacement cannot be said in Flink SQL (REGEXP_REPLACE takes it "
            "as text)",
            "put the text together with || from REGEXP_EXTRACT, or write a user-defined function",
        )
    if any(option.constant != usual for option, usual in zip(more, (1, 0), strict=False)):
        raise FlinkError(
            "REGEX_REPLACE of one occurrence, or from a position, cannot be said in Flink SQL",
            "replace all occurrences, or write a user-defined function",
        )
    plain = re.sub(r"\\(.)", r"\1", written)
    return Value(f"REGEXP_REPLACE({value.sql}, {pattern.sql}, {text(plain)})", result)


def _substring_regex(result: SqlType, pattern: Value, value: Value) -> Value:
    return Value(f"REGEXP_EXTRACT({value.sql}, {pattern.sql}, 0)", result)


def _tuple(result: SqlType, *values: Value) -> Value:
    """Values as one text, equal for equal values: each with its length before it, or n for NULL."""
    parts = []
    for value in values:
        written = cast_value(value, VARCHAR).sql
        parts.append(f"COALESCE(CAST(CHAR_LENGTH({written}) AS STRING) || ':' || {written}, 'n')")
    return Value("(" + " || ".join(parts) + ")", result)


# --- Log parsers


def _extract(pattern: str, number: object, value: Value, result: SqlType) -> Value:
    return Value(f"REGEXP_EXTRACT({value.sql}, {text(pattern)}, {number})", result)


def _regex_log(result: SqlType, pattern: Value, number: Value, value: Value) -> Value:
    return _extract(_constant_text(pattern, "a pattern"), number.constant, value, result)


def _fast_regex_log(result: SqlType, pattern: Value, number: Value, value: Value) -> Value:
    lazy = make_lazy(_constant_text(pattern, "a pattern"))
    column = _extract(rf"\A(?:{lazy})\z", number.constant, value, VARCHAR)
    return Value(f"SUBSTRING({column.sql}, 1, {result.length})", result)


def _w3c_log(result: SqlType, log_format: Value, number: Value, value: Value) -> Value:
    _, expression = w3c_expression(_constant_text(log_format, "a log format"))
    return _extract(rf"\A(?:{expression})\z", number.constant, value, result)


# Java ignores a blank in a character class where it ignores blanks: the pattern is written without any.
_SYSLOG_WITHOUT_BLANKS = "".join(re.sub("#.*", "", SYSLOG_PATTERN).replace("[ ]", r"\x20").split())
_SYSLOG = rf"(?s)\A(?:{_SYSLOG_WITHOUT_BLANKS})\z"


def _syslog_text(result: SqlType, value: Value) -> Value:
    return _extract(_SYSLOG, 2, value, result)


def _syslog_time(result: SqlType, value: Value) -> Value:
    written = _extract(_SYSLOG, 1, value, VARCHAR).sql
    sql = parsed_time(f"REGEXP_REPLACE({written}, '\\s+', ' ')", "MMM dd HH:mm:ss")
    return Value(sql, result).checked(f"{written} IS NOT NULL AND {sql} IS NULL", "a time that does not exist")


def _variable_log(result: SqlType, delimiter: Value, escape: Value, quote: Value, number: Value, value: Value) -> Value:
    if escape.constant or quote.constant:
        raise FlinkError(
            "VARIABLE_COLUMN_LOG_PARSE with an escape or a quote has no counterpart in Flink SQL",
            "read the lines with 'format' = 'csv' in tables.sql, or write a user-defined function",
        )
    split, index = _constant_text(delimiter, "a delimiter"), int(str(number.constant)) - 1
    quoted = "".join(rf"\x{ord(char):02x}" if ord(char) < 128 else char for char in split)
    # SPLIT_INDEX takes empty parts for none at the end: a regular expression does not.
    pattern = rf"(?s)\A(?:(?:(?!{quoted}).)*{quoted}){{{index}}}((?:(?!{quoted}).)*)"
    return _extract(pattern, 1, value, result)


# --- Times


def _char_to(result: SqlType, pattern: Value, value: Value) -> Value:
    sql = parsed_time(value.sql, _constant_text(pattern, "a time pattern"))
    if result != TIMESTAMP:
        sql = f"CAST({sql} AS {'DATE' if result == DATE else 'TIME(0)'})"
    return checked_time(value, Value(sql, result))


def checked_time(value: Value, read: Value) -> Value:
    """A time that was read from a text, with the failure if it could not be."""
    is_wrong = f"{value.sql} IS NOT NULL AND {read.sql} IS NULL"
    return read.checked(is_wrong, "a time that does not fit its format")


def _to_char(moment: Callable[[str], str]) -> WriteCall:
    def write(result: SqlType, pattern: Value, value: Value) -> Value:
        written = written_time(moment(value.sql), _constant_text(pattern, "a time pattern"))
        return Value(f"COALESCE({written}, 'null')", result)

    return write


def _time_of_day(sql: str) -> str:
    return f"CAST('1970-01-01 ' || CAST({sql} AS STRING) AS TIMESTAMP(3))"


_UNITS = {1_000: "SECOND", 60_000: "MINUTE", 3_600_000: "HOUR", 86_400_000: "DAY"}


def floored(sql: str, size: int) -> str:
    """A TIMESTAMP floored to multiples of a size in ms, counted from the epoch."""
    if size in _UNITS:
        return f"FLOOR({sql} TO {_UNITS[size]})"
    ms = to_ms(sql)
    return from_ms(f"({ms} - {_floor_mod(ms, size)})")


def _floor_mod(number: str, size: int) -> str:
    return f"MOD(MOD({number}, {size}) + {size}, {size})"


def _step(result: SqlType, value: Value, size: Value) -> Value:
    step = size.constant
    if not isinstance(step, int):
        raise FlinkError("STEP by an interval that is not a constant", "write BY INTERVAL '60' SECOND")
    if result == TIMESTAMP:
        return Value(floored(value.sql, step), result)
    return Value(f"({value.sql} - {_floor_mod(value.sql, step)})", result)


def _timestamp_add(result: SqlType, value: Value, more: Value) -> Value:
    if isinstance(more.constant, int) and more.constant % 1000 == 0 and abs(more.constant) < 2**41:
        return Value(f"TIMESTAMPADD(SECOND, {more.constant // 1000}, {value.sql})", result)
    return _moment(f"({to_ms(value.sql)} + {more.sql})", result)


_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999."""


def _moment(ms: str, result: SqlType) -> Value:
    """Milliseconds as a TIMESTAMP, limited to the years that it has."""
    sql = f"(CASE WHEN {ms} BETWEEN {_FIRST_MS} AND {_LAST_MS} THEN {from_ms(ms)} END)"
    return Value(sql, result).checked(f"{ms} NOT BETWEEN {_FIRST_MS} AND {_LAST_MS}", "a time out of range")


def _extract_field(result: SqlType, unit: Value, value: Value) -> Value:
    return Value(f"CAST(EXTRACT({unit.constant} FROM {value.sql}) AS INT)", result)


def _floor_time(result: SqlType, unit: Value, value: Value) -> Value:
    return Value(f"FLOOR({value.sql} TO {unit.constant})", result)


def _ceil_time(result: SqlType, unit: Value, value: Value) -> Value:
    floor = f"FLOOR({value.sql} TO {unit.constant})"
    return Value(
        f"(CASE WHEN {floor} = {value.sql} THEN {value.sql} ELSE CEIL({value.sql} TO {unit.constant}) END)", result
    )


# --- Numbers


def _rounded(name: str) -> WriteCall:
    def write(result: SqlType, value: Value) -> Value:
        if value.type.is_integer:
            return value
        return Value(f"{name}({value.sql})", result)

    return write


def _remainder(result: SqlType, value: Value, by: Value) -> str:
    if result == DOUBLE:
        raise FlinkError("MOD of a DOUBLE has no counterpart in Flink SQL", "CAST its arguments to DECIMAL")
    left, right = (to_number(side, BIGINT) if result.is_integer else side for side in (value, by))
    return f"MOD({left.sql}, {divisor(right)})"


def _mod(result: SqlType, value: Value, by: Value) -> Value:
    return by_zero(value, by, Value(_remainder(result, value, by), result))


def _step_number(result: SqlType, value: Value, by: Value) -> Value:
    return by_zero(value, by, Value(f"({value.sql} - {_remainder(result, value, by)})", result))


def _real(template: str, domain: str = "") -> WriteCall:
    """A function over doubles, which fails outside its domain and for a result that is not finite."""

    def write(result: SqlType, *values: Value) -> Value:
        operands = [to_number(value, DOUBLE).sql for value in values]
        call = template.format(*operands)
        condition = f"{domain.format(*operands)} AND " if domain else ""
        sql = f"(CASE WHEN {condition}ABS({call}) <= {_LARGEST_DOUBLE} THEN {call} END)"
        present = " AND ".join(f"{value.sql} IS NOT NULL" for value in values)
        return Value(sql, result).checked(
            f"{present} AND {sql} IS NULL", "a number that the function is not defined for"
        )

    return write


def _not_null(result: SqlType, value: Value) -> Value:
    return Value(value.sql, result, constant=value.constant).checked(
        f"{value.sql} IS NULL", "NULL in a NOT NULL column"
    )


CALLS: Mapping[str, WriteCall] = {
    "upper": _plain("UPPER({0})"),
    "lower": _plain("LOWER({0})"),
    "initcap": _plain("INITCAP({0})"),
    "char_length": _plain("CHAR_LENGTH({0})"),
    "substring": _substring,
    "tuple": _tuple,
    "position": _position,
    "overlay": _overlay,
    "trim": _trim,
    "like": _like,
    "like_escape": _like_escape,
    "similar": _similar,
    "similar_escape": _similar_escape,
    "regex_replace": _regex_replace,
    "substring_regex": _substring_regex,
    "regex_log_parse": _regex_log,
    "fast_regex_log_parse": _fast_regex_log,
    "w3c_log_parse": _w3c_log,
    "sys_log_time": _syslog_time,
    "sys_log_text": _syslog_text,
    "variable_column_log_parse": _variable_log,
    "char_to_timestamp": _char_to,
    "char_to_date": _char_to,
    "char_to_time": _char_to,
    "timestamp_to_char": _to_char(str),
    "date_to_char": _to_char(lambda sql: f"CAST({sql} AS TIMESTAMP(3))"),
    "time_to_char": _to_char(_time_of_day),
    "step": _step,
    "tsdiff": lambda result, a, b: Value(f"({to_ms(a.sql)} - {to_ms(b.sql)})", result),
    "timestamp_add": _timestamp_add,
    "unix_timestamp": lambda result, value: Value(to_ms(value.sql), result),
    "to_timestamp": lambda result, value: _moment(to_number(value, BIGINT).sql, result),
    "extract": _extract_field,
    "floor_time": _floor_time,
    "ceil_time": _ceil_time,
    "abs": _plain("ABS({0})"),
    "ceil": _rounded("CEIL"),
    "floor": _rounded("FLOOR"),
    "mod": _mod,
    "step_number": _step_number,
    "exp": _real("EXP({0})"),
    "ln": _real("LN({0})", "{0} > 0"),
    "log10": _real("LOG10({0})", "{0} > 0"),
    "power": _real("POWER({0}, {1})"),
    "sqrt": _real("SQRT({0})", "{0} >= 0"),
    "is_true": lambda result, value: Value(f"({value.sql} IS TRUE)", BOOLEAN),
    "is_false": lambda result, value: Value(f"({value.sql} IS FALSE)", BOOLEAN),
    "not_null": _not_null,
}
"""Every function that Flink SQL can say, by its name in a plan."""
