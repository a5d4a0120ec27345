"""Fast paths that split a line at its tabs: for wide rows, that takes less time than to match them by a pattern.

A cell is text that may be anything, a value that is looked up, or an integer of digits; the first ones, such as a time,
may also be texts of a pattern. Lines with more or fewer cells are left to the exact path.
"""

from __future__ import annotations

import re
from typing import Any

from streamtally.formats.base import Row
from streamtally.formats.engine.columns import CELL, FLAGS, Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.memo import MAX_CHARACTERS, MAX_PARTS
from streamtally.formats.engine.statements import SHOWN_AT_ONCE, indented, remember_values, unroll, variable
from streamtally.memo import Memo

_DIGITS = re.compile(r"\[0-9\]\{1,([0-9]+)\}\+?+(?:\|-)?")  # the pattern of an integer without a sign


def is_split(layout: Layout) -> bool:
    """Whether the layout's lines can be split: a row of many columns with a tab between each two."""
    first, *others = layout.columns
    return (
        len(layout.columns) > SHOWN_AT_ONCE
        and layout.end == r"\Z"
        and not first.before
        and all(column.before == "\t" for column in others)
        and all(map(_is_cell, _columns(layout)[_count_matched(layout) :]))
    )


class SplittingPath:
    """The code of the fast path, and the names that it uses.

    Attributes:
        code: statements that return the row of a plain line, and do nothing for another line.
        scope: the names that the code uses, and what they stand for.
    """

    def __init__(self, layout: Layout) -> None:
        self._columns = _columns(layout)
        recurring = max(layout.recurring, key=len, default=())
        self._recurring = [column for column in self._columns if column.name in recurring]
        self._empty_row: Row = dict.fromkeys(column.name for column in layout.columns)
        self._matched = self._columns[: _count_matched(layout)]
        beginning = unroll("".join(column.plain_text + r"\t" for column in self._matched))
        self.scope: dict[str, Any] = {"refuse": _refuse, "begins": re.compile(beginning, FLAGS).match}
        condition = "begins(line) is not None and " if self._matched else ""
        cells = ", ".join(map(variable, self._columns))
        stores = [self._store(column) for column in self._columns if column not in self._recurring]
        self.code = (
            "    cells = line.split('\\t')\n"
            f"    if {condition}len(cells) == {len(self._columns)}:\n"
            f"        {cells}, = cells\n"
            "        try:\n"
            f"{indented(12, [self._begin(), *stores, 'return row'])}"
            "        except ValueError:\n"  # a cell that is not of its column's type: the exact path decides
            "            pass\n"
        )

    def _begin(self) -> str:
        """The statement that binds the row, with the values of cells that recur together."""
        if not self._recurring:
            self.scope["empty_row"] = self._empty_row
            return "row = empty_row.copy()"
        caches = [remember_values(column) for column in self._recurring]
        names = [column.name for column in self._recurring]

        def to_row(cells: tuple[str, ...]) -> Row:
            values = [known[cell] for known, cell in zip(caches, cells, strict=True)]
            return {**self._empty_row, **dict(zip(names, values, strict=True))}

        self.scope["known_rows"] = _Rows(to_row, MAX_PARTS, MAX_CHARACTERS)
        return f"row = known_rows[{', '.join(map(variable, self._recurring))},].copy()"

    def _store(self, column: Column) -> str:
        text = variable(column)
        store = f"row[{column.name!r}] = {self._value(column)}"
        is_tested = _can_be_null(column) and not column.is_looked_up
        return f'if {text} != "-": {store}' if is_tested else store

    def _value(self, column: Column) -> str:
        text = variable(column)
        if column.is_looked_up:
            self.scope[f"known_{column.name}"] = remember_values(column)
            return f"known_{column.name}[{text}]"
        if column.exact_pattern == CELL or column in self._matched:
            return text
        digits = _most_digits(column)
        return f"int({text}) if {text}.isdigit() and {text}.isascii() and len({text}) <= {digits} else refuse()"


class _Rows(Memo[tuple[str, ...], Row]):
    """Cells → the row that has their values alone."""

    __slots__ = ()

    def text_in(self, key: tuple[str, ...]) -> str:
        return "".join(key)


def _columns(layout: Layout) -> list[Column]:
    """The columns of a plain line."""
    return [column for column in layout.columns if column.name != "extra" and not column.is_rare]


def _count_matched(layout: Layout) -> int:
    """How many of the first columns are texts of a pattern that differ from line to line."""
    are_cells = (column.type != "VARCHAR" or column.escaped or _is_cell(column) for column in _columns(layout))
    return next((index for index, is_cell in enumerate(are_cells) if is_cell), 0)


def _is_cell(column: Column) -> bool:
    if column.escaped or column.can_be_empty:
        return False
    return column.is_looked_up or column.exact_pattern == CELL or _most_digits(column) > 0


def _can_be_null(column: Column) -> bool:
    """Whether a cell of ``-`` is null: in any other column it is a text, or does not fit."""
    can_be = column.nullable or column.optional
    return can_be and re.fullmatch(column.exact_pattern, "-", FLAGS) is not None


def _most_digits(column: Column) -> int:
    """How many digits an integer may have; 0 if the column is not an integer without a sign."""
    match = _DIGITS.fullmatch(column.exact_pattern) if column.type != "VARCHAR" else None
    return int(match[1]) if match else 0


def _refuse() -> None:
    """Raises: ValueError: always."""
    raise ValueError
