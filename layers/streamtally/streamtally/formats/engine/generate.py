"""A layout's parser as generated code: a fast path for a plain line, then the exact pattern for any line.

A plain line has every column that is not rare, and no backslash. The fast path matches it by a pattern that looks for
no escapes (``matching``), or splits it at its tabs (``splitting``). Whatever the fast path takes, the exact pattern
takes with the same values; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from streamtally.errors import FormatError
from streamtally.formats.base import FormatOptions, Parser, Row
from streamtally.formats.engine.columns import Column
from streamtally.formats.engine.layout import Layout
from streamtally.formats.engine.matching import MatchingPath
from streamtally.formats.engine.splitting import SplittingPath, is_split
from streamtally.formats.engine.statements import indented, return_dict, value_code

FastParser = Callable[[str], Row | None]
"""A line → its row; None for a line that only the exact pattern can decide."""

_MAX_LAYOUTS = 256  # whose fast paths are kept; the formats have about 70, each directive has its own


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
    ) + indented(4, return_dict(items))


def _exact_value(column: Column, options: FormatOptions) -> str:
    if options.unescape and column.escaped:
        return 'None if {0} is None or {0} == "-" else unescape({0})'
    return value_code(column)


@lru_cache(maxsize=_MAX_LAYOUTS)
def _fast_path(layout: Layout) -> MatchingPath | SplittingPath:
    """The layout's fast path. To compile its pattern takes most of the time that a parser takes to make."""
    return SplittingPath(layout) if is_split(layout) else MatchingPath(layout)
