"""Log parsers' records: which columns a call gives, and the plan's expression for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import SettingsError
from streamtally.plan.functions.logs import fast_regex_columns, regex_columns, w3c_columns
from streamtally.plan.types import SqlType, parse_type
from streamtally.sql.expressions.typed import PlanNode

VARCHAR = SqlType("VARCHAR")


@dataclass(frozen=True, slots=True)
class RecordColumn:
    """A column of a record.

    Attributes: call: the plan's function; before, after: its constant arguments around the text.
    """

    name: str
    type: SqlType
    call: str
    before: tuple[PlanNode, ...] = ()
    after: tuple[PlanNode, ...] = ()


def _literal(value: Any) -> PlanNode:
    return {"literal": value, "type": "INTEGER" if isinstance(value, int) else "VARCHAR"}


def _numbered(call: str, count: int, *options: str, of: SqlType = VARCHAR) -> list[RecordColumn]:
    before = tuple(map(_literal, options))
    return [RecordColumn(f"COLUMN{n}", of, call, (*before, _literal(n))) for n in range(1, count + 1)]


def _regex(options: Sequence[Any]) -> list[RecordColumn]:
    return _numbered("regex_log_parse", regex_columns(_text(options, 0))[0], _text(options, 0))


def _fast_regex(options: Sequence[Any]) -> list[RecordColumn]:
    pattern = _text(options, 0)
    return _numbered("fast_regex_log_parse", fast_regex_columns(pattern)[0], pattern, of=SqlType("VARCHAR", 1024))


def _w3c(options: Sequence[Any]) -> list[RecordColumn]:
    return _numbered("w3c_log_parse", w3c_columns(_text(options, 0))[0], _text(options, 0))


def _syslog(options: Sequence[Any]) -> list[RecordColumn]:
    if options:
        raise SettingsError("SYS_LOG_PARSE takes the text only")
    return [
        RecordColumn("COLUMN1", SqlType("TIMESTAMP"), "sys_log_time"),
        RecordColumn("COLUMN2", VARCHAR, "sys_log_text"),
    ]


_FIXED = re.compile(
    r'\s*(?P<name>"[^"]+"|\w+)\s+TYPE\s+(?P<type>[\w ]+?(?:\([\d, ]+\))?)(?:\s+NOT\s+NULL)?'
    r"\s+START\s+(?P<start>\d{1,6})(?:\s+FOR\s+(?P<length>\d{1,6}))?\s*",
    re.IGNORECASE,
)
_VARIABLE = re.compile(
    r'\s*(?P<name>"[^"]+"|\w+)\s+TYPE\s+(?P<type>[\w ]+?(?:\([\d, ]+\))?)(?:\s+NOT\s+NULL)?\s*', re.IGNORECASE
)
_COMMA = re.compile(r",(?![^()]*\))")


def _fixed(options: Sequence[Any]) -> list[RecordColumn]:
    """``'name TYPE VARCHAR(10) START 0 FOR 10, …'``; without FOR a column goes up to the next one's start."""
    found = [_FIXED.fullmatch(part) for part in _COMMA.split(_text(options, 0))]
    if None in found:
        raise SettingsError("columns are described as 'name TYPE VARCHAR(10) START 0 FOR 10, …'")
    columns = []
    described = [each for each in found if each is not None]
    for each, following in zip(described, [*described[1:], None], strict=True):
        start = int(each["start"])
        after = [_literal(start + 1)]
        if each["length"]:
            after.append(_literal(int(each["length"])))
        elif following is not None:
            after.append(_literal(max(0, int(following["start"]) - start)))
        columns.append(RecordColumn(_name(each["name"]), parse_type(each["type"]), "substring", (), tuple(after)))
    return columns


def _variable(options: Sequence[Any]) -> list[RecordColumn]:
    """A number of columns, or ``'name TYPE VARCHAR(10), …'``; the delimiter; an escape and a quote if wanted."""
    if not 2 <= len(options) <= 4:
        raise SettingsError("VARIABLE_COLUMN_LOG_PARSE(text, columns, delimiter [, escape, quote])")
    delimiter, escape, quote = ([str(option) for option in options[1:]] + ["", ""])[:3]
    described = str(options[0]).strip()
    before = tuple(map(_literal, (delimiter, escape, quote)))
    call = "variable_column_log_parse"
    if described.isdigit() and 1 <= int(described) <= 1000:
        return [RecordColumn(f"COLUMN{n}", VARCHAR, call, (*before, _literal(n))) for n in range(1, int(described) + 1)]
    found = [_VARIABLE.fullmatch(part) for part in _COMMA.split(described)]
    if None in found:
        raise SettingsError("columns are a number, or described as 'name TYPE VARCHAR(10), …'")
    return [
        RecordColumn(_name(each["name"]), parse_type(each["type"]), call, (*before, _literal(n)))
        for n, each in enumerate(found, 1)
        if each is not None
    ]


def _text(options: Sequence[Any], at: int) -> str:
    if len(options) != at + 1 or not isinstance(options[at], str):
        raise SettingsError("a log parser takes the text and a description in quotes")
    return str(options[at])


def _name(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text.upper()


PARSERS: dict[str, Callable[[Sequence[Any]], list[RecordColumn]]] = {
    "FAST_REGEX_LOG_PARSE": _fast_regex,
    "FIXED_COLUMN_LOG_PARSE": _fixed,
    "REGEX_LOG_PARSE": _regex,
    "SYS_LOG_PARSE": _syslog,
    "VARIABLE_COLUMN_LOG_PARSE": _variable,
    "W3C_LOG_PARSE": _w3c,
}
"""A parser's name → its record's columns, from its constant arguments. Raises: SettingsError."""


def find_column(columns: Sequence[RecordColumn], name: str) -> RecordColumn | None:
    """A record's column by its own name, or by its place: COLUMN1, COLUMN2 …"""
    for number, column in enumerate(columns, 1):
        if name in (column.name, f"COLUMN{number}"):
            return column
    return None
