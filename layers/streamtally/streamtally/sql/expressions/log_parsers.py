"""Records of log parsers: the columns of each, and their expressions in the plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from streamtally.errors import SettingsError
from streamtally.plan.functions.logs import fast_regex_columns, regex_columns, w3c_columns
from streamtally.plan.types import TIMESTAMP, VARCHAR, SqlType, parse_type
from streamtally.sql.expressions.typed import PlanNode


@dataclass(frozen=True, slots=True)
class RecordColumn:
    """A column of a log parser's record.

    Attributes:
        name: its name.
        type: its type.
        call: the plan's function that gives it.
        before: the constant arguments of the call before the text.
        after: the constant arguments of the call after the text.
    """

    name: str
    type: SqlType
    call: str
    before: tuple[PlanNode, ...] = ()
    after: tuple[PlanNode, ...] = ()


def _literal(value: Any) -> PlanNode:
    return {"literal": value, "type": "INTEGER" if isinstance(value, int) else "VARCHAR"}


def _numbered(call: str, count: int, *options: str, sql_type: SqlType = VARCHAR) -> list[RecordColumn]:
    before = tuple(map(_literal, options))
    return [RecordColumn(f"COLUMN{n}", sql_type, call, (*before, _literal(n))) for n in range(1, count + 1)]


def _regex(options: Sequence[Any]) -> list[RecordColumn]:
    return _numbered("regex_log_parse", regex_columns(_only_text(options))[0], _only_text(options))


def _fast_regex(options: Sequence[Any]) -> list[RecordColumn]:
    pattern = _only_text(options)
    return _numbered("fast_regex_log_parse", fast_regex_columns(pattern)[0], pattern, sql_type=SqlType("VARCHAR", 1024))


def _w3c(options: Sequence[Any]) -> list[RecordColumn]:
    return _numbered("w3c_log_parse", w3c_columns(_only_text(options))[0], _only_text(options))


def _syslog(options: Sequence[Any]) -> list[RecordColumn]:
    if options:
        raise SettingsError("SYS_LOG_PARSE takes only the text")
    return [
        RecordColumn("COLUMN1", TIMESTAMP, "sys_log_time"),
        RecordColumn("COLUMN2", VARCHAR, "sys_log_text"),
    ]


_TYPED_NAME = r"""
    \s* (?P<name> "[^"]+" | \w+ )
    \s+ TYPE \s+ (?P<type> [\w ]+? (?: \( [\d, ]+ \) )? )  # as in VARCHAR(10) and DECIMAL(8, 2)
    (?: \s+ NOT \s+ NULL )?
"""
_POSITION = r"""
    \s+ START \s+ (?P<start> \d{1,6} )                     # from 0
    (?: \s+ FOR \s+ (?P<length> \d{1,6} ) )?
"""
_FIXED = re.compile(_TYPED_NAME + _POSITION + r"\s*", re.VERBOSE | re.IGNORECASE)
_VARIABLE = re.compile(_TYPED_NAME + r"\s*", re.VERBOSE | re.IGNORECASE)
_COMMA = re.compile(r", (?! [^()]* \) )  # not inside parentheses", re.VERBOSE)


def _fixed(options: Sequence[Any]) -> list[RecordColumn]:
    """``'name TYPE VARCHAR(10) START 0 FOR 10, …'``; without FOR a column extends to the start of the next one."""
    matches = _match_all(
        _FIXED, _only_text(options), "describe the columns as 'name TYPE VARCHAR(10) START 0 FOR 10, …'"
    )
    columns = []
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        start = int(match["start"])
        after = [_literal(start + 1)]
        if match["length"]:
            after.append(_literal(int(match["length"])))
        elif following is not None:
            after.append(_literal(max(0, int(following["start"]) - start)))
        columns.append(RecordColumn(_name(match["name"]), parse_type(match["type"]), "substring", (), tuple(after)))
    return columns


def _match_all(pattern: re.Pattern[str], description: str, advice: str) -> list[re.Match[str]]:
    """The match of each column in a description. Raises: SettingsError: one does not match."""
    parts = _COMMA.split(description)
    matches = [match for part in parts if (match := pattern.fullmatch(part))]
    if len(matches) < len(parts):
        raise SettingsError(advice)
    return matches


def _variable(options: Sequence[Any]) -> list[RecordColumn]:
    """The number of columns, or ``'name TYPE VARCHAR(10), …'``; the delimiter; optionally an escape and a quote."""
    if not 2 <= len(options) <= 4:
        raise SettingsError("write VARIABLE_COLUMN_LOG_PARSE(text, columns, delimiter [, escape, quote])")
    delimiter, escape, quote = ([str(option) for option in options[1:]] + ["", ""])[:3]
    description = str(options[0]).strip()
    before = tuple(map(_literal, (delimiter, escape, quote)))
    call = "variable_column_log_parse"
    if description.isdigit() and 1 <= int(description) <= 1000:
        return _numbered(call, int(description), delimiter, escape, quote)
    advice = "give the number of columns, or describe them as 'name TYPE VARCHAR(10), …'"
    return [
        RecordColumn(_name(match["name"]), parse_type(match["type"]), call, (*before, _literal(n)))
        for n, match in enumerate(_match_all(_VARIABLE, description, advice), 1)
    ]


def _only_text(options: Sequence[Any]) -> str:
    if len(options) != 1 or not isinstance(options[0], str):
        raise SettingsError("a log parser takes the text and a description in quotes")
    return str(options[0])


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
"""Name of a parser → (its constant arguments → the columns of its record). Raises SettingsError."""


def find_column(columns: Sequence[RecordColumn], name: str) -> RecordColumn | None:
    """A column of a record by its name, or by its number: COLUMN1, COLUMN2 …"""
    for number, column in enumerate(columns, 1):
        if name in (column.name, f"COLUMN{number}"):
            return column
    return None
