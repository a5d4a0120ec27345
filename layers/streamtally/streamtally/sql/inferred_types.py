"""The types that the parts of an expression must have, as far as the expression shows; for :mod:`inference`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from streamtally.errors import SettingsError
from streamtally.plan.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER_BITS,
    TIME,
    TIMESTAMP,
    VARCHAR,
    SqlType,
    parse_type,
)
from streamtally.sql.expressions.calls import function_name
from streamtally.sql.expressions.log_parsers import PARSERS
from streamtally.sql.grammar.allowed import ARITHMETIC, COMPARISONS
from streamtally.sql.grammar.nodes import IntervalLiteral, Over, Qualified, TypedLiteral
from streamtally.sql.signatures import AGGREGATE_CALLS, NOW, SIGNATURES

_TAKES = {"text": VARCHAR, "integer": BIGINT, "timestamp": TIMESTAMP, "date": DATE, "time": TIME}

Wanted = tuple[exp.Expr, SqlType | None, bool]
"""A part of an expression, and the type that is asked of it (see ``inference``)."""


def asked_of_parts(node: exp.Expr, want: SqlType | None, is_weak: bool) -> Iterable[Wanted]:
    """The parts of an expression with the types that it asks of them."""
    if isinstance(node, exp.Anonymous) and not _is_monotonic(node):
        return _arguments(node, want, is_weak)
    if type(node) in COMPARISONS or isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ):
        return _compared([node.this, node.expression])
    if isinstance(node, exp.Between):
        return _compared([node.this, node.args["low"], node.args["high"]])
    if isinstance(node, exp.In):
        return _compared([node.this, *node.expressions])
    if type(node) in ARITHMETIC or isinstance(node, exp.Mod):
        return _calculated(node, want, is_weak)
    if isinstance(node, exp.Case):
        return _cases(node, want, is_weak)
    if isinstance(node, exp.Paren | exp.Neg | Over) or _is_monotonic(node):
        return [(node.expressions[0] if isinstance(node, exp.Anonymous) else node.this, want, is_weak)]
    return [(child, asked, False) for child, asked in _fixed(node)]


def _is_monotonic(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and function_name(node) == "MONOTONIC" and len(node.expressions) == 1


def _fixed(node: exp.Expr) -> Iterable[tuple[exp.Expr, SqlType | None]]:
    """The parts of nodes that ask for the same type wherever they stand."""
    if isinstance(node, exp.And | exp.Or | exp.Not):
        asked: SqlType | None = BOOLEAN
    elif isinstance(node, exp.Like | exp.SimilarTo | exp.DPipe):
        asked = VARCHAR
    elif isinstance(node, exp.Is):
        return [(node.this, None if isinstance(node.expression, exp.Null) else BOOLEAN)]
    elif isinstance(node, exp.Cast):
        return [(node.this, None)]
    elif isinstance(node, Qualified):
        inner = node.this
        return [(side, TIMESTAMP) for side in (inner.this, inner.expression)] if isinstance(inner, exp.Sub) else []
    else:
        asked = None
    return [(child, asked) for child in node.iter_expressions() if not isinstance(child, exp.Var | exp.Identifier)]


def _compared(sides: Sequence[exp.Expr]) -> list[Wanted]:
    known = [sql_type for side in sides if (sql_type := _type_of(side)) is not None]
    asked = known[0] if known else None
    is_weak = asked is not None and asked.is_number
    return [(side, asked, is_weak) for side in sides]


def _type_of(node: exp.Expr) -> SqlType | None:
    """The type of an expression that shows without its columns."""
    if isinstance(node, exp.Literal):
        return VARCHAR if node.is_string else DOUBLE
    if isinstance(node, exp.Boolean):
        return BOOLEAN
    if isinstance(node, TypedLiteral):
        return SqlType(str(node.args["kind"].this))
    if isinstance(node, exp.Cast):
        return _declared_cast(node)
    if isinstance(node, exp.Paren | exp.Neg):
        return _type_of(node.this)
    if isinstance(node, exp.DPipe):
        return VARCHAR
    if isinstance(node, exp.Column):
        name = str(node.this.this).upper() if isinstance(node.this, exp.Identifier) else ""
        return TIMESTAMP if name in ("ROWTIME", "APPROXIMATE_ARRIVAL_TIME") or name in NOW else None
    if isinstance(node, exp.Anonymous):
        return _type_of_call(node)
    return (
        DOUBLE
        if type(node) in ARITHMETIC and not any(isinstance(x, IntervalLiteral) for x in node.args.values())
        else None
    )


def _declared_cast(node: exp.Cast) -> SqlType | None:
    try:
        return parse_type(str(node.args["to"].this))
    except SettingsError:
        return None


def _type_of_call(node: exp.Anonymous) -> SqlType | None:
    name = function_name(node)
    if name in (
        "COUNT",
        "SUM",
        "AVG",
        "CHAR_LENGTH",
        "CHARACTER_LENGTH",
        "POSITION",
        "EXTRACT",
        "TSDIFF",
        "UNIX_TIMESTAMP",
    ):
        return BIGINT
    if name in ("FLOOR TO", "CEIL TO", "CHAR_TO_TIMESTAMP", "TO_TIMESTAMP"):
        return TIMESTAMP
    takes = SIGNATURES[name].takes if name in SIGNATURES else ()
    return (
        VARCHAR
        if takes[:1] == ("text",) and name.startswith(("UPPER", "LOWER", "SUB", "TRIM", "INIT", "OVER", "TIME"))
        else None
    )


def _calculated(node: exp.Expr, want: SqlType | None, is_weak: bool) -> list[Wanted]:
    sides = [node.this, node.expression]
    if any(isinstance(side, IntervalLiteral) for side in sides) and isinstance(node, exp.Add | exp.Sub):
        return [(side, TIMESTAMP, False) for side in sides]
    by_target = want is not None and want.is_number
    return [(side, want if by_target else DOUBLE, is_weak or not by_target) for side in sides]


def _cases(node: exp.Case, want: SqlType | None, is_weak: bool) -> list[Wanted]:
    branches = node.args["ifs"]
    values = [branch.args["true"] for branch in branches] + ([node.args["default"]] if node.args.get("default") else [])
    asked = want or next((known for value in values if (known := _type_of(value)) is not None), None)
    parts: list[Wanted] = [(value, asked, is_weak or want is None) for value in values]
    if node.this is None:
        return [*parts, *((branch.this, BOOLEAN, False) for branch in branches)]
    return [*parts, *_compared([node.this, *(branch.this for branch in branches)])]


def _arguments(node: exp.Anonymous, want: SqlType | None, is_weak: bool) -> list[Wanted]:
    name, arguments = function_name(node), node.expressions
    number: tuple[SqlType, bool] = (want, is_weak) if want is not None and want.is_number else (DOUBLE, True)
    if name in AGGREGATE_CALLS:
        return [(argument, *_aggregated(name, want, number)) for argument in arguments]
    if name in SIGNATURES:
        takes = zip(arguments, SIGNATURES[name].takes, strict=False)
        return [(argument, *(number if kind == "number" else (_TAKES[kind], False))) for argument, kind in takes]
    if name in ("FLOOR TO", "CEIL TO"):
        return [(arguments[0], TIMESTAMP, False)]
    if name == "EXTRACT":
        return [(arguments[-1], TIMESTAMP, False)]
    if name == "STEP" and len(arguments) == 2:
        by_time = isinstance(arguments[1], IntervalLiteral)
        return [(arguments[0], TIMESTAMP, False) if by_time else (arguments[0], *number)]
    if name in PARSERS or name in ("SUBSTRING FROM", "SUBSTRING SIMILAR"):
        return [(argument, VARCHAR, False) for argument in arguments[:1]]
    known = want or next((sql_type for argument in arguments if (sql_type := _type_of(argument)) is not None), None)
    return [
        (argument, known, is_weak or want is None) for argument in arguments if not isinstance(argument, exp.Select)
    ]


def _aggregated(name: str, want: SqlType | None, number: tuple[SqlType, bool]) -> tuple[SqlType | None, bool]:
    if name == "COUNT":
        return None, False
    if name.startswith(("MIN", "MAX", "FIRST", "LAST")):
        return want, False
    if name == "SUM" and number[0].is_integer:
        return BIGINT, False
    return number if name == "SUM" else (DOUBLE, True)


def most_likely(votes: Sequence[tuple[SqlType, bool]]) -> SqlType:
    """The type that most uses ask for; text, as which anything can be read, if none does."""
    if not votes:
        return VARCHAR
    kinds = [sql_type.kind for sql_type, _ in votes]
    kind = max(dict.fromkeys(kinds), key=kinds.count)
    chosen = [(sql_type, is_weak) for sql_type, is_weak in votes if sql_type.kind == kind]
    first = chosen[0][0]
    if not first.is_number:
        return VARCHAR if first.is_text else first
    strong = [sql_type for sql_type, is_weak in chosen if not is_weak]
    if not strong or not all(sql_type.is_integer for sql_type in strong):
        return DOUBLE
    return max(strong, key=lambda sql_type: INTEGER_BITS[sql_type.name])
