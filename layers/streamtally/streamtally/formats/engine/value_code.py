"""Pieces of generated parsers: the expressions that make a column's value, and a dict of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streamtally.formats.engine.columns import Column

SHOWN_AT_ONCE = 15  # the compiler builds a larger dict display in pieces that it merges, which takes longer
_CODE = {
    "VARCHAR": 'None if {0} == "-" else {0}',
    "INTEGER": 'None if {0} == "-" else int({0})',
    "BIGINT": 'None if {0} == "-" else int({0})',
    "DOUBLE": 'None if {0} == "-" else float({0})',
}
_CODE_WITHOUT_NULL = {"VARCHAR": "{0}", "INTEGER": "int({0})", "BIGINT": "int({0})", "DOUBLE": "float({0})"}
_CONVERT: dict[str, Callable[[str], Any]] = {"VARCHAR": str, "INTEGER": int, "BIGINT": int, "DOUBLE": float}


def value_code(column: Column) -> str:
    """The expression of a column's value; ``{0}`` stands for the variable with its text."""
    if not column.nullable and not column.can_be_none:
        return _CODE_WITHOUT_NULL[column.type]
    code = _CODE[column.type]
    return code.replace("{0} ==", "{0} is None or {0} ==") if column.can_be_none and column.type != "VARCHAR" else code


def convert(column: Column, text: str | None) -> Any:
    """The same value, worked out now."""
    if text is None or (text == "-" and (column.nullable or column.optional)):
        return None
    return _CONVERT[column.type](text)


def display(items: Sequence[tuple[str, str]]) -> list[str]:
    """The statements that return a dict of these names and expressions."""
    shown = ", ".join(f"{name!r}: {value}" for name, value in items[:SHOWN_AT_ONCE])
    if len(items) <= SHOWN_AT_ONCE:
        return [f"return {{{shown}}}"]
    return [f"row = {{{shown}}}", *(f"row[{name!r}] = {value}" for name, value in items[SHOWN_AT_ONCE:]), "return row"]


def indented(indent: int, statements: Sequence[str]) -> str:
    """The statements as lines."""
    return "".join(f"{' ' * indent}{statement}\n" for statement in statements)
