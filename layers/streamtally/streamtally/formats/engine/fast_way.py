"""The fast half of a layout's parser: the code for the line as it mostly comes.

Such a line has every column and no backslash, so its pattern has no escapes to look for, and numbers that stand
together are converted at once. What this half takes, the exact pattern takes with the same values (a test holds the two
against each other).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from streamtally.formats.engine.columns import FLAGS, Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.memo import Remembered
from streamtally.formats.engine.value_code import SHOWN_AT_ONCE, convert, display, indented, value_code

_MAX_DIGITS = 18
_COUNTED = re.compile(r"(\[(?:[0-9A-Za-z]-[0-9A-Za-z])+\])\{([1-4])\}")
_ANY_NUMBER = r"([0-9.+\-]{1,31}+)"  # of a number that is looked up, which also tells whether it is one


class FastWay:
    """The code, and the names that it uses, for a line that has every column and no backslash.

    A part of the line is one column or a run of numbers. Its text is in a variable with the name of its first column.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._columns = [column for column in layout.columns if column.name != "extra"]
        self._numbers = {run[0] for run in layout.numbers}
        self._parts = self._to_parts(layout.numbers)
        self.scope: dict[str, Any] = {"BACKSLASH": "\\", "loads": orjson.loads}
        condition, texts = self._match()
        self.code = (
            f"    if {condition}:\n"
            "        try:\n"
            f"{indented(12, [*texts, *self._row_statements()])}"
            "        except ValueError:\n"  # of a part that is none
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
        expression = "".join(map(self._expression, self._parts)) + self._layout.end
        self.scope["match_fast"] = re.compile(_written_out(expression), FLAGS).match
        statements = [f"{', '.join(_variable(part[0]) for part in self._parts)}, = found.groups()"]
        if self._numbers:
            read = [part for part in self._parts if part[0].name in self._numbers]
            variables = ", ".join(_variable(column) for part in read for column in part)
            texts = ",".join(f"{{{_variable(part[0])}}}" for part in read)
            statements.append(f"{variables} = loads(f'[{texts}]'.replace('/', ','))")
        return "BACKSLASH not in line and (found := match_fast(line)) is not None", statements

    def _expression(self, part: Sequence[Column]) -> str:
        first = part[0]
        if first.name in self._numbers and len(part) > 1:
            # So short that none of them has more digits than a number may have.
            sign = r"\-" * any(r"\-" in column.exact_pattern for column in part)
            return f"{first.before}([0-9/{sign}]{{{2 * len(part) - 1},{_MAX_DIGITS + 2 * (len(part) - 1)}}}+)"
        is_looked_up = first.is_number_looked_up and first.name not in self._numbers
        return first.before + (_ANY_NUMBER if is_looked_up else first.plain_pattern)

    def _row_statements(self) -> list[str]:
        names = [column.name for column in self._layout.columns]
        if len(names) <= SHOWN_AT_ONCE:
            values = {part[0].name: self._value(part[0]) for part in self._parts}
            return display([(name, values.get(name, "None")) for name in names])
        self.scope["empty_row"] = dict.fromkeys(names)
        stores = []
        for part in self._parts:
            if part[0].name in self._numbers:
                stores += [f"row[{column.name!r}] = {_variable(column)}" for column in part]
            else:
                stores.append(self._store(part[0]))
        return ["row = empty_row.copy()", *stores, "return row"]

    def _value(self, column: Column) -> str:
        if not column.is_looked_up:
            return value_code(column).format(_variable(column))
        fullmatch = re.compile(column.plain_pattern, FLAGS).fullmatch

        def to_value(text: str) -> Any:
            match = fullmatch(text)
            if match is None:
                raise ValueError
            return convert(column, match[1])

        self.scope[f"known_{column.name}"] = Remembered(to_value)
        return f"known_{column.name}[{_variable(column)}]"

    def _store(self, column: Column) -> str:
        variable = _variable(column)
        if column.type == "VARCHAR" and not column.is_looked_up and (column.nullable or column.optional):
            return f'if {variable} != "-": row[{column.name!r}] = {variable}'
        return f"row[{column.name!r}] = {self._value(column)}"


def _variable(column: Column) -> str:
    return f"v_{column.name}"


def _written_out(pattern: str) -> str:
    """The pattern with ``[0-9]{2}`` as ``[0-9][0-9]``, which takes less time."""
    return _COUNTED.sub(lambda found: found[1] * int(found[2]), pattern)
