"""Flink SQL's syntax: names, constants and types.

Source: Apache Flink's documentation, *Data Types* and *SQL*. A TIMESTAMP of the dialect is a TIMESTAMP(3) in UTC; the
generated program sets ``table.local-time-zone`` to UTC.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from streamtally.plan.types import SqlType
from streamtally.times.writing import compile_time_formatter

_TYPES = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "REAL": "FLOAT",
    "DOUBLE": "DOUBLE",
    "TIMESTAMP": "TIMESTAMP(3)",
    "DATE": "DATE",
    "TIME": "TIME(0)",
}
_EPOCH = date(1970, 1, 1)
_write_timestamp = compile_time_formatter("yyyy-MM-dd HH:mm:ss.SSS")
_write_time = compile_time_formatter("HH:mm:ss")


def name(text: str) -> str:
    """A name in back-ticks: Flink's names are case-sensitive, and many of the dialect's are reserved words there."""
    return "`" + text.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def type_name(sql_type: SqlType) -> str:
    """The type of a column. CHAR is VARCHAR: its blanks are written by the program, and Flink's CHAR compares them."""
    if sql_type.is_text:
        return f"VARCHAR({sql_type.length})" if sql_type.length else "STRING"
    if sql_type.name == "DECIMAL":
        return f"DECIMAL({sql_type.length}, {sql_type.scale})"
    return _TYPES[sql_type.name]


def constant(value: Any, sql_type: SqlType) -> str:
    """A constant of the plan."""
    if value is None:
        return f"CAST(NULL AS {type_name(sql_type)})"
    if sql_type.name == "TIMESTAMP":
        return f"TIMESTAMP '{_write_timestamp(value)}'"
    if sql_type.name == "DATE":
        return f"DATE '{_EPOCH + timedelta(days=value)}'"
    if sql_type.name == "TIME":
        return f"TIME '{_write_time(value)}'"
    return _plain_constant(value, sql_type)


def _plain_constant(value: Any, sql_type: SqlType) -> str:
    if sql_type.is_text:
        return text(str(value))
    if sql_type.name == "BOOLEAN":
        return "TRUE" if value else "FALSE"
    if sql_type.name in ("REAL", "DOUBLE"):
        digits = repr(float(value)).upper()
        return digits if "E" in digits else f"{digits}E0"
    if sql_type.name == "DECIMAL":
        return f"CAST({value} AS {type_name(sql_type)})"
    return str(value)


def interval(ms: int) -> str:
    """A positive duration, in its largest whole unit."""
    for size, unit in ((86_400_000, "DAY"), (3_600_000, "HOUR"), (60_000, "MINUTE"), (1_000, "SECOND")):
        if ms % size == 0:
            count = ms // size
            precision = f"({len(str(count))})" if count > 99 else ""
            return f"INTERVAL '{count}' {unit}{precision}"
    return f"INTERVAL '{ms // 1000}.{ms % 1000:03d}' SECOND({len(str(ms // 1000)) or 1}, 3)"
