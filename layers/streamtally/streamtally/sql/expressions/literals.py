"""Constants of the dialect: numbers, texts, times, intervals, NULL, TRUE and FALSE."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlglot import exp

from streamtally.errors import EvaluationError
from streamtally.plan.functions.time import UNIT_MS
from streamtally.plan.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, SqlType
from streamtally.sql.expressions.translator import Translator, translates
from streamtally.sql.expressions.typed import NULL_LITERAL, Typed, make_interval, make_literal
from streamtally.sql.grammar.nodes import IntervalLiteral, TypedLiteral
from streamtally.times.iso import parse_sql_time

_SHORT_INTEGER = 2**31


@translates(exp.Null)
def null(translator: Translator, node: exp.Null) -> Typed:
    return NULL_LITERAL


@translates(exp.Boolean)
def boolean(translator: Translator, node: exp.Boolean) -> Typed:
    return make_literal(bool(node.this), BOOLEAN)


@translates(exp.Literal)
def literal(translator: Translator, node: exp.Literal) -> Typed:
    text = str(node.this)
    if node.is_string:
        return make_literal(text, SqlType("VARCHAR", max(1, len(text))))
    if re.fullmatch(r"[0-9]{1,19}", text) and int(text) < 2**63:
        return make_literal(int(text), INTEGER if int(text) < _SHORT_INTEGER else BIGINT)
    if re.fullmatch(r"[0-9]*\.[0-9]+|[0-9]+\.", text) and len(text) <= 19:
        scale = len(text.partition(".")[2])
        digits = max(1, len(text.replace(".", "").lstrip("0")), scale)
        return make_literal(str(Decimal(text)), SqlType("DECIMAL", digits, scale))
    if re.fullmatch(r"[0-9]*\.?[0-9]*[eE][+-]?[0-9]{1,3}", text):
        try:
            value = float(text)
        except ValueError:
            value = float("inf")
        if value != float("inf"):
            return make_literal(value, DOUBLE)
    raise translator.problems.error(node, f"{text[:40]} is not a valid number")


@translates(TypedLiteral)
def typed_literal(translator: Translator, node: TypedLiteral) -> Typed:
    kind = str(node.args["kind"].this)
    try:
        value = parse_sql_time(kind, str(node.this.this))
    except EvaluationError:
        example = {"TIMESTAMP": "1970-01-01 00:00:00", "DATE": "1970-01-01", "TIME": "00:00:00"}[kind]
        raise translator.problems.error(node, f"not a valid {kind}", f"write {kind} '{example}'") from None
    return make_literal(value, SqlType(kind))


@translates(IntervalLiteral)
def interval_literal(translator: Translator, node: IntervalLiteral) -> Typed:
    unit = str(node.args["unit"].this)
    to = str(node.args["to"].this) if node.args.get("to") else ""
    if unit not in UNIT_MS or (to and to not in UNIT_MS):
        raise translator.problems.unsupported(
            node, f"intervals of {unit} (they have no fixed length)", "use DAY, HOUR, MINUTE or SECOND"
        )
    ms = _interval_ms(str(node.this), unit, to)
    if ms is None:
        raise translator.problems.error(node, "not a valid interval", f"write INTERVAL '1' {unit}")
    return make_interval(-ms if node.args.get("negative") else ms, unit)


_INTERVAL = re.compile(
    r"""
    \s* (?P<sign> -? )
    (?P<parts> [0-9]{1,9} (?: [ :] [0-9]{1,2} )* )  # the coarsest unit, then the finer ones
    (?P<fraction> \. [0-9]{1,9} )? \s*
    """,
    re.VERBOSE,
)


def _interval_ms(text: str, unit: str, to: str) -> int | None:
    """``'1:30'`` MINUTE TO SECOND → 90,000 ms; None if the text does not fit the units."""
    chain = ["DAY", "HOUR", "MINUTE", "SECOND"]
    last = chain.index(to or unit)
    first = chain.index(unit)
    if last < first:
        return None
    match = _INTERVAL.fullmatch(text)
    if not match or (match["fraction"] and chain[last] != "SECOND"):
        return None
    parts = [int(part) for part in re.split("[ :]", match["parts"])]
    if len(parts) != last - first + 1:
        return None
    total = sum(part * UNIT_MS[name] for part, name in zip(parts, chain[first : last + 1], strict=True))
    total += int(((match["fraction"] or ".0")[1:] + "000")[:3])
    return -total if match["sign"] else total
