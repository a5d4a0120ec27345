"""Fast paths that match a plain line by one pattern: the code of a generated parser, and the names that it uses."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import orjson

from streamtally.formats.base import Row
from streamtally.formats.engine.columns import FLAGS, Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.memo import Remembered
from streamtally.formats.engine.statements import (
    SHOWN_AT_ONCE,
    convert,
    indented,
    remember_values,
    return_dict,
    unroll,
    value_code,
    variable,
)

_MAX_DIGITS = 18
_ANY_NUMBER = r"([0-9.+\-]{1,31}+)"  # of a cached number: the conversion decides whether it is one
_UP_TO = {" ": "[^ ]++", "\t": r"[^\t]++"}  # a text before a separator


class MatchingPath:
    """The code of the fast path, and the names that it uses.

    A part of the line is one column, a run of numbers (``Layout.numbers``), or a run of columns whose values recur
    (``Layout.recurring``). Its text is in a variable named after its first column.

    Attributes:
        code: statements that return the row of a plain line, and do nothing for another line.
        scope: the names that the code uses, and what they stand for.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._columns = [column for column in layout.columns if column.name != "extra" and not column.is_rare]
        self._numbers = {run[0] for run in layout.numbers}
        self._recurring = {run[0] for run in layout.recurring}
        self._parts = self._to_parts((*layout.numbers, *layout.recurring))
        self._empty_row: Row = dict.fromkeys(column.name for column in layout.columns)
        recurring = [part for part in self._parts if part[0].name in self._recurring]
        # A large row begins as the copy of a cached row, which has the values of the longest of these runs.
        is_large = len(layout.columns) > SHOWN_AT_ONCE
        self._base = max(recurring, key=len, default=None) if is_large else None
        self.scope: dict[str, Any] = {"BACKSLASH": "\\", "loads": orjson.loads}
        condition, texts = self._match()
        self.code = (
            f"    if {condition}:\n"
            "        try:\n"
            f"{indented(12, [*texts, *self._row_statements()])}"
            "        except ValueError:\n"  # a text that is not a number: the exact path decides
            "            pass\n"
        )

    def _to_parts(self, runs: Sequence[Sequence[str]]) -> list[list[Column]]:
        run_of = {name: run for run in runs for name in run}
        parts: list[list[Column]] = []
        for column in self._columns:
            run = run_of.get(column.name)
            if run is not None and column.name != run[0]:
                parts[-1].append(column)
            else:
                parts.append([column])
        return parts

    def _match(self) -> tuple[str, list[str]]:
        """The condition that a plain line meets, and the statements that bind its parts' texts and numbers."""
        following = (*(part[0].before for part in self._parts[1:]), "")
        expression = "".join(map(self._expression, self._parts, following)) + self._layout.end
        self.scope["match_fast"] = re.compile(unroll(expression), FLAGS).match
        statements = [f"{', '.join(variable(part[0]) for part in self._parts)}, = matched.groups()"]
        if self._numbers:
            runs = [part for part in self._parts if part[0].name in self._numbers]
            variables = ", ".join(variable(column) for part in runs for column in part)
            texts = ",".join(f"{{{variable(part[0])}}}" for part in runs)
            spaced = ".replace(' ', ',')" if any(_is_spaced(part) for part in runs) else ""
            statements.append(f"{variables} = loads(f'[{texts}]'.replace('/', ','){spaced})")
        statements += [self._look_up(part) for part in self._parts if part[0].name in self._recurring]
        return "BACKSLASH not in line and (matched := match_fast(line)) is not None", statements

    def _look_up(self, part: Sequence[Column]) -> str:
        """The statement that binds the values of a run that recurs, or the row with these values alone."""
        first = part[0]
        before = ("", *(column.before for column in part[1:]))
        groups = (column.plain_pattern for column in part)
        fullmatch = re.compile("".join(itertools.chain(*zip(before, groups, strict=True))), FLAGS).fullmatch

        def to_values(text: str) -> tuple[Any, ...]:
            match = fullmatch(text)
            if match is None:
                raise ValueError
            return tuple(map(convert, part, match.groups()))

        def to_row(text: str) -> Row:
            return {**self._empty_row, **dict(zip(names, to_values(text), strict=True))}

        names = [column.name for column in part]
        is_base = part is self._base
        self.scope[f"known_{first.name}"] = Remembered(to_row) if is_base else Remembered(to_values)
        bound = "row" if is_base else f"{', '.join(map(variable, part))},"
        return f"{bound} = known_{first.name}[{variable(first)}]"

    def _expression(self, part: Sequence[Column], following: str) -> str:
        first = part[0]
        if first.name in self._recurring:
            ends = (*(column.before for column in part[1:]), following)
            texts = [column.before + _loose(column, end) for column, end in zip(part, ends, strict=True)]
            return f"{first.before}({''.join(texts).removeprefix(first.before)})"
        if first.name in self._numbers and len(part) > 1:
            # The run is so short that none of its numbers has more digits than a number may have.
            if _is_spaced(part):
                return f"{first.before}({' '.join(_digits(column) for column in part)})"
            sign = r"\-" * any(r"\-" in column.exact_pattern for column in part)
            return f"{first.before}([0-9/{sign}]{{{2 * len(part) - 1},{_MAX_DIGITS + 2 * (len(part) - 1)}}}+)"
        if not first.is_looked_up or first.name in self._numbers:
            return first.before + first.plain_pattern
        if first.type == "VARCHAR" or following in _UP_TO:
            return f"{first.before}({_loose(first, following)})"
        return first.before + _ANY_NUMBER

    def _row_statements(self) -> list[str]:
        names = [column.name for column in self._layout.columns]
        if len(names) <= SHOWN_AT_ONCE:
            values = {column.name: value for part in self._parts for column, value in self._values(part)}
            return return_dict([(name, values.get(name, "None")) for name in names])
        self.scope["empty_row"] = self._empty_row
        stores = []
        for part in self._parts:
            if part is self._base:
                continue
            if self._is_bound(part):
                stores += [f"row[{column.name!r}] = {variable(column)}" for column in part]
            else:
                stores.append(self._store(part[0]))
        base = "empty_row" if self._base is None else "row"
        return [f"row = {base}.copy()", *stores, "return row"]

    def _is_bound(self, part: Sequence[Column]) -> bool:
        """Whether the part's values are in its columns' variables already."""
        return part[0].name in self._numbers or part[0].name in self._recurring

    def _values(self, part: Sequence[Column]) -> list[tuple[Column, str]]:
        """The part's columns, with the expressions of their values."""
        if self._is_bound(part):
            return [(column, variable(column)) for column in part]
        return [(part[0], self._value(part[0]))]

    def _value(self, column: Column) -> str:
        if not column.is_looked_up:
            return value_code(column).format(variable(column))
        self.scope[f"known_{column.name}"] = remember_values(column)
        return f"known_{column.name}[{variable(column)}]"

    def _store(self, column: Column) -> str:
        text = variable(column)
        if column.type == "VARCHAR" and not column.is_looked_up and (column.nullable or column.optional):
            return f'if {text} != "-": row[{column.name!r}] = {text}'
        return f"row[{column.name!r}] = {self._value(column)}"


def _is_spaced(part: Sequence[Column]) -> bool:
    """Whether a part is a run of numbers with spaces between them."""
    return len(part) > 1 and part[1].before == " "


def _loose(column: Column, following: str) -> str:
    """The text of a value that is looked up: matches faster than its pattern, which the conversion checks."""
    if (column.type == "VARCHAR" and not column.is_looked_up) or '"' in column.exact_pattern:
        return column.plain_text
    return _UP_TO.get(following, column.plain_text)


def _digits(column: Column) -> str:
    return rf"{'-?' if '-' in column.exact_pattern.partition(']')[0] else ''}[0-9]{{1,{_MAX_DIGITS}}}+"
