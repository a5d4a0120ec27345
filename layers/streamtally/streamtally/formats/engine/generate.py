"""A layout's parser as generated code: a fast path for a plain line, then the exact pattern for any line.

A plain line has every column that is not rare, and no backslash. The fast path's pattern therefore looks for no
escapes, and numbers that stand together are converted in one call. Whatever the fast path takes, the exact pattern
takes with the same values; a test compares the two.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

import orjson

from streamtally.errors import FormatError
from streamtally.formats.base import FormatOptions, Parser, Row
from streamtally.formats.engine.columns import FLAGS, Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.memo import Remembered

FastParser = Callable[[str], Row | None]
"""A line → its row; None for a line that only the exact pattern can decide."""

SHOWN_AT_ONCE = 15  # the compiler builds a larger dict display in pieces and merges them, which takes longer
_MAX_DIGITS = 18
_MAX_LAYOUTS = 256  # whose fast paths are kept; the formats have about 70, each directive has its own
_ANY_NUMBER = r"([0-9.+\-]{1,31}+)"  # of a cached number: the conversion decides whether it is one
_UP_TO = {" ": "[^ ]++", "\t": r"[^\t]++"}  # a text before a separator
_COUNTED = re.compile(
    r"(\[(?:[0-9A-Za-z]-[0-9A-Za-z])+\])"  # a class made of ranges
    r"\{([1-4])\}"  # repeated one to four times
)

_VALUE_CODE = {
    "VARCHAR": 'None if {0} == "-" else {0}',
    "INTEGER": 'None if {0} == "-" else int({0})',
    "BIGINT": 'None if {0} == "-" else int({0})',
    "DOUBLE": 'None if {0} == "-" else float({0})',
}
_VALUE_CODE_WITHOUT_NULL = {"VARCHAR": "{0}", "INTEGER": "int({0})", "BIGINT": "int({0})", "DOUBLE": "float({0})"}
_CONVERT: dict[str, Callable[[str], Any]] = {"VARCHAR": str, "INTEGER": int, "BIGINT": int, "DOUBLE": float}


def compile_layout(layout: Layout, options: FormatOptions, otherwise: Parser | None = None) -> Parser:
    """A layout's parser: the fast path, then the exact one. Parsers raise FormatError for a line that does not fit.

    Args: otherwise: parses the lines that the fast path does not take, in place of the exact one.
    """
    if otherwise is None:
        return _whole_parser(layout, options.unescape)
    fast = _fast_path(layout)
    parser: Parser = _compile({**fast.scope, "otherwise": otherwise}, fast.code + "    return otherwise(line)\n")
    return parser


@lru_cache(maxsize=2 * _MAX_LAYOUTS)
def _whole_parser(layout: Layout, unescape: bool) -> Parser:
    fast = _fast_path(layout)
    exact = _exact_code(layout, FormatOptions(unescape=unescape))
    parser: Parser = _compile({**fast.scope, **_exact_scope(layout)}, fast.code + exact)
    return parser


def generate_fast(layout: Layout) -> FastParser:
    """The fast path alone."""
    fast = _fast_path(layout)
    parser: FastParser = _compile(fast.scope, fast.code + "    return None\n")
    return parser


def generate_exact(layout: Layout, options: FormatOptions) -> Parser:
    """The exact path alone: the reference that tests hold the fast path against."""
    parser: Parser = _compile(_exact_scope(layout), _exact_code(layout, options))
    return parser


def _compile(scope: dict[str, Any], body: str) -> Any:
    exec(_to_code(body), scope)  # noqa: S102 - made of column names, never of a line or an option
    return scope["parse"]


@lru_cache(maxsize=2 * _MAX_LAYOUTS)
def _to_code(body: str) -> CodeType:
    return compile(f"def parse(line):\n{body}", "<layout>", "exec")


def _exact_scope(layout: Layout) -> dict[str, Any]:
    return {
        "match": layout.pattern.match,
        "FormatError": FormatError,
        "name": layout.name,
        "reason": layout.reason,
        "header": layout.header or layout.reason,
        "unescape": layout.undo,
    }


def _exact_code(layout: Layout, options: FormatOptions) -> str:
    variables = [f"v{index}" for index in range(len(layout.columns))]
    items = [
        (column.name, _exact_value(column, options).format(variable))
        for column, variable in zip(layout.columns, variables, strict=True)
    ]
    return (
        "    matched = match(line)\n"
        "    if matched is None:\n"
        "        raise FormatError(name, header if line[:1] == '#' else reason)\n"
        f"    {', '.join(variables)}, = matched.groups()\n"
    ) + _indented(4, _return_dict(items))


def _exact_value(column: Column, options: FormatOptions) -> str:
    if options.unescape and column.escaped:
        return 'None if {0} is None or {0} == "-" else unescape({0})'
    return _value_code(column)


class _FastPath:
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
            f"{_indented(12, [*texts, *self._row_statements()])}"
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
        self.scope["match_fast"] = re.compile(_unroll(expression), FLAGS).match
        statements = [f"{', '.join(_variable(part[0]) for part in self._parts)}, = matched.groups()"]
        if self._numbers:
            runs = [part for part in self._parts if part[0].name in self._numbers]
            variables = ", ".join(_variable(column) for part in runs for column in part)
            texts = ",".join(f"{{{_variable(part[0])}}}" for part in runs)
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
            return tuple(map(_convert, part, match.groups()))

        def to_row(text: str) -> Row:
            return {**self._empty_row, **dict(zip(names, to_values(text), strict=True))}

        names = [column.name for column in part]
        is_base = part is self._base
        self.scope[f"known_{first.name}"] = Remembered(to_row) if is_base else Remembered(to_values)
        bound = "row" if is_base else f"{', '.join(map(_variable, part))},"
        return f"{bound} = known_{first.name}[{_variable(first)}]"

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
            return _return_dict([(name, values.get(name, "None")) for name in names])
        self.scope["empty_row"] = self._empty_row
        stores = []
        for part in self._parts:
            if part is self._base:
                continue
            if self._is_bound(part):
                stores += [f"row[{column.name!r}] = {_variable(column)}" for column in part]
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
            return [(column, _variable(column)) for column in part]
        return [(part[0], self._value(part[0]))]

    def _value(self, column: Column) -> str:
        if not column.is_looked_up:
            return _value_code(column).format(_variable(column))
        fullmatch = re.compile(column.plain_pattern, FLAGS).fullmatch

        def to_value(text: str) -> Any:
            match = fullmatch(text)
            if match is None:
                raise ValueError
            return _convert(column, match[1])

        self.scope[f"known_{column.name}"] = Remembered(to_value)
        return f"known_{column.name}[{_variable(column)}]"

    def _store(self, column: Column) -> str:
        variable = _variable(column)
        if column.type == "VARCHAR" and not column.is_looked_up and (column.nullable or column.optional):
            return f'if {variable} != "-": row[{column.name!r}] = {variable}'
        return f"row[{column.name!r}] = {self._value(column)}"


@lru_cache(maxsize=_MAX_LAYOUTS)
def _fast_path(layout: Layout) -> _FastPath:
    """The layout's fast path. To compile its pattern takes most of the time that a parser takes to make."""
    return _FastPath(layout)


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


