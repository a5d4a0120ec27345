"""The rows of W3C entries: cells, by the names of their columns."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

from streamtally.formats.base import Row
from streamtally.formats.engine.memo import Remembered
from streamtally.formats.engine.statements import SHOWN_AT_ONCE
from streamtally.formats.w3c_header import Separator
from streamtally.lazy_patterns import pattern_when_used

MAX_HEADERS = 256
"""Headers whose functions are kept; a further one replaces the oldest."""
ROWS_BEFORE = 8
"""Rows under a header before its function is generated; as many as it has columns if that is more."""
LONG = 1_000
"""Lines of fewer characters are split whole, which is faster than to stop at a number of cells."""

Convert = Callable[[str], Any]
ToRow = Callable[[list[str]], Row]
"""Cells → a row. Raises: ValueError: another number of cells than there are columns."""

_NUMBER = pattern_when_used(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = pattern_when_used(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
# Linear: a string ends at the first quote that is not doubled, so each quote is passed once.
_CELL = pattern_when_used(
    r'"((?:[^"]++|"")*+)"(?=[ \t]|\Z)'  # a string in quotes, in which two quotes stand for one
    r"|([^ \t]++)"  # any other cell
)
_WORD = pattern_when_used(r"[^ \t]++")
_COMMA_CELL = pattern_when_used(
    r'"((?:[^"]++|"")*+)"(?=,|\Z)'  # the same, before a comma
    r"|([^,]*+)"
)


def to_integer(text: str) -> int | str | None:
    """A cell's integer; None for ``-``; any other text unmodified."""
    return None if text == "-" else int(text) if _NUMBER.fullmatch(text) else text


def to_decimal(text: str) -> float | str | None:
    """A cell's number; None for ``-``; any other text unmodified."""
    return None if text == "-" else float(text) if _DECIMAL.fullmatch(text) else text


def split_cells(line: str, count: int, separator: Separator, has_strings: bool) -> list[str]:
    """The cells of an entry, by the separator and strings of its header.

    An entry whose tabs alone give the number of cells is split at these, as CloudFront separates them whatever its
    header has. An entry of too few cells is split at single spaces: some programs leave an empty value between two.

    Args: count: how many cells the header has. Of a long line with more cells, only as many are returned as show that.
    """
    if separator is Separator.COMMA:
        return _split_commas(line, count)
    if "\t" in line:
        cells = line.split("\t", count + 1)
        if len(cells) == count + 1 and not cells[-1]:
            cells.pop()
        if separator is Separator.TAB or len(cells) == count:
            return [_unquoted(cell) for cell in cells] if has_strings else cells
    if has_strings and '"' in line:
        return [other or string.replace('""', '"') for string, other in _find_some(_CELL, line, count + 1)]
    cells = _find_some(_WORD, line, count + 1)
    return cells if len(cells) >= count else line.split(" ", count)


def _find_some(pattern: re.Pattern[str], line: str, most: int) -> list[Any]:
    """The pattern's matches, as ``findall`` returns them; of a long line only the first ones, up to ``most``."""
    if len(line) < LONG:
        return pattern.findall(line)
    matches = itertools.islice(pattern.finditer(line), most)
    return [match.groups("") if pattern.groups else match[0] for match in matches]


def _unquoted(cell: str) -> str:
    is_string = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if is_string else cell


def _split_commas(line: str, count: int) -> list[str]:
    cells, position = [], 0
    while True:
        match = _COMMA_CELL.match(line, position)
        if match is None:  # never: the second alternative takes any text, also an empty one
            raise ValueError
        string, other = match.groups()
        cells.append(other if string is None else string.replace('""', '"'))
        position = match.end() + 1
        if match.end() >= len(line) or len(cells) > count:
            return cells


class Rows:
    """Makes rows from cells, by the names of their columns.

    A function is generated for names under which some rows have come; other rows are made cell by cell. That is slower
    per row but far cheaper than generating a function, and a hostile log has new names before every row.

    Args: converters: column → the conversion of its cells other than ``-``, which is None; all others are text.
    """

    def __init__(self, converters: Mapping[str, Convert]) -> None:
        self._converters = converters
        self._known: dict[tuple[str, ...], ToRow] = {}
        self._seen: dict[tuple[str, ...], int] = {}

    def find(self, names: tuple[str, ...]) -> ToRow | None:
        """The function for these names, if it has been generated."""
        return self._known.get(names)

    def read(self, names: tuple[str, ...], cells: list[str]) -> Row:
        """A row, made cell by cell. Raises: ValueError."""
        if len(cells) != len(names):
            raise ValueError
        self._learn(names)
        row: Row = {}
        for name, cell in zip(names, cells, strict=True):
            if name not in row:  # the first of two columns with the same name counts
                convert = self._converters.get(name)
                row[name] = convert(cell) if convert else None if cell == "-" else cell
        return row

    def _learn(self, names: tuple[str, ...]) -> None:
        seen = self._seen.pop(names, 0) + 1
        if seen < max(ROWS_BEFORE, len(names)):
            if len(self._seen) >= MAX_HEADERS:
                self._seen.pop(next(iter(self._seen)))
            self._seen[names] = seen
            return
        if len(self._known) >= MAX_HEADERS:
            self._known.pop(next(iter(self._known)))
        self._known[names] = generate(names, self._converters)


class RowReader:
    """Reads rows under the same names, by the generated function as soon as there is one.

    Args: names: of the columns, in their order.
    """

    def __init__(self, rows: Rows, names: tuple[str, ...]) -> None:
        self._rows = rows
        self._names = names
        self._to_row: ToRow | None = None

    def read(self, cells: list[str]) -> Row:
        """A row. Raises: ValueError: another number of cells than there are columns, or cells of another kind."""
        if self._to_row is None:
            self._to_row = self._rows.find(self._names)
        return self._to_row(cells) if self._to_row is not None else self._rows.read(self._names, cells)


def generate(names: tuple[str, ...], converters: Mapping[str, Convert]) -> ToRow:
    """The function for these names."""
    unique = list(dict.fromkeys(names))
    variables = [f"v{index}" for index in range(len(names))]
    kinds = list(dict.fromkeys(converters.values()))
    values = {
        name: f"known{kinds.index(converters[name])}[{variable}]" if name in converters else variable
        for name, variable in ((name, variables[names.index(name)]) for name in unique)
    }
    code = f"def row(cells):\n    {', '.join(variables)}, = cells\n"
    scope: dict[str, Any] = {f"known{index}": Remembered(kind) for index, kind in enumerate(kinds)}
    if len(unique) <= SHOWN_AT_ONCE:
        items = (f'{name!r}: None if {variables[names.index(name)]} == "-" else {values[name]}' for name in unique)
        code += f"    return {{{', '.join(items)}}}\n"
    else:  # a large display takes longer than a copy in which only what has a value is stored
        scope["empty_row"] = dict.fromkeys(unique)
        stores = (f'    if {variables[names.index(name)]} != "-": row[{name!r}] = {values[name]}\n' for name in unique)
        code += f"    row = empty_row.copy()\n{''.join(stores)}    return row\n"
    exec(code, scope)  # noqa: S102 - names consist of letters, digits and _ (to_names), or are quoted by repr
    function: ToRow = scope["row"]
    return function
