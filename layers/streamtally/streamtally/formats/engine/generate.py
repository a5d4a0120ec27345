"""The code of a layout's parser: first for the line as it mostly comes (fast_way), then for any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import FormatOptions, Parser, Row
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.escapes import unescape
from streamtally.formats.engine.fast_way import FastWay
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.value_code import display, indented, value_code

FastParser = Callable[[str], Row | None]
"""A line → its row, None for one that must be asked for by the exact pattern."""


def compile_layout(layout: Layout, options: FormatOptions) -> Parser:
    """A layout's parser: the fast way, else the exact one."""
    fast = FastWay(layout)
    parser: Parser = _compile({**fast.scope, **_exact_scope(layout)}, fast.code + _exact_code(layout, options))
    return parser


def generate_fast(layout: Layout) -> FastParser:
    """The fast way alone."""
    fast = FastWay(layout)
    parser: FastParser = _compile(fast.scope, fast.code + "    return None\n")
    return parser


def generate_exact(layout: Layout, options: FormatOptions) -> Parser:
    """The exact way alone, which the other is held against."""
    parser: Parser = _compile(_exact_scope(layout), _exact_code(layout, options))
    return parser


def _compile(scope: dict[str, Any], body: str) -> Any:
    exec(f"def parse(line):\n{body}", scope)  # noqa: S102 - made of the column names, nothing of a line or an option
    return scope["parse"]


def _exact_scope(layout: Layout) -> dict[str, Any]:
    return {
        "match": layout.pattern.match,
        "FormatError": FormatError,
        "name": layout.name,
        "reason": layout.reason,
        "header": layout.header or layout.reason,
        "unescape": unescape,
    }


def _exact_code(layout: Layout, options: FormatOptions) -> str:
    columns = layout.columns
    variables = [f"v{place}" for place in range(len(columns))]
    values = [_exact_value(column, options).format(name) for column, name in zip(columns, variables, strict=True)]
    items = [(column.name, value) for column, value in zip(columns, values, strict=True)]
    return (
        "    found = match(line)\n"
        "    if found is None:\n"
        "        raise FormatError(name, header if line[:1] == '#' else reason)\n"
        f"    {', '.join(variables)}, = found.groups()\n"
    ) + indented(4, display(items))


def _exact_value(column: Column, options: FormatOptions) -> str:
    if options.unescape and column.escaped:
        return 'None if {0} is None or {0} == "-" else unescape({0})'
    return value_code(column)
