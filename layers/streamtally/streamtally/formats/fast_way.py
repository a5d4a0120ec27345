"""The fast half of a layout's parser: the code for the line as it mostly comes.

Such a line has every column and no backslash. Its pattern has no escapes to look for, and takes runs of columns whose
values come again and again together (a cipher and its protocol, a certificate and its name) as one part, whose values
are remembered. What this half takes, the exact pattern takes with the same values (a test holds the two against each
other).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from streamtally.formats.base import Row
from streamtally.formats.remembered import Remembered
from streamtally.formats.value_code import FLAGS, SHOWN_AT_ONCE, convert, display, indented, value_code

if TYPE_CHECKING:
    from streamtally.formats.layout import Column, Layout

_MAX_DIGITS = 18
_COUNTED = re.compile(r"(\[(?:[0-9A-Za-z]-[0-9A-Za-z])+\])\{([1-4])\}")
_ANY_NUMBER = r"([0-9.+\-]{1,31}+)"  # of a number that is looked up, which also tells whether it is one
# Of a cell that no pattern has seen: float() would take nan, and int() 1_000.
_CELL_CODE = {
    "INTEGER": 'int({0}) if {0}.isdecimal() and len({0}) < 10 else None if {0} == "-" else fail()',
    "BIGINT": 'int({0}) if {0}.isdecimal() and len({0}) < 19 else None if {0} == "-" else fail()',
}


class FastWay:
    """The code, and the names that it uses, for a line that has every column and no backslash.

    A part of the line is one column or a run of them. Its text is in a variable with the name of its first column,
    where the pattern's groups or the layout's own ``split`` put it.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._columns = [column for column in layout.columns if column.name != "extra"]
        self._numbers = {run[0] for run in layout.hints.numbers}
        self._parts = self._to_parts([*layout.hints.runs, *layout.hints.numbers])
        self.scope: dict[str, Any] = {"BACKSLASH": "\\", "fail": _fail, "loads": orjson.loads}
        condition, texts = self._split() if layout.hints.split else self._match()
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
        if len(part) == 1:
            return first.before + (
                _ANY_NUMBER if first.is_number_looked_up and first.name not in self._numbers else first.plain_pattern
            )
        inside = "".join(column.before + _without_group(column.plain_pattern) for column in part)
        return f"{first.before}({inside.removeprefix(first.before)})"

    def _split(self) -> tuple[str, list[str]]:
        hints = self._layout.hints
        if hints.head:
            head = "".join(column.expression for column in self._columns[: hints.head])
            head += self._columns[hints.head].before
            self.scope["begins"] = re.compile(_written_out(head), FLAGS).match
        names = ", ".join(map(_variable, self._columns))
        statements = hints.split.replace("ALL", names).strip().splitlines()
        for part in self._parts:
            if part[0] in self._columns[hints.head :] and len(part) == 1 and part[0].name not in hints.checked:
                statements += self._check(part[0])
        return (
            f"BACKSLASH not in line and line.isascii(){' and (found := begins(line))' * bool(hints.head)}",
            statements,
        )

    def _check(self, column: Column) -> list[str]:
        """What asks a column's own pattern about its text."""
        if column.type != "VARCHAR" or not column.pattern or column.is_looked_up or column.escaped:
            return []
        pattern = re.compile(column.plain_pattern, FLAGS)
        self.scope[f"check_{column.name}"] = pattern.fullmatch
        variable = _variable(column)
        return [f"if (found := check_{column.name}({variable})) is None: fail()", f"{variable} = found[1]"]

    def _row_statements(self) -> list[str]:
        names = [column.name for column in self._layout.columns]
        runs = [part for part in self._parts if len(part) > 1 and part[0].name not in self._numbers]
        if len(names) <= SHOWN_AT_ONCE and not runs:
            values = {part[0].name: self._value(part[0]) for part in self._parts}
            return display([(name, values.get(name, "None")) for name in names])
        runs.sort(key=len)
        if runs:
            start = f"row = {self._known_run(runs.pop(), names)}.copy()"
        else:
            self.scope["empty_row"], start = dict.fromkeys(names), "row = empty_row.copy()"
        updates = [f"row |= {self._known_run(part)}" for part in runs]
        stores = []
        for part in self._parts:
            if part[0].name in self._numbers:
                stores += [f"row[{column.name!r}] = {_variable(column)}" for column in part]
            elif len(part) == 1:
                stores.append(self._store(part[0]))
        return [start, *updates, *stores, "return row"]

    def _known_run(self, part: Sequence[Column], names: Sequence[str] = ()) -> str:
        """What is remembered of a run: its fields, or a whole row with these alone in it."""
        pattern = "".join(column.mandatory for column in part)
        enclosed = part[0].name in self._layout.hints.enclosed
        exact = re.compile(f"{pattern} " if enclosed else pattern.removeprefix(part[0].before), FLAGS)
        base: Row = dict.fromkeys(names)

        def to_fields(text: str) -> Row:
            found = exact.fullmatch(text)
            if found is None:
                raise ValueError
            return base | {each.name: convert(each, group) for each, group in zip(part, found.groups(), strict=True)}

        self.scope[f"run_{part[0].name}"] = Remembered(to_fields)
        return f"run_{part[0].name}[{_variable(part[0])}]"

    def _value(self, column: Column) -> str:
        if not column.is_looked_up:
            is_cell = self._layout.hints.split and column.type != "VARCHAR"
            return (_CELL_CODE[column.type] if is_cell else value_code(column)).format(_variable(column))
        fullmatch = re.compile(column.plain_pattern, FLAGS).fullmatch

        def to_value(text: str) -> Any:
            found = fullmatch(text)
            if found is None:
                raise ValueError
            return convert(column, found[1])

        self.scope[f"known_{column.name}"] = Remembered(to_value)
        return f"known_{column.name}[{_variable(column)}]"

    def _store(self, column: Column) -> str:
        variable = _variable(column)
        if column.type == "VARCHAR" and not column.is_looked_up and (column.nullable or column.optional):
            return f'if {variable} != "-": row[{column.name!r}] = {variable}'
        return f"row[{column.name!r}] = {self._value(column)}"


def _variable(column: Column) -> str:
    return f"v_{column.name}"


def _fail() -> None:
    """Called in a generated parser where a cell is no plain number: then the pattern decides about the line."""
    raise ValueError


def _written_out(pattern: str) -> str:
    """The pattern with ``[0-9]{2}`` as ``[0-9][0-9]``, which takes less time."""
    return _COUNTED.sub(lambda found: found[1] * int(found[2]), pattern)


def _without_group(pattern: str) -> str:
    """The pattern with its one group no group."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)