def _variable(column: Column) -> str:
    return f"v_{column.name}"


def _unroll(pattern: str) -> str:
    """The pattern with ``[0-9]{2}`` written as ``[0-9][0-9]``, which matches faster."""
    return _COUNTED.sub(lambda match: match[1] * int(match[2]), pattern)


def _value_code(column: Column) -> str:
    """The expression of a column's value; ``{0}`` stands for the variable that holds its text."""
    if not column.nullable and not column.can_be_none:
        return _VALUE_CODE_WITHOUT_NULL[column.type]
    code = _VALUE_CODE[column.type]
    return code.replace("{0} ==", "{0} is None or {0} ==") if column.can_be_none and column.type != "VARCHAR" else code


def _convert(column: Column, text: str | None) -> Any:
    """The value that the code of ``_value_code`` gives for a text."""
    if text is None or (text == "-" and (column.nullable or column.optional)):
        return None
    return _CONVERT[column.type](text)


def _return_dict(items: Sequence[tuple[str, str]]) -> list[str]:
    """The statements that return a dict of these names and expressions."""
    shown = ", ".join(f"{name!r}: {value}" for name, value in items[:SHOWN_AT_ONCE])
    if len(items) <= SHOWN_AT_ONCE:
        return [f"return {{{shown}}}"]
    return [f"row = {{{shown}}}", *(f"row[{name!r}] = {value}" for name, value in items[SHOWN_AT_ONCE:]), "return row"]


def _indented(indent: int, statements: Sequence[str]) -> str:
    """The statements as lines of code."""
    return "".join(f"{' ' * indent}{statement}\n" for statement in statements)
