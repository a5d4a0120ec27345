"""Pieces of the code of generated parsers: a column's variable, the expression of its value, the row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from streamtally.formats.engine.columns import FLAGS, Column
from streamtally.formats.engine.memo import Remembered

SHOWN_AT_ONCE = 15  # the compiler builds a larger dict display in pieces and merges them, which takes longer

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


def variable(column: Column) -> str:
    return f"v_{column.name}"


def value_code(column: Column) -> str:
    """The expression of a column's value; ``{0}`` stands for the variable that holds its text."""
    if not column.nullable and not column.can_be_none:
        return _VALUE_CODE_WITHOUT_NULL[column.type]
    code = _VALUE_CODE[column.type]
    return code.replace("{0} ==", "{0} is None or {0} ==") if column.can_be_none and column.type != "VARCHAR" else code


def convert(column: Column, text: str | None) -> Any:
    """The value that the code of ``value_code`` gives for a text."""
    if text is None or (text == "-" and (column.nullable or column.optional)):
        return None
    return _CONVERT[column.type](text)


def return_dict(items: Sequence[tuple[str, str]]) -> list[str]:
    """The statements that return a dict of these names and expressions."""
    shown = ", ".join(f"{name!r}: {value}" for name, value in items[:SHOWN_AT_ONCE])
    if len(items) <= SHOWN_AT_ONCE:
        return [f"return {{{shown}}}"]
    return [f"row = {{{shown}}}", *(f"row[{name!r}] = {value}" for name, value in items[SHOWN_AT_ONCE:]), "return row"]


def indented(indent: int, statements: Sequence[str]) -> str:
    """The statements as lines of code."""
    return "".join(f"{' ' * indent}{statement}\n" for statement in statements)


def remember_values(column: Column) -> Remembered[Any]:
    """The cache of a column's converted values. Raises on look-up: ValueError: the text is not a value."""
    fullmatch = re.compile(column.plain_pattern, FLAGS).fullmatch

    def to_value(text: str) -> Any:
        match = fullmatch(text)
        if match is None:
            raise ValueError
        return convert(column, match[1])

    return Remembered(to_value)


def unroll(pattern: str) -> str:
    """The pattern with ``[0-9]{2}`` written as ``[0-9][0-9]``, which matches faster."""
    return _COUNTED.sub(lambda match: match[1] * int(match[2]), pattern)
